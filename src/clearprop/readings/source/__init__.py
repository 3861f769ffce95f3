"""The source reading: a graph as readable NumPy that runs."""

from clearprop.readings.source.program import compile_source, source

__all__ = ["compile_source", "source"]
