"""``python -m clearprop``: the command line."""

from clearprop.faces.cli import main

if __name__ == "__main__":
    main()
