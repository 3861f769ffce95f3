"""How reductions, products, movement, selection and leaves are written."""

from collections.abc import Mapping

import numpy as np

from clearprop.nodes.build import broadcast_shapes
from clearprop.nodes.node import Node
from clearprop.nodes.ops import FLOATS
from clearprop.nodes.random import stream_key
from clearprop.nodes.shapes import Rows, Shape
from clearprop.readings.source.piece import (
    ATOM,
    PRODUCT,
    UNARY,
    Page,
    Piece,
    Writer,
    dtype_text,
    tuple_text,
)

__all__ = ["ARRAYS"]


# --- reductions and products -------------------------------------------------------------------


def _reduce(here: Node, page: Page) -> Piece:
    return _reduced(here, page, keepdims=False)


def _reduced(here: Node, page: Page, keepdims: bool) -> Piece:
    """A sum or a maximum; integers are told not to widen."""
    (source,) = here.args
    words = [page.exact(source).text]
    axes = here["axes"]
    if len(axes) < len(source.shape):
        words.append(f"axis={axes[0] if len(axes) == 1 else axes}")
    if keepdims:
        words.append("keepdims=True")
    if here.op == "sum" and here.dtype not in FLOATS:
        words.append(f"dtype={dtype_text(here.dtype)}")
    shape = _kept_shape(here) if keepdims else here.shape
    return Piece(f"np.{here.op}({', '.join(words)})", ATOM, shape)


def _kept_shape(here: Node) -> Shape:
    return tuple(1 if i in here["axes"] else d for i, d in enumerate(here.args[0].shape))


def _argmax(here: Node, page: Page) -> Piece:
    x = page.exact(here.args[0])
    return Piece(f"np.argmax({x.text}, axis={here['axis']}).astype(np.int32)", ATOM, here.shape)


def _contract(here: Node, page: Page) -> Piece:
    a, b = (
        piece if piece.shape[-2:] == arg.shape[-2:] else page.exact(arg)
        for arg, piece in zip(here.args, page.arguments(here), strict=True)
    )
    shape = (*broadcast_shapes(a.shape[:-2], b.shape[:-2]), *here.shape[-2:])
    return Piece(f"{a.at(PRODUCT)} @ {b.at(PRODUCT + 1)}", PRODUCT, shape)


# --- movement ----------------------------------------------------------------------------------


def _indexed(x: Piece, places: list[str], shape: Shape) -> Piece:
    while places and places[-1] == ":":
        places.pop()
    return Piece(f"{x.at(ATOM)}[{', '.join(places)}]" if places else x.at(ATOM), ATOM, shape)


def _new_axes(old: Shape, new: Shape) -> list[str] | None:
    """The index that puts axes of size 1 into the old shape, where that gives the new one.

    >>> _new_axes((3, 4), (3, 1, 4)), _new_axes((3, 4), (4, 3))
    ([':', 'None', ':'], None)
    """
    out, rest = [], list(old)
    for dim in new:
        if rest and rest[0] == dim:
            rest.pop(0)
            out.append(":")
        elif dim == 1:
            out.append("None")
        else:
            return None
    return None if rest else out


def _reshape(here: Node, page: Page) -> Piece:
    source = here.args[0]
    while source.op == "reshape" and source not in page.lines:
        source = source.args[0]
    x = page.pieces[source]
    added = len(here.shape) - len(source.shape)
    if x.shape == () or here.shape == (1,) * added + source.shape:
        return x  # it stretches to the new shape by itself
    if source.shape == (1,) * -added + here.shape and len(x.shape) <= len(here.shape):
        return x  # it never had the axes that are dropped
    folded = source.op in ("sum", "max") and source not in page.lines
    if folded and here.shape == _kept_shape(source):
        return _reduced(source, page, keepdims=True)
    x = page.exact(source)
    if (places := _new_axes(source.shape, here.shape)) is not None:
        return _indexed(x, places, here.shape)
    if (places := _new_axes(here.shape, source.shape)) is not None:
        return _indexed(x, [p.replace("None", "0") for p in places], here.shape)
    dims = [
        "-1" if isinstance(d, Rows) and 0 not in here.shape else page.dim(d) for d in here.shape
    ]
    return Piece(f"{x.at(ATOM)}.reshape({', '.join(dims) or '()'})", ATOM, here.shape)


def _transpose(here: Node, page: Page) -> Piece:
    x = page.exact(here.args[0]) if page.pieces[here.args[0]].shape else page.pieces[here.args[0]]
    if not x.shape:
        return x
    if here["order"] == tuple(reversed(range(len(here.shape)))):
        return Piece(f"{x.at(ATOM)}.T", ATOM, here.shape)
    return Piece(f"np.transpose({x.text}, {here['order']})", ATOM, here.shape)


def _broadcast(here: Node, page: Page) -> Piece:
    return page.pieces[here.args[0]]


def _slice(here: Node, page: Page) -> Piece:
    (source,) = here.args
    places = []
    cuts = zip(here["starts"], here["stops"], here["steps"], source.shape, strict=True)
    for start, stop, step, whole in cuts:
        end = "" if stop == whole else page.dim(stop)
        places.append(f"{start or ''}:{end}" + (f":{step}" if step != 1 else ""))
    return _indexed(page.exact(source), places, here.shape)


def _pad(here: Node, page: Page) -> Piece:
    x = page.exact(here.args[0])
    if not here.shape:
        return x
    widths = list(zip(here["low"], here["high"], strict=True))
    return Piece(f"np.pad({x.text}, {tuple_text(widths)})", ATOM, here.shape)


def _concatenate(here: Node, page: Page) -> Piece:
    inner = ", ".join(page.exact(a).text for a in here.args)
    return Piece(f"np.concatenate([{inner}], axis={here['axis']})", ATOM, here.shape)


def _flip(here: Node, page: Page) -> Piece:
    axes = here["axes"][0] if len(here["axes"]) == 1 else here["axes"]
    return Piece(f"np.flip({page.exact(here.args[0]).text}, {axes})", ATOM, here.shape)


# --- selection and leaves ----------------------------------------------------------------------


def _gather(here: Node, page: Page) -> Piece:
    table, indices = map(page.exact, here.args)
    return Piece(f"{table.at(ATOM)}[{indices.text}]", ATOM, here.shape)


def _scatter_add(here: Node, page: Page) -> Piece:
    updates, indices = map(page.exact, here.args)
    words = (updates.text, indices.text, page.dim(here["size"]))
    return Piece(f"scatter_add({', '.join(words)})", ATOM, here.shape)


def _one_hot(here: Node, page: Page) -> Piece:
    indices = page.exact(here.args[0])
    hit = f"({indices.at(ATOM)}[..., None] == np.arange({here['depth']}))"
    return Piece(f"{hit}.astype({dtype_text(here.dtype)})", ATOM, here.shape)


def _iota(here: Node, page: Page) -> Piece:
    axis = here["axis"]
    after = len(here.shape) - axis - 1
    size = here.shape[axis]
    along = f"np.arange({page.dim(size)}).astype({dtype_text(here.dtype)})"
    shape = (size, *[1] * after)
    return _indexed(Piece(along, ATOM, (size,)), [":", *["None"] * after], shape)


def _random_bits(here: Node, page: Page) -> Piece:
    seed, step = map(page.exact, here.args)
    words = (seed.text, step.text, page.shape(here.shape), hex(stream_key(here["stream"])))
    return Piece(f"random_bits({', '.join(words)})", ATOM, here.shape)


def _constant(here: Node, page: Page) -> Piece:
    value = here["value"]
    text = str(np.float32(value)) if here.dtype == "float32" else repr(value)
    text = text.replace("inf", "np.inf").replace("nan", "np.nan")
    return Piece(text, UNARY if text.startswith("-") else ATOM, (), number=True)


ARRAYS: Mapping[str, Writer] = {
    "sum": _reduce,
    "max": _reduce,
    "argmax": _argmax,
    "contract": _contract,
    "reshape": _reshape,
    "transpose": _transpose,
    "broadcast": _broadcast,
    "slice": _slice,
    "pad": _pad,
    "concatenate": _concatenate,
    "flip": _flip,
    "gather": _gather,
    "scatter_add": _scatter_add,
    "one_hot": _one_hot,
    "constant": _constant,
    "iota": _iota,
    "random_bits": _random_bits,
}
