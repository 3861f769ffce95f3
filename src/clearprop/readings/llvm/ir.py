"""LLVM text, written straight: values, scopes and the instructions the emitters use.

Text is a third of the cost of an object tree, and is what LLVM parses anyway. A `Scope` is a list
of lines that belong at one place of the program (a loop's preheader, its body): an emitter may
still add to an outer scope while it writes an inner one, which hoists what does not depend on the
inner loop without any pass of LLVM's.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from clearprop.errors import EngineError
from clearprop.readings.llvm.target import Target

__all__ = ["SCALARS", "Function", "Scope", "Value", "bits_of", "float_text"]

SCALARS = {
    "float32": "float",
    "float64": "double",
    "int32": "i32",
    "uint32": "i32",
    "int64": "i64",
    "bool": "i1",
}
_BYTES = {"float": 4, "double": 8, "i32": 4, "i64": 8, "i8": 1, "i1": 1, "i16": 2}


@dataclass(frozen=True, slots=True)
class Value:
    """A name or literal of the program, its element type and its lanes (0: a scalar)."""

    text: str
    kind: str
    lanes: int = 0

    @property
    def type(self) -> str:
        """The type as LLVM writes it."""
        return f"<{self.lanes} x {self.kind}>" if self.lanes else self.kind

    def __str__(self) -> str:
        return f"{self.type} {self.text}"


def float_text(value: float, kind: str) -> str:
    """A floating point literal by its bits (LLVM writes floats as doubles in hex)."""
    if kind == "float":
        try:
            value = struct.unpack("<f", struct.pack("<f", value))[0]
        except OverflowError:
            value = float("inf") if value > 0 else float("-inf")
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def bits_of(kind: str) -> str:
    """The integer type as wide as a float type."""
    return {"float": "i32", "double": "i64", "i32": "i32", "i64": "i64"}[kind]


@dataclass
class Function:
    """One function being written: a counter for names, intrinsics it calls, its target."""

    name: str
    target: Target
    counter: int = 0
    intrinsics: set[str] = field(default_factory=set)

    def fresh(self, hint: str = "v") -> str:
        """A name not used before in this function."""
        self.counter += 1
        return f"{hint}{self.counter}"


@dataclass
class Scope:
    """Lines at one place of a function; instructions return their values."""

    function: Function
    lines: "list[str | Scope]" = field(default_factory=list)

    @property
    def target(self) -> Target:
        """The machine that the function is written for."""
        return self.function.target

    def flatten(self) -> Iterator[str]:
        """The lines, those of inner scopes in their place."""
        for line in self.lines:
            if isinstance(line, Scope):
                yield from line.flatten()
            else:
                yield line

    def inner(self) -> "Scope":
        """A scope whose lines come here, now or later."""
        scope = Scope(self.function)
        self.lines.append(scope)
        return scope

    def raw(self, line: str) -> None:
        """A line as it stands."""
        self.lines.append(line)

    def label(self, name: str) -> None:
        """The start of a block."""
        self.lines.append(f"{name}:")

    def emit(self, kind: str, lanes: int, text: str) -> Value:
        """One instruction with a result."""
        name = f"%{self.function.fresh()}"
        self.lines.append(f"  {name} = {text}")
        return Value(name, kind, lanes)

    # --- literals ------------------------------------------------------------------------------

    def integer(self, value: int, kind: str = "i64", lanes: int = 0) -> Value:
        """A whole number, the same in all lanes."""
        text = ("true" if value else "false") if kind == "i1" else str(value)
        return self._literal(text, kind, lanes)

    def number(self, value: float, kind: str, lanes: int = 0) -> Value:
        """A floating point number, the same in all lanes."""
        return self._literal(float_text(value, kind), kind, lanes)

    @staticmethod
    def _literal(text: str, kind: str, lanes: int) -> Value:
        if not lanes:
            return Value(text, kind)
        return Value(f"splat ({kind} {text})", kind, lanes)

    def zero(self, kind: str, lanes: int = 0) -> Value:
        """Zero of any type."""
        return Value(
            "zeroinitializer" if lanes else ("0" if kind[0] == "i" else "0.0"), kind, lanes
        )

    # --- arithmetic ----------------------------------------------------------------------------

    def binary(self, op: str, a: Value, b: Value) -> Value:
        """A two-operand instruction: fadd fsub fmul fdiv, add sub mul and or xor shl lshr."""
        return self.emit(a.kind, a.lanes, f"{op} {a.type} {a.text}, {b.text}")

    def fneg(self, a: Value) -> Value:
        """-a."""
        return self.emit(a.kind, a.lanes, f"fneg {a.type} {a.text}")

    def fma(self, a: Value, b: Value, c: Value) -> Value:
        """a * b + c, in one rounding where the target has the instruction, else in two."""
        if self.target.fma:
            return self.intrinsic("fma", a, b, c)
        return self.binary("fadd", self.binary("fmul", a, b), c)

    def intrinsic(self, name: str, *args: Value) -> Value:
        """An intrinsic of one type (fma fabs sqrt floor copysign ...) that is instructions here."""
        a = args[0]
        suffix = {"float": "f32", "double": "f64"}.get(a.kind, a.kind)
        full = f"@llvm.{name}." + (f"v{a.lanes}{suffix}" if a.lanes else suffix)
        self.function.intrinsics.add(f"declare {a.type} {full}({', '.join([a.type] * len(args))})")
        return self.emit(a.kind, a.lanes, f"call {a.type} {full}({', '.join(map(str, args))})")

    def fcmp(self, test: str, a: Value, b: Value) -> Value:
        """A comparison: olt ole oeq (false with NaN), uno (true with NaN)."""
        return self.emit("i1", a.lanes, f"fcmp {test} {a.type} {a.text}, {b.text}")

    def icmp(self, test: str, a: Value, b: Value) -> Value:
        """A comparison of integers: eq ne slt sle ult ule."""
        return self.emit("i1", a.lanes, f"icmp {test} {a.type} {a.text}, {b.text}")

    def select(self, condition: Value, a: Value, b: Value) -> Value:
        """a where the condition holds, else b."""
        return self.emit(a.kind, a.lanes, f"select {condition}, {a}, {b}")

    def bitcast(self, a: Value, kind: str) -> Value:
        """The same bits as another type of the same width."""
        return self.convert("bitcast", a, kind)

    def convert(self, op: str, a: Value, kind: str) -> Value:
        """A conversion: sitofp uitofp fptosi fpext fptrunc sext zext trunc bitcast."""
        to = Value("", kind, a.lanes).type
        return self.emit(kind, a.lanes, f"{op} {a} to {to}")

    # --- vectors -------------------------------------------------------------------------------

    def splat(self, a: Value, lanes: int) -> Value:
        """A scalar in all lanes."""
        if not lanes:
            return a
        vector = f"<{lanes} x {a.kind}>"
        one = self.emit(a.kind, lanes, f"insertelement {vector} poison, {a}, i64 0")
        mask = f"<{lanes} x i32> zeroinitializer"
        return self.emit(a.kind, lanes, f"shufflevector {one}, {vector} poison, {mask}")

    def shuffle(self, a: Value, b: Value, places: Sequence[int]) -> Value:
        """Lanes of a and b in the order of places."""
        mask = f"<{len(places)} x i32> <{', '.join(f'i32 {p}' for p in places)}>"
        return self.emit(a.kind, len(places), f"shufflevector {a}, {b}, {mask}")

    def insert(self, a: Value, x: Value, lane: int) -> Value:
        """The vector with one lane replaced."""
        return self.emit(a.kind, a.lanes, f"insertelement {a}, {x}, i64 {lane}")

    def extract(self, a: Value, lane: int) -> Value:
        """One lane."""
        return self.emit(a.kind, 0, f"extractelement {a}, i64 {lane}")

    def poison(self, kind: str, lanes: int) -> Value:
        """A vector whose lanes are all still to be inserted."""
        return Value("poison", kind, lanes)

    # --- memory --------------------------------------------------------------------------------

    def offset(self, pointer: Value, place: Value | int, kind: str) -> Value:
        """The address of an element, counted in elements of a type."""
        index = place if isinstance(place, Value) else self.integer(place)
        if index.text == "0":
            return pointer
        return self.emit("ptr", 0, f"getelementptr inbounds {kind}, {pointer}, {index}")

    def load(self, pointer: Value, kind: str, lanes: int = 0) -> Value:
        """A number or a vector; a bool is a byte in memory."""
        if kind == "i1":
            byte = self.load(pointer, "i8", lanes)
            return self.icmp("ne", byte, self.zero("i8", lanes))
        made = Value("", kind, lanes)
        return self.emit(kind, lanes, f"load {made.type}, {pointer}, align {_BYTES[kind]}")

    def store(self, value: Value, pointer: Value) -> None:
        """Store a number or a vector; a bool as a byte."""
        if value.kind == "i1":
            value = self.convert("zext", value, "i8")
        self.raw(f"  store {value}, {pointer}, align {_BYTES[value.kind]}")

    def _mask(self, count: int, lanes: int) -> str:
        return ", ".join(f"i1 {'true' if i < count else 'false'}" for i in range(lanes))

    def load_part(self, pointer: Value, kind: str, lanes: int, count: int) -> Value:
        """The first `count` lanes from memory, zero in the others; touches nothing beyond."""
        if kind not in ("float", "double", "i32", "i64"):
            raise EngineError(f"no masked load of {kind}")
        made = Value("", kind, lanes)
        suffix = f"v{lanes}{ {'float': 'f32', 'double': 'f64'}.get(kind, kind) }"
        name = f"@llvm.masked.load.{suffix}.p0"
        self.function.intrinsics.add(
            f"declare {made.type} {name}(ptr, <{lanes} x i1>, {made.type})"
        )
        mask = f"<{lanes} x i1> <{self._mask(count, lanes)}>"
        align = f"ptr align {_BYTES[kind]} {pointer.text}"
        call = f"call {made.type} {name}({align}, {mask}, {made.type} zeroinitializer)"
        return self.emit(kind, lanes, call)

    def store_first(self, value: Value, pointer: Value, count: int) -> None:
        """Store the first `count` lanes, in halves, quarters ... of a vector.

        Not one masked store: the load of the next row waits for it, as if it wrote all lanes. At
        100 x 10 that made an update four times slower.
        """
        if count == value.lanes:
            return self.store(value, pointer)
        place, width = 0, value.lanes // 2
        while place < count:
            while place + width > count:
                width //= 2
            part = self.shuffle(value, value, range(place, place + width))
            part = self.extract(part, 0) if width == 1 else part
            self.store(part, self.offset(pointer, place, value.kind))
            place += width
        return None
