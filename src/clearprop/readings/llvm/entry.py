"""The compiled entry: gather a minibatch, run the step's kernels, write the log; for many steps.

``i64 @run(ptr fields, i64 thread)``: the fields are listed in `FIELDS`, then two pointers for each
copy in or out, then one for each logged number. Each thread of a team calls it with the same fields
and its own number. Denormals are flushed inside, in every thread; the old mode is put back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from clearprop.readings.llvm.ir import SCALARS, Function, Scope, Value
from clearprop.readings.llvm.kernel import KernelCode
from clearprop.readings.llvm.target import Target
from clearprop.readings.llvm.team import BARRIER, team_text, units
from clearprop.readings.llvm.writer import ARGUMENTS, open_loop

__all__ = ["FIELDS", "HALT", "Layout", "module_text"]

FIELDS = ("table", "total", "batch", "indices", "first", "start", "steps", "log", "counter", "stop",
          "team", "modes", "shared", "yield")  # fmt: skip
HALT = 128
"""Where in the shared bytes thread 0 says that the steps end; the barrier uses those before."""


@dataclass(frozen=True)
class Layout:
    """What the entry copies and logs, by bytes: rows in, rows out, whole arrays, numbers."""

    streamed: tuple[int, ...]
    collected: tuple[int, ...]
    copies: tuple[int, ...]
    logged: tuple[str, ...]

    @property
    def fields(self) -> int:
        """How many 8-byte fields a call passes."""
        pairs = len(self.streamed) + len(self.collected) + len(self.copies)
        return len(FIELDS) + 2 * pairs + len(self.logged)


Pair = tuple[Value, Value]


class _Entry:
    """The text of ``@run``."""

    def __init__(self, target: Target, layout: Layout) -> None:
        self.layout, self.target = layout, target
        self.function = Function("run", target)
        self.root = Scope(self.function)
        self.entry, self.code = self.root.inner(), self.root.inner()
        numbers = ("total", "batch", "first", "start", "steps", "stop", "team")
        self.named = {
            name: self._field(place, "i64" if name in numbers else "ptr")
            for place, name in enumerate(FIELDS)
        }
        counts = (len(layout.streamed), len(layout.collected), len(layout.copies))
        at = len(FIELDS)
        self.pairs: list[list[Pair]] = []
        for count in counts:
            places = range(at, at + 2 * count, 2)
            self.pairs.append([(self._field(p, "ptr"), self._field(p + 1, "ptr")) for p in places])
            at += 2 * count
        self.logged = [self._field(at + i, "ptr") for i in range(len(layout.logged))]
        self.thread = Value("%thread", "i64")
        self.together = self.entry.icmp("ugt", self.named["team"], self.entry.integer(1))
        self.leads = self.entry.icmp("eq", self.thread, self.entry.integer(0))

    def _field(self, place: int, kind: str) -> Value:
        at = self.entry.offset(Value("%fields", "ptr"), place, "i64")
        return self.entry.emit(kind, 0, f"load {kind}, {at}, align 8")

    # --- the loop over steps -------------------------------------------------------------------

    def write(self) -> str:
        """The function's body."""
        code, named = self.code, self.named
        mode = self._flush()
        loop = open_loop(code, code.integer(0), named["steps"])
        body, k = loop.body, loop.variable
        low = body.binary("mul", body.binary("add", named["start"], k), named["batch"])
        left = body.binary("sub", named["total"], low)
        rows = body.select(body.icmp("slt", left, named["batch"]), left, named["batch"])
        self._gather(body, low, rows, body.binary("add", named["first"], k))
        self._choose(
            body,
            f"call void @shared_step(ptr {named['table'].text}, i64 {rows.text}, "
            f"ptr {named['modes'].text}, i64 %thread, {named['team']}, {named['shared']}, "
            f"{named['yield']})",
            f"call void @step(ptr {named['table'].text}, i64 {rows.text})",
        )
        self._wait(body)
        self._lead(body, low, rows, k)
        self._wait(body)
        halt = body.offset(named["shared"], HALT, "i8")
        ends = body.icmp("ne", body.load(halt, "i64"), body.integer(0))
        done = body.binary("add", k, body.integer(1))
        body.raw(f"  br {ends}, label %halted, label %goes")
        body.label("goes")
        loop.close()
        self._leave(code, mode)
        code.raw(f"  ret {named['steps']}")
        code.label("halted")
        self._leave(code, mode)
        code.raw(f"  ret {done}")
        return "\n".join(["entry:", *self.root.flatten()])

    def _choose(self, s: Scope, team: str, alone: str) -> None:
        """One line for a team, another for a single thread."""
        n = s.function.fresh("way")
        s.raw(f"  br {self.together}, label %team{n}, label %alone{n}")
        for label, line in ((f"team{n}", team), (f"alone{n}", alone)):
            s.label(label)
            s.raw(f"  {line}")
            s.raw(f"  br label %both{n}")
        s.label(f"both{n}")

    def _wait(self, s: Scope) -> None:
        line = BARRIER
        for name in ("shared", "team", "yield"):
            line = line.replace(f"%{name}", self.named[name].text)
        self._choose(s, line, "; nobody to wait for")

    def _gather(self, s: Scope, low: Value, rows: Value, step: Value) -> None:
        """Each thread copies its share of the minibatch's rows; the leader sets the counter."""
        n = s.function.fresh("lead")
        s.raw(f"  br {self.leads}, label %count{n}, label %counted{n}")
        s.label(f"count{n}")
        s.store(s.convert("trunc", step, "i32"), self.named["counter"])
        s.raw(f"  br label %counted{n}")
        s.label(f"counted{n}")
        if self.layout.streamed:
            team = self.named["team"]
            begin = s.binary("udiv", s.binary("mul", rows, self.thread), team)
            after = s.binary("add", self.thread, s.integer(1))
            end = s.binary("udiv", s.binary("mul", rows, after), team)
            for width, pair in zip(self.layout.streamed, self.pairs[0], strict=True):
                self._rows_in(s, low, begin, end, pair, width)
        self._wait(s)

    def _rows_in(
        self, s: Scope, low: Value, begin: Value, end: Value, pair: Pair, width: int
    ) -> None:
        """Copy rows of the minibatch, by indices or in order."""
        n, indices, (source, to) = s.function.fresh("way"), self.named["indices"], pair
        ordered = s.emit("i1", 0, f"icmp eq {indices}, null")
        s.raw(f"  br {ordered}, label %in{n}, label %by{n}")
        for label, by_index in ((f"in{n}", False), (f"by{n}", True)):
            s.label(label)
            loop = open_loop(s, begin, end)
            body = loop.body
            place = body.binary("add", low, loop.variable)
            if by_index:
                place = body.load(body.offset(indices, place, "i64"), "i64")
            here = body.offset(source, body.binary("mul", place, body.integer(width)), "i8")
            there = body.binary("mul", loop.variable, body.integer(width))
            _copy(body, here, body.offset(to, there, "i8"), width)
            loop.close()
            s.raw(f"  br label %both{n}")
        s.label(f"both{n}")

    def _lead(self, s: Scope, low: Value, rows: Value, k: Value) -> None:
        """What only the leader does when a step is done: rows out, the log, copies, the halt."""
        n = s.function.fresh("lead")
        s.raw(f"  br {self.leads}, label %out{n}, label %rest{n}")
        s.label(f"out{n}")
        for width, (source, to) in zip(self.layout.collected, self.pairs[1], strict=True):
            out = s.offset(to, s.binary("mul", low, s.integer(width)), "i8")
            loop = open_loop(s, s.integer(0), rows)
            step = loop.body.binary("mul", loop.variable, loop.body.integer(width))
            here = loop.body.offset(source, step, "i8")
            _copy(loop.body, here, loop.body.offset(out, step, "i8"), width)
            loop.close()
        bad = self._log(s, k)  # before the copies: a logged input has its old value
        for width, (source, to) in zip(self.layout.copies, self.pairs[2], strict=True):
            _copy(s, source, to, width)
        halt = s.binary("and", bad, s.icmp("ne", self.named["stop"], s.integer(0)))
        at = s.offset(self.named["shared"], HALT, "i8")
        s.store(s.convert("zext", halt, "i64"), at)
        s.raw(f"  br label %rest{n}")
        s.label(f"rest{n}")

    def _log(self, s: Scope, k: Value) -> Value:
        """Write each number as a double; whether any is NaN or infinite."""
        bad = Value("false", "i1")
        width = s.integer(len(self.logged))
        row = s.offset(self.named["log"], s.binary("mul", k, width), "double")
        for place, (pointer, dtype) in enumerate(zip(self.logged, self.layout.logged, strict=True)):
            kind = SCALARS[dtype]
            value = s.load(pointer, kind)
            if kind == "float":
                value = s.convert("fpext", value, "double")
            elif kind in ("i32", "i64", "i1"):
                unsigned = dtype in ("bool", "uint32")
                value = s.convert("uitofp" if unsigned else "sitofp", value, "double")
            s.store(value, s.offset(row, place, "double"))
            none = s.binary("fsub", value, value)
            bad = s.binary("or", bad, s.fcmp("uno", none, none))
        return bad

    # --- denormals -----------------------------------------------------------------------------

    def _flush(self) -> Value:
        """Flush denormals to zero; the old mode."""
        s, known = self.entry, self.function.intrinsics
        if self.target.triple.startswith(("aarch64", "arm64")):
            known |= {
                "declare i64 @llvm.aarch64.get.fpcr()",
                "declare void @llvm.aarch64.set.fpcr(i64)",
            }
            old = s.emit("i64", 0, "call i64 @llvm.aarch64.get.fpcr()")
            new = s.binary("or", old, s.integer(1 << 24))
            s.raw(f"  call void @llvm.aarch64.set.fpcr({new})")
            return old
        known |= {
            "declare void @llvm.x86.sse.stmxcsr(ptr)",
            "declare void @llvm.x86.sse.ldmxcsr(ptr)",
        }
        old = s.emit("ptr", 0, "alloca i32, align 4")
        new = s.emit("ptr", 0, "alloca i32, align 4")
        s.raw(f"  call void @llvm.x86.sse.stmxcsr({old})")
        s.store(s.binary("or", s.load(old, "i32"), s.integer(0x8040, "i32")), new)
        s.raw(f"  call void @llvm.x86.sse.ldmxcsr({new})")
        return old

    def _leave(self, s: Scope, old: Value) -> None:
        if old.kind == "ptr":
            s.raw(f"  call void @llvm.x86.sse.ldmxcsr({old})")
        else:
            s.raw(f"  call void @llvm.aarch64.set.fpcr({old})")


def _copy(s: Scope, source: Value, to: Value, count: int) -> None:
    """Copy `count` bytes, a vector at a time."""
    wide = s.target.vector
    main = count // wide * wide
    if main:
        loop = open_loop(s, s.integer(0), s.integer(main), wide)
        value = loop.body.load(loop.body.offset(source, loop.variable, "i8"), "i8", wide)
        loop.body.store(value, loop.body.offset(to, loop.variable, "i8"))
        loop.close()
    place = main
    while place < count:
        part = 1 << ((count - place).bit_length() - 1)
        value = s.load(s.offset(source, place, "i8"), "i8", part if part > 1 else 0)
        s.store(value, s.offset(to, place, "i8"))
        place += part


def module_text(codes: Sequence[KernelCode], target: Target, layout: Layout) -> str:
    """The whole module: each different kernel once, the step, the entry."""
    bodies: dict[str, str] = {}
    found = units(codes)
    names = [bodies.setdefault(unit.code.body, f"kernel{len(bodies)}") for unit in found]
    steps = team_text(found, names)
    entry = _Entry(target, layout)
    run = entry.write()
    declared = entry.function.intrinsics.union(*(unit.code.intrinsics for unit in found))
    parts = [f'target triple = "{target.triple}"', *sorted(declared)]
    for body, name in bodies.items():
        parts.append(f"define internal void @{name}{ARGUMENTS} nounwind {{\n{body}\n}}")
    parts += steps
    parts.append(f"define i64 @run(ptr %fields, i64 %thread) nounwind {{\n{run}\n}}")
    return "\n\n".join(parts) + "\n"
