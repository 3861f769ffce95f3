"""Training steps of clearprop and of its peers, side by side: `python -m bench --help`."""
