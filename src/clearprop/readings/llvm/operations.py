"""The elementwise operations as instructions: one row an operation."""

from collections.abc import Callable, Mapping

from clearprop.nodes.node import Node
from clearprop.nodes.ops import FLOATS
from clearprop.readings.llvm.ir import SCALARS, Scope, Value
from clearprop.readings.llvm.vectormath import VECTOR_MATH

__all__ = ["OPERATIONS", "apply"]

Emit = Callable[[Scope, Node, list[Value]], Value]


def _arithmetic(name: str) -> Emit:
    def emit(s: Scope, node: Node, args: list[Value]) -> Value:
        prefix = "f" if node.dtype in FLOATS else ""
        return s.binary(prefix + name, args[0], args[1])

    return emit


def _compare(ordered: str, signed: str, unsigned: str) -> Emit:
    def emit(s: Scope, node: Node, args: list[Value]) -> Value:
        a, b = args
        dtype = node.args[0].dtype
        if dtype in FLOATS:
            return s.fcmp(ordered, a, b)
        return s.icmp(unsigned if dtype in ("uint32", "bool") else signed, a, b)

    return emit


def _neg(s: Scope, node: Node, args: list[Value]) -> Value:
    (x,) = args
    return s.fneg(x) if node.dtype in FLOATS else s.binary("sub", s.zero(x.kind, x.lanes), x)


def _abs(s: Scope, node: Node, args: list[Value]) -> Value:
    (x,) = args
    if node.dtype in FLOATS:
        return s.intrinsic("fabs", x)
    if node.dtype == "uint32":
        return x
    zero = s.zero(x.kind, x.lanes)
    return s.select(s.icmp("slt", x, zero), s.binary("sub", zero, x), x)


def _not(s: Scope, node: Node, args: list[Value]) -> Value:
    (x,) = args
    return s.binary("xor", x, s.integer(1, "i1", x.lanes))


def _saturating(s: Scope, x: Value, kind: str, unsigned: bool) -> Value:
    """Cut toward zero; outside the range the nearest end, NaN to 0 (never undefined)."""
    source = {"float": "f32", "double": "f64"}[x.kind]
    a, b = (f"v{x.lanes}{kind}", f"v{x.lanes}{source}") if x.lanes else (kind, source)
    name = f"@llvm.fpto{'u' if unsigned else 's'}i.sat.{a}.{b}"
    to = Value("", kind, x.lanes).type
    s.function.intrinsics.add(f"declare {to} {name}({x.type})")
    return s.emit(kind, x.lanes, f"call {to} {name}({x})")


def _cast(s: Scope, node: Node, args: list[Value]) -> Value:
    (x,), source, dtype = args, node.args[0].dtype, node.dtype
    kind = SCALARS[dtype]
    if source == dtype:
        return x
    if dtype == "bool":
        if source in FLOATS:
            return s.fcmp("une", x, s.zero(x.kind, x.lanes))
        return s.icmp("ne", x, s.zero(x.kind, x.lanes))
    if source in FLOATS:
        if dtype in FLOATS:
            return s.convert("fpext" if dtype == "float64" else "fptrunc", x, kind)
        return _saturating(s, x, kind, dtype == "uint32")
    unsigned = source in ("uint32", "bool")
    if dtype in FLOATS:
        return s.convert("uitofp" if unsigned else "sitofp", x, kind)
    if x.kind == kind:
        return x
    widen = x.kind == "i1" or kind == "i64"
    return s.convert(("zext" if unsigned else "sext") if widen else "trunc", x, kind)


def _where(s: Scope, node: Node, args: list[Value]) -> Value:
    return s.select(*args)


def _same(s: Scope, node: Node, args: list[Value]) -> Value:
    return args[0]


def _math(name: str) -> Emit:
    function = VECTOR_MATH[name]

    def emit(s: Scope, node: Node, args: list[Value]) -> Value:
        return function(s, *args)

    return emit


OPERATIONS: Mapping[str, Emit] = {
    **{name: _math(name) for name in VECTOR_MATH},
    "neg": _neg,
    "abs": _abs,
    "logical_not": _not,
    "cast": _cast,
    "stop_gradient": _same,
    "add": _arithmetic("add"),
    "sub": _arithmetic("sub"),
    "mul": _arithmetic("mul"),
    "div": _arithmetic("div"),
    "less": _compare("olt", "slt", "ult"),
    "less_equal": _compare("ole", "sle", "ule"),
    "equal": _compare("oeq", "eq", "eq"),
    "logical_and": lambda s, node, args: s.binary("and", *args),
    "logical_or": lambda s, node, args: s.binary("or", *args),
    "where": _where,
}


def apply(s: Scope, node: Node, args: list[Value]) -> Value:
    """The instructions of one elementwise operation."""
    return OPERATIONS[node.op](s, node, args)
