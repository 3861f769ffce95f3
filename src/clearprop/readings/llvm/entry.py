"""The compiled entry: gather a minibatch, run the step's kernels, write the log; for many steps.

``i64 @run(ptr fields)``: the fields are listed in `FIELDS`, then two pointers for each copy in or
out, then one for each logged number. Denormals are flushed inside; the old mode is put back.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from clearprop.nodes.shapes import Dim, Rows
from clearprop.readings.llvm.ir import Function, Scope, Value
from clearprop.readings.llvm.kernel import KernelCode
from clearprop.readings.llvm.target import Target
from clearprop.readings.llvm.writer import ARGUMENTS, open_loop

__all__ = ["FIELDS", "Layout", "module_text"]

FIELDS = ("table", "total", "batch", "indices", "first", "start", "steps", "log", "counter", "stop")


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


class _Entry:
    def __init__(self, target: Target, layout: Layout) -> None:
        self.layout = layout
        self.function = Function("run", target)
        self.root = Scope(self.function)
        self.entry, self.code = self.root.inner(), self.root.inner()
        self.target = target

    def field(self, place: int, kind: str) -> Value:
        at = self.entry.offset(Value("%fields", "ptr"), place, "i64")
        return self.entry.emit(kind, 0, f"load {kind}, {at}, align 8")

    def named(self, name: str, kind: str = "i64") -> Value:
        return self.field(FIELDS.index(name), kind)

    def write(self) -> str:
        layout, code = self.layout, self.code
        values = {n: self.named(n) for n in ("total", "batch", "first", "start", "steps", "stop")}
        pointers = {n: self.named(n, "ptr") for n in ("table", "indices", "log", "counter")}
        at = len(FIELDS)
        many = len(layout.streamed) + len(layout.collected) + len(layout.copies)
        pairs = [
            (self.field(at + 2 * i, "ptr"), self.field(at + 2 * i + 1, "ptr")) for i in range(many)
        ]
        at += 2 * many
        logged = [self.field(at + i, "ptr") for i in range(len(layout.logged))]
        mode = self._flush()
        loop = open_loop(code, code.integer(0), values["steps"])
        body, k = loop.body, loop.variable
        low = body.binary("mul", body.binary("add", values["start"], k), values["batch"])
        left = body.binary("sub", values["total"], low)
        rows = body.select(body.icmp("slt", left, values["batch"]), left, values["batch"])
        self._count(body, pointers["counter"], body.binary("add", values["first"], k))
        ins = len(layout.streamed)
        for width, (source, to) in zip(layout.streamed, pairs, strict=False):
            self._rows_in(body, pointers["indices"], low, rows, source, to, width)
        body.raw(f"  call void @step(ptr {pointers['table'].text}, i64 {rows.text})")
        for width, (source, to) in zip(layout.collected, pairs[ins:], strict=False):
            out = body.offset(to, body.binary("mul", low, body.integer(width)), "i8")
            rest = open_loop(body, body.integer(0), rows)
            step = rest.body.binary("mul", rest.variable, rest.body.integer(width))
            copy(rest.body, rest.body.offset(source, step, "i8"),
                 rest.body.offset(out, step, "i8"), width)  # fmt: skip
            rest.close()
        for width, (source, to) in zip(layout.copies, pairs[ins + len(layout.collected) :],
                                       strict=True):  # fmt: skip
            copy(body, source, to, width)
        bad = self._log(body, pointers["log"], k, logged)
        done = body.binary("add", k, body.integer(1))
        halt = body.binary("and", bad, body.icmp("ne", values["stop"], body.integer(0)))
        body.raw(f"  br i1 {halt.text}, label %halted, label %goes")
        body.label("goes")
        loop.close()
        self._leave(code, mode)
        code.raw(f"  ret i64 {values['steps'].text}")
        code.label("halted")
        self._leave(code, mode)
        code.raw(f"  ret i64 {done.text}")
        return "\n".join(["entry:", *self.root.flatten()])

    def _count(self, s: Scope, counter: Value, step: Value) -> None:
        word = s.convert("trunc", step, "i32")
        s.store(word, counter)

    def _rows_in(
        self,
        s: Scope,
        indices: Value,
        low: Value,
        rows: Value,
        source: Value,
        to: Value,
        width: int,
    ) -> None:
        """Copy the minibatch's rows, by indices or in order."""
        n = s.function.fresh("way")
        ordered = s.emit("i1", 0, f"icmp eq ptr {indices.text}, null")
        s.raw(f"  br i1 {ordered.text}, label %in{n}, label %by{n}")
        for label, by_index in ((f"in{n}", False), (f"by{n}", True)):
            s.label(label)
            loop = open_loop(s, s.integer(0), rows)
            body = loop.body
            place = body.binary("add", low, loop.variable)
            if by_index:
                place = body.load(body.offset(indices, place, "i64"), "i64")
            here = body.offset(source, body.binary("mul", place, body.integer(width)), "i8")
            there = body.binary("mul", loop.variable, body.integer(width))
            copy(body, here, body.offset(to, there, "i8"), width)
            loop.close()
            s.raw(f"  br label %both{n}")
        s.label(f"both{n}")

    def _log(self, s: Scope, log: Value, k: Value, logged: Sequence[Value]) -> Value:
        """Write each number as a double; whether any is NaN or infinite."""
        bad = Value("false", "i1")
        width = s.integer(len(logged))
        row = s.offset(log, s.binary("mul", k, width), "double")
        for place, (pointer, kind) in enumerate(zip(logged, self.layout.logged, strict=True)):
            value = s.load(pointer, kind)
            if kind == "float":
                value = s.convert("fpext", value, "double")
            elif kind in ("i32", "i64", "i1"):
                value = s.convert("sitofp", value, "double")
            s.store(value, s.offset(row, place, "double"))
            none = s.binary("fsub", value, value)
            bad = s.binary("or", bad, s.fcmp("uno", none, none))
        return bad

    # --- denormals -----------------------------------------------------------------------------

    def _flush(self) -> Value:
        """Flush denormals to zero; the old mode."""
        s, known = self.entry, self.function.intrinsics
        if self.target.triple.startswith(("aarch64", "arm64")):
            known |= {"declare i64 @llvm.aarch64.get.fpcr()",
                      "declare void @llvm.aarch64.set.fpcr(i64)"}  # fmt: skip
            old = s.emit("i64", 0, "call i64 @llvm.aarch64.get.fpcr()")
            new = s.binary("or", old, s.integer(1 << 24))
            s.raw(f"  call void @llvm.aarch64.set.fpcr({new})")
            return old
        known |= {"declare void @llvm.x86.sse.stmxcsr(ptr)",
                  "declare void @llvm.x86.sse.ldmxcsr(ptr)"}  # fmt: skip
        old = s.emit("ptr", 0, "alloca i32, align 4")
        new = s.emit("ptr", 0, "alloca i32, align 4")
        s.raw(f"  call void @llvm.x86.sse.stmxcsr({old})")
        word = s.load(old, "i32")
        s.store(s.binary("or", word, s.integer(0x8040, "i32")), new)
        s.raw(f"  call void @llvm.x86.sse.ldmxcsr({new})")
        return old

    def _leave(self, s: Scope, old: Value) -> None:
        if old.kind == "ptr":
            s.raw(f"  call void @llvm.x86.sse.ldmxcsr({old})")
        else:
            s.raw(f"  call void @llvm.aarch64.set.fpcr({old})")


def copy(s: Scope, source: Value, to: Value, count: int) -> None:
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


def _step(codes: Sequence[KernelCode], names: Sequence[tuple[str, str | None]]) -> str:
    """void @step(ptr table, i64 rows): every kernel over all of its blocks, in order."""
    lines, place = ["entry:"], 0
    for number, (code, (name, finish)) in enumerate(zip(codes, names, strict=True)):
        lines += _blocks(number, code.head, code.block)
        lines.append(f"  %a{number} = getelementptr inbounds ptr, ptr %table, i64 {place}")
        many = f"i64 %e{number}"
        lines.append(f"  call void @{name}(ptr %a{number}, i64 %rows, i64 0, {many})")
        place += len(code.arguments)
        if finish is not None:
            assert code.finish is not None
            lines.append(f"  %f{number} = getelementptr inbounds ptr, ptr %table, i64 {place}")
            lines.append(f"  call void @{finish}(ptr %f{number}, i64 %rows, i64 0, {many})")
            place += len(code.finish.arguments)
    return "\n".join([*lines, "  ret void"])


def _blocks(number: int, head: Dim, block: int) -> list[str]:
    if isinstance(head, int):
        return [f"  %e{number} = add i64 0, {max(1, -(-head // block))}"]
    assert isinstance(head, Rows)
    return [
        f"  %h{number} = mul i64 %rows, {head.times}",
        f"  %u{number} = add i64 %h{number}, {block - 1}",
        f"  %e{number} = udiv i64 %u{number}, {block}",
    ]


def module_text(codes: Sequence[KernelCode], target: Target, layout: Layout) -> str:
    """The whole module: each different kernel once, the step, the entry."""
    bodies: dict[str, str] = {}
    declared: set[str] = set()

    def name(code: KernelCode) -> str:
        declared.update(code.intrinsics)
        return bodies.setdefault(code.body, f"kernel{len(bodies)}")

    names = [(name(code), None if code.finish is None else name(code.finish)) for code in codes]
    entry = _Entry(target, layout)
    run = entry.write()
    declared |= entry.function.intrinsics
    parts = [f'target triple = "{target.triple}"', *sorted(declared)]
    parts += [
        f"define internal void @{n}{ARGUMENTS} nounwind {{\n{b}\n}}" for b, n in bodies.items()
    ]
    parts.append(
        f"define internal void @step(ptr %table, i64 %rows) nounwind {{\n{_step(codes, names)}\n}}"
    )
    parts.append(f"define i64 @run(ptr %fields) nounwind {{\n{run}\n}}")
    return "\n\n".join(parts) + "\n"
