"""The kernels of the corpus and of training steps, for looking at their machine code."""

import functools
import re
import struct
from collections.abc import Iterable, Iterator, Sequence

from clearprop.nn.activations import ACTIVATIONS
from clearprop.nn.layer import Layer
from clearprop.nn.layers import Dense
from clearprop.nn.losses import LOSSES
from clearprop.nodes import Graph
from clearprop.optim import OPTIMIZERS, SGD, Adam, Optimizer, get_optimizer
from clearprop.readings.llvm.kernel import KernelCode
from clearprop.readings.llvm.program import Loop, compile_loop
from clearprop.readings.llvm.roles import Roles
from clearprop.readings.llvm.target import TARGETS, Target
from clearprop.readings.llvm.writer import ARGUMENTS
from clearprop.train.network import describe
from clearprop.train.step import Step, training_step
from clearprop.transform.lower import lower
from clearprop.transform.simplify import simplify
from tests.corpus import CASES
from tests.laws.test_steps_agree import LAYERS, OUTPUTS, objective

__all__ = [
    "covering",
    "functions",
    "kernels",
    "lines",
    "module",
    "step",
    "steps",
    "training",
    "undefined",
]


# --- what is compiled --------------------------------------------------------------------------


@functools.cache
def functions() -> dict[str, Graph]:
    """The graphs of the corpus as the engine gets them, by name."""
    out = {}
    for case in CASES:
        made = lower(simplify(case.graph))
        out[case.name] = Graph(made.inputs, tuple(dict.fromkeys(made.outputs)))
    return out


def step(
    layers: Sequence[Layer],
    loss: str = "cross_entropy",
    optimizer: str | Optimizer = "adam",
    dtype: str = "float32",
    inputs: int = 6,
) -> Step:
    """A training step as the engine gets it."""
    network = describe(tuple(layers), (inputs,), dtype)
    return training_step(network, objective(loss, dtype), get_optimizer(optimizer)).lowered()


@functools.cache
def steps() -> tuple[Step, ...]:
    """Training steps with every layer, loss, activation and optimizer, clipped and not."""
    plain = [Dense(5, "tanh"), Dense(OUTPUTS)]
    out = [step(plain, loss, "sgd") for loss in sorted(LOSSES)]
    bends = [[Dense(8, activation), Dense(OUTPUTS)] for activation in sorted(ACTIVATIONS)]
    out += [step(layers, "mean_squared_error", "sgd") for layers in bends]
    for dtype in ("float32", "float64"):
        out += [step(layers, dtype=dtype) for layers in LAYERS.values()]
        out += [step(plain, "cross_entropy", o, dtype) for o in sorted(OPTIMIZERS)]
        out.append(step(plain, "cross_entropy", Adam(clip_norm=1.0), dtype))
        out.append(step(plain, "cross_entropy", SGD(clip_value=1.0), dtype))
        wide = [Dense(100, "relu"), Dense(33, "relu"), Dense(OUTPUTS)]
        out.append(step(wide, dtype=dtype, inputs=64))
        packed = [Dense(520, "relu"), Dense(600, "tanh"), Dense(OUTPUTS)]
        out.append(step(packed, dtype=dtype, inputs=100))
    return tuple(out)


def training(made: Step, target: Target) -> Loop:
    """The loop over a training step."""
    return compile_loop(
        made.graph,
        carried=made.carried,
        streamed=made.streamed,
        counter=made.counter,
        logged=made.logged,
        target=target,
    )


def _parts(loop: Loop) -> Iterator[KernelCode]:
    for code in loop.codes:
        yield code
        if code.finish is not None:
            yield code.finish


@functools.cache
def kernels(name: str) -> dict[str, tuple[str, KernelCode]]:
    """Every different kernel on a named target: its body, where it was first met, itself."""
    out: dict[str, tuple[str, KernelCode]] = {}
    target = TARGETS[name]
    for title, graph in functions().items():
        made = tuple(o for o in graph.outputs if o.op != "input")
        for part in _parts(Loop(Roles(graph, external=made), target)):
            out.setdefault(part.body, (title, part))
    for place, made_step in enumerate(steps()):
        for part in _parts(training(made_step, target)):
            out.setdefault(part.body, (f"step {place}", part))
    return out


# --- which of them say something new -----------------------------------------------------------


def lines(body: str) -> set[str]:
    """The instructions of a kernel with their types, without names, numbers and lane masks."""
    out = set()
    for line in body.splitlines():
        if line.endswith(":"):  # a label
            continue
        text = re.sub(r"%[\w.]+", "%", line.strip())
        text = re.sub(r"\b(0x[0-9A-F]+|-?\d+(\.\d+)?)\b(?! x )", "#", text)
        text = re.sub(r"(i32 (#|poison)(, )?)+>", "lanes>", text)
        out.add(re.sub(r"i1 (true|false)", "i1 #", text))
    return out


def covering(bodies: Iterable[str]) -> list[str]:
    """Bodies that together hold every different instruction, each with every type it takes.

    What they do on a width of vectors, the others do too; they are enough to run.
    """
    seen: set[str] = set()
    out = []
    for body in sorted(bodies, key=lambda b: (len(b), b)):
        found = lines(body)
        if not found <= seen:
            seen |= found
            out.append(body)
    return out


def module(parts: Iterable[KernelCode], target: Target) -> str:
    """Kernels as one module of functions that others may call."""
    bodies: list[str] = []
    declared: set[str] = set()
    for number, part in enumerate(parts):
        declared |= part.intrinsics
        bodies.append(f"define void @kernel{number}{ARGUMENTS} nounwind {{\n{part.body}\n}}")
    return "\n".join([f'target triple = "{target.triple}"', *sorted(declared), *bodies])


# --- what an object file asks for --------------------------------------------------------------

_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")


def undefined(data: bytes) -> set[str]:
    """The symbols that a 64-bit little-endian ELF object needs from outside."""
    assert data[:6] == b"\x7fELF\x02\x01"
    (begin,) = struct.unpack_from("<Q", data, 40)
    size, count = struct.unpack_from("<HH", data, 58)
    sections = [_SECTION.unpack_from(data, begin + size * i) for i in range(count)]
    out = set()
    for _, kind, _, _, offset, length, link, _, _, each in sections:
        if kind != 2:  # the symbol table
            continue
        names = sections[link][4]
        for place in range(offset + each, offset + length, each):  # the first is empty
            name, _, _, section, _, _ = _SYMBOL.unpack_from(data, place)
            if section == 0:
                end = data.index(b"\0", names + name)
                out.add(data[names + name : end].decode())
    return out
