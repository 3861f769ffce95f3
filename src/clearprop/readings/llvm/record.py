"""What a compiled loop is found by, and what Python must know besides its object file.

Two loops have one key exactly where the same machine code serves both. The key holds the graph
without names (inputs are known by their numbers), the roles, the plan, the target, this engine's
own sources and LLVM's version; all of it is known before any text is written.

Nodes are written as their number in the order of the graph, so that a record made in one process,
or for a graph with other names, holds for another.
"""

import dataclasses
import functools
import hashlib
import struct
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clearprop.nodes.node import Node
from clearprop.nodes.shapes import Dim, Rows
from clearprop.nodes.walk import order
from clearprop.readings.llvm.kernel import KernelCode
from clearprop.readings.llvm.plan import Plan
from clearprop.readings.llvm.roles import Roles
from clearprop.readings.llvm.target import Target
from clearprop.readings.llvm.writer import Argument

__all__ = ["SOURCES", "Numbers", "key", "numbers", "parts", "record", "sources_changed"]

SOURCES = (Path(__file__).parent, Path(__file__).parents[2] / "nodes")
"""The folders whose files decide what code is written."""
_IMPORTED = time.time()

Numbers = Mapping[Node, int]


def numbers(roles: Roles) -> dict[Node, int]:
    """Every node's number: the inputs first, then what the outputs need."""
    found = order((*roles.graph.inputs, *roles.graph.outputs))
    return {node: number for number, node in enumerate(found)}


# --- the key -----------------------------------------------------------------------------------


def key(roles: Roles, plan: Plan, placed: Mapping[Node, Node], target: Target) -> str:
    """The name under which the loop's code is kept: 64 hexadecimal digits."""
    at = numbers(roles)
    said = [
        *(_node_line(node, at) for node in at),
        _roles_line(roles, at),
        *_plan_lines(plan, at),
        repr(sorted((at[new], at[old]) for new, old in placed.items())),
        _target_line(target),
        _sources(),
        _constants(),
        repr(_versions()),
    ]
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _bits(value: Any) -> str:
    if isinstance(value, tuple):
        return f"({','.join(map(_bits, value))})"
    return struct.pack("<d", value).hex() if isinstance(value, float) else repr(value)


def _node_line(node: Node, at: Numbers) -> str:
    """The operation, its arguments' numbers, its attributes by their bits; an input has no name."""
    told = [_bits(value) for name, value in node.attrs if (node.op, name) != ("input", "name")]
    return f"{node.op} {[at[a] for a in node.args]} {told}"


def _roles_line(roles: Roles, at: Numbers) -> str:
    external = roles.external
    return repr((
        [at[n] for n in roles.graph.inputs],
        [at[n] for n in roles.graph.outputs],
        [(at[old], at[new]) for old, new in roles.carried.items()],
        [at[n] for n in roles.streamed],
        None if roles.counter is None else at[roles.counter],
        [at[n] for n in roles.logged],
        [at[n] for n in roles.collected],
        None if external is None else [at[n] for n in external],
    ))  # fmt: skip


def _plan_lines(plan: Plan, at: Numbers) -> list[str]:
    """Which kernels there are, each task in order, and what stays in registers."""
    out = [repr(sorted(at[n] for n in plan.stored))]
    for kernel in plan.kernels:
        made = None if kernel.product is None else at[kernel.product]
        silent = sorted(at[n] for n in kernel.silent)
        tasks = [
            (
                nest.inner,
                [
                    (at[t.node], t.kind, None if t.source is None else at[t.source], t.domain)
                    for t in nest.tasks
                ],
            )
            for nest in kernel.nests
        ]
        out.append(f"{kernel.form} {kernel.head!r} {made} {silent} {tasks}")
    return out


def _target_line(target: Target) -> str:
    told = {f.name: getattr(target, f.name) for f in dataclasses.fields(target)}
    told["caches"] = sorted(target.caches.items())
    return repr(sorted(told.items()))


@functools.cache
def _files() -> tuple[Path, ...]:
    return tuple(sorted(path for folder in SOURCES for path in folder.rglob("*.py")))


@functools.cache
def _sources() -> str:
    """A hash of the sources by which text is written, read once."""
    found = hashlib.sha256()
    for path in _files():
        found.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return found.hexdigest()


def _constants() -> str:
    """The numbers by which text is written, as they are now: whoever tries others gets other code.

    All modules of the engine are imported with it, so that every process finds the same ones.
    """
    package = __name__.rpartition(".")[0]
    aside = {f"{package}.{name}" for name in ("cache", "code", "record")}
    found = [n for n in sys.modules if n.startswith(f"{package}.") and n not in aside]
    return "\n".join(
        f"{module} {name} {value!r}"
        for module in sorted(found)
        for name, value in sorted(vars(sys.modules[module]).items())
        if name.isupper() and not name.startswith("_") and isinstance(value, int | float | str)
    )


@functools.cache
def sources_changed() -> bool:
    """Whether the sources may differ from what this process has imported: no key is right then."""
    try:
        _sources()
        times = [(found.st_mtime, found.st_ctime) for found in (p.stat() for p in _files())]
    except OSError:
        return True
    return not times or max(map(max, times)) > _IMPORTED


@functools.cache
def _versions() -> tuple[str, tuple[int, ...]]:
    import llvmlite
    import llvmlite.binding as llvm

    return llvmlite.__version__, tuple(llvm.llvm_version_info)


# --- the record --------------------------------------------------------------------------------


def record(codes: Sequence[KernelCode], at: Numbers) -> list[Any]:
    """The kernels without their text, as JSON has it: a dimension of rows is a list of one."""
    return [_written(code, at) for code in codes]


def _written(code: KernelCode, at: Numbers) -> dict[str, Any]:
    return {
        "arguments": [[at[a.node], a.slots] for a in code.arguments],
        "head": _dim(code.head),
        "block": code.block,
        "finish": None if code.finish is None else _written(code.finish, at),
        "slots": [[at[node], _dim(count)] for node, count in code.slots],
    }


def _dim(dim: Dim) -> int | list[int]:
    return [dim.times] if isinstance(dim, Rows) else dim


def parts(told: Sequence[Mapping[str, Any]], nodes: Sequence[Node]) -> list[KernelCode]:
    """The kernels that `record` told of, without text, on the nodes of these numbers."""
    return [_read(each, nodes) for each in told]


def _read(told: Mapping[str, Any], nodes: Sequence[Node]) -> KernelCode:
    return KernelCode(
        body="",
        intrinsics=frozenset(),
        arguments=tuple(Argument(nodes[number], slots) for number, slots in told["arguments"]),
        head=_dimension(told["head"]),
        block=told["block"],
        finish=None if told["finish"] is None else _read(told["finish"], nodes),
        slots=tuple((nodes[number], _dimension(count)) for number, count in told["slots"]),
    )


def _dimension(told: int | list[int]) -> Dim:
    return Rows(told[0]) if isinstance(told, list) else told
