"""The law engine: laws are matched and replaced from the arguments up, to a fixed point."""
