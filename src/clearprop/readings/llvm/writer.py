"""Writing one kernel: its arguments, its loops, its text.

A kernel is ``void @name(ptr args, i64 rows, i64 begin, i64 end)``: pointers to its arrays, the
number of rows, and which blocks of its output to make. Blocks follow from shapes alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from clearprop.nodes.node import Node
from clearprop.nodes.shapes import Dim, Rows
from clearprop.readings.llvm.ir import Function, Scope, Value
from clearprop.readings.llvm.target import Target

__all__ = ["ARGUMENTS", "Argument", "KernelWriter", "Loop", "identity", "open_loop"]

ARGUMENTS = "(ptr noalias readonly %args, i64 %rows, i64 %begin, i64 %end)"


@dataclass(frozen=True)
class Argument:
    """An array of a kernel: a node's, or the slots in which a reduction's blocks are summed."""

    node: Node
    slots: bool = False


@dataclass
class Loop:
    """A counted loop being written; `body` is open until `close`."""

    pre: Scope
    outer: Scope
    phis: Scope
    body: Scope
    number: int
    start: Value
    stop: Value
    step: int
    variable: Value
    carried: list[Value]
    initial: list[Value]
    sure: bool

    def close(self, following: Sequence[Value] = ()) -> list[Value]:
        """End the loop; `following` are the next turn's carried values. Gives the last ones."""
        n, body = self.number, self.body
        body.raw(f"  br label %latch{n}")
        body.label(f"latch{n}")
        body.raw(f"  %next{n} = add nsw i64 {self.variable.text}, {self.step}")
        body.raw(f"  %more{n} = icmp slt i64 %next{n}, {self.stop.text}")
        body.raw(f"  br i1 %more{n}, label %body{n}, label %exit{n}")
        self.phis.raw(
            f"  {self.variable.text} = phi i64 [ {self.start.text}, %pre{n} ], "
            f"[ %next{n}, %latch{n} ]"
        )
        self.outer.label(f"exit{n}")
        out = []
        for phi, first, last in zip(self.carried, self.initial, following, strict=True):
            before, after = f"[ {first.text}, %pre{n} ]", f"[ {last.text}, %latch{n} ]"
            self.phis.raw(f"  {phi.text} = phi {phi.type} {before}, {after}")
            ends = after if self.sure else f"{before}, {after}"
            out.append(self.outer.emit(phi.kind, phi.lanes, f"phi {phi.type} {ends}"))
        return out


def open_loop(
    outer: Scope, start: Value, stop: Value, step: int = 1, carried: Sequence[Value] = ()
) -> Loop:
    """for variable = start; variable < stop; variable += step: runs no turn where start >= stop."""
    function = outer.function
    function.counter += 1
    n = function.counter
    pre = outer.inner()
    outer.raw(f"  br label %pre{n}")
    outer.label(f"pre{n}")
    sure = start.text.isdigit() and stop.text.isdigit() and int(start.text) < int(stop.text)
    if sure:
        outer.raw(f"  br label %body{n}")
    else:
        outer.raw(f"  %any{n} = icmp slt i64 {start.text}, {stop.text}")
        outer.raw(f"  br i1 %any{n}, label %body{n}, label %exit{n}")
    outer.label(f"body{n}")
    phis, body = outer.inner(), outer.inner()
    variable = Value(f"%i{n}", "i64")
    names = [Value(f"%c{n}_{place}", c.kind, c.lanes) for place, c in enumerate(carried)]
    return Loop(pre, outer, phis, body, n, start, stop, step, variable, names, list(carried), sure)


def identity(op: str, kind: str, scope: Scope, lanes: int = 0) -> Value:
    """What a reduction starts from."""
    if op in ("sum", "umax"):
        return scope.zero(kind, lanes)
    if kind in ("float", "double"):
        return scope.number(float("-inf"), kind, lanes)
    least = {"i32": -(2**31), "i64": -(2**63)}[kind]
    return scope.integer(least, kind, lanes)


@dataclass
class KernelWriter:
    """The text of one kernel function."""

    target: Target
    function: Function = field(init=False)
    root: Scope = field(init=False)
    entry: Scope = field(init=False)
    code: Scope = field(init=False)
    arguments: list[Argument] = field(default_factory=list)
    pointers: dict[Argument, Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.function = Function("kernel", self.target)
        self.root = Scope(self.function)
        self.entry = self.root.inner()
        self.code = self.root.inner()

    def pointer(self, node: Node, slots: bool = False) -> Value:
        """The address of an array, loaded once in the kernel's first lines."""
        argument = Argument(node, slots)
        if argument not in self.pointers:
            place = len(self.arguments)
            self.arguments.append(argument)
            at = self.entry.offset(Value("%args", "ptr"), place, "ptr")
            self.pointers[argument] = self.entry.emit("ptr", 0, f"load ptr, {at}, align 8")
        return self.pointers[argument]

    def extent(self, dim: Dim) -> Value:
        """A dimension as a number of the program."""
        if isinstance(dim, Rows):
            rows = Value("%rows", "i64")
            if dim.times == 1:
                return rows
            return self.entry.binary("mul", rows, self.entry.integer(dim.times))
        return self.entry.integer(dim)

    def minimum(self, scope: Scope, a: Value, b: Value) -> Value:
        """The smaller of two numbers."""
        return scope.select(scope.icmp("slt", a, b), a, b)

    def span(self, head: Dim, size: int) -> tuple[Value, Value]:
        """The first and last place of all the blocks asked for, taken as one."""
        at = self.entry
        low = at.binary("mul", Value("%begin", "i64"), at.integer(size))
        high = at.binary("mul", Value("%end", "i64"), at.integer(size))
        return low, self.minimum(at, high, self.extent(head))

    def blocks(self, head: Dim, size: int) -> tuple[Loop, Value, Value]:
        """The loop over the blocks asked for, with the first and last place of each."""
        loop = open_loop(self.code, Value("%begin", "i64"), Value("%end", "i64"))
        body = loop.body
        low = body.binary("mul", loop.variable, body.integer(size))
        high = self.minimum(body, body.binary("add", low, body.integer(size)), self.extent(head))
        return loop, low, high

    def text(self) -> str:
        """The function's body, the same for kernels of the same structure."""
        lines = ["entry:", *self.root.flatten(), "  ret void"]
        return "\n".join(lines)
