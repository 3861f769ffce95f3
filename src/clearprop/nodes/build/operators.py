"""Operators: Python's arithmetic, comparisons and ``@`` on nodes, by this package's functions."""

from collections.abc import Callable
from typing import Any

from clearprop.nodes.build.elementwise import (
    abs,
    add,
    div,
    greater,
    greater_equal,
    less,
    less_equal,
    mul,
    neg,
    power,
    sub,
)
from clearprop.nodes.build.indexing import indexed
from clearprop.nodes.build.products import matmul
from clearprop.nodes.node import Node

__all__ = ["put_operators"]


def put_operators() -> None:
    """Give Node its operators; `node.py` declares their types, and cannot import what they do."""
    for name, function in _operators().items():
        setattr(Node, name, function)


def _operators() -> dict[str, Callable[..., Any]]:
    binary = {"add": add, "sub": sub, "mul": mul, "truediv": div, "pow": power, "matmul": matmul}
    table: dict[str, Callable[..., Any]] = {}
    for name, function in binary.items():
        table[f"__{name}__"] = function
        table[f"__r{name}__"] = lambda self, other, f=function: f(other, self)
    table |= {"__neg__": neg, "__abs__": abs, "__lt__": less, "__le__": less_equal}
    table["_indexed"] = indexed
    table |= {"__gt__": greater, "__ge__": greater_equal}
    return table
