"""How elementwise operations are written: NumPy's functions and Python's operators."""

from collections.abc import Mapping

from clearprop.nodes.node import Node
from clearprop.readings.source.piece import (
    AND,
    ATOM,
    COMPARE,
    OR,
    POWER,
    PRODUCT,
    SUM,
    UNARY,
    Page,
    Piece,
    Writer,
    dtype_text,
    joined,
)

__all__ = ["ELEMENTWISE"]


def _call(function: str) -> Writer:
    def written(here: Node, page: Page) -> Piece:
        pieces = page.typed(here.args)
        return Piece(f"{function}({', '.join(p.text for p in pieces)})", ATOM, joined(pieces))

    return written


def _unary(sign: str) -> Writer:
    def written(here: Node, page: Page) -> Piece:
        (x,) = page.typed(here.args)
        return Piece(f"{sign}{x.at(UNARY)}", UNARY, x.shape)

    return written


def _infix(sign: str, strength: int, left: int, right: int) -> Writer:
    def written(here: Node, page: Page) -> Piece:
        a, b = page.typed(here.args)
        return Piece(f"{a.at(left)} {sign} {b.at(right)}", strength, joined((a, b)))

    return written


def _from_left(sign: str, strength: int) -> Writer:
    """An operator that Python reads from left to right."""
    return _infix(sign, strength, strength, strength + 1)


_product = _from_left("*", PRODUCT)


def _mul(here: Node, page: Page) -> Piece:
    x = page.pieces[here.args[0]]
    if here.args[0] is here.args[1] and not x.number:
        return Piece(f"{x.at(ATOM)} ** 2", POWER, x.shape)
    return _product(here, page)


def _comparison(sign: str, turned: str) -> Writer:
    def written(here: Node, page: Page) -> Piece:
        a, b = page.arguments(here)
        if a.number and not b.number:  # people write x > 0, not 0 < x
            return Piece(f"{b.at(OR)} {turned} {a.at(OR)}", COMPARE, b.shape)
        a, b = page.typed(here.args)
        return Piece(f"{a.at(OR)} {sign} {b.at(OR)}", COMPARE, joined((a, b)))

    return written


def _not(here: Node, page: Page) -> Piece:
    (inner,) = here.args
    if inner.op == "equal" and inner.args[0] is inner.args[1] and inner not in page.lines:
        (x,) = page.typed(inner.args[:1])
        return Piece(f"np.isnan({x.text})", ATOM, x.shape)
    return _unary("~")(here, page)


def _where(here: Node, page: Page) -> Piece:
    (condition,) = page.typed(here.args[:1])
    a, b = page.typed(here.args[1:])
    text = f"np.where({condition.text}, {a.text}, {b.text})"
    return Piece(text, ATOM, joined((condition, a, b)))


def _cast(here: Node, page: Page) -> Piece:
    (x,) = page.typed(here.args)
    return Piece(f"{x.at(ATOM)}.astype({dtype_text(here.dtype)})", ATOM, x.shape)


def _keep(here: Node, page: Page) -> Piece:
    return page.pieces[here.args[0]]


_NUMPY = ("abs", "sign", "floor", "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh")

ELEMENTWISE: Mapping[str, Writer] = {
    **{name: _call(f"np.{name}") for name in _NUMPY},
    **{name: _call(name) for name in ("sigmoid", "softplus", "erf")},
    "neg": _unary("-"),
    "logical_not": _not,
    "cast": _cast,
    "stop_gradient": _keep,
    "add": _from_left("+", SUM),
    "sub": _from_left("-", SUM),
    "mul": _mul,
    "div": _from_left("/", PRODUCT),
    "power": _infix("**", POWER, ATOM, UNARY),
    "less": _comparison("<", ">"),
    "less_equal": _comparison("<=", ">="),
    "equal": _comparison("==", "=="),
    "logical_and": _from_left("&", AND),
    "logical_or": _from_left("|", OR),
    "where": _where,
}
