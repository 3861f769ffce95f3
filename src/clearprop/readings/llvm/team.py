"""The step's kernels in order, for one thread or for a team, as LLVM text.

A *unit* is one call of a kernel (or of what adds a kernel's slots). With one thread all units run
over all of their blocks. In a team every thread walks the same list: a unit is shared, its blocks
divided evenly, or belongs to one thread; a barrier stands in front of it only where the host found
that it reads or overwrites what another thread has touched since the last barrier.

The barrier counts arrivals and then moves a generation on: release on the way in, acquire on the
way out. It spins for some ten microseconds, then gives its turn to others through a function of the
host. It does not pause between looks: a virtual machine may take a pausing processor away, which
made eight barriers cost 200 microseconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from clearprop.nodes.shapes import Dim, Rows
from clearprop.readings.llvm.kernel import KernelCode

__all__ = ["BARRIER", "SPINS", "Unit", "team_text", "units"]

SPINS = 20000
BARRIER = "call void @barrier(ptr %shared, i64 %team, ptr %yield)"


@dataclass(frozen=True)
class Unit:
    """One call of the step: which function, over which blocks, its place in the pointer table."""

    code: KernelCode
    head: Dim
    block: int
    place: int
    kernel: int
    finish: bool


def units(codes: Sequence[KernelCode]) -> list[Unit]:
    """The calls of a step in order."""
    out: list[Unit] = []
    place = 0
    for number, code in enumerate(codes):
        for part, finish in ((code, False), (code.finish, True)):
            if part is not None:
                out.append(Unit(part, code.head, code.block, place, number, finish))
                place += len(part.arguments)
    return out


def _count(number: int, unit: Unit) -> list[str]:
    """%eN: how many blocks there are."""
    if isinstance(unit.head, int):
        return [f"  %e{number} = add i64 0, {max(1, -(-unit.head // unit.block))}"]
    assert isinstance(unit.head, Rows)
    return [
        f"  %h{number} = mul i64 %rows, {unit.head.times}",
        f"  %u{number} = add i64 %h{number}, {unit.block - 1}",
        f"  %e{number} = udiv i64 %u{number}, {unit.block}",
    ]


def _call(number: int, unit: Unit, name: str, begin: str, end: str) -> list[str]:
    return [
        f"  %a{number} = getelementptr inbounds ptr, ptr %table, i64 {unit.place}",
        f"  call void @{name}(ptr %a{number}, i64 %rows, i64 {begin}, i64 {end})",
    ]


def _alone(found: Sequence[Unit], names: Sequence[str]) -> str:
    lines = ["entry:"]
    for number, (unit, name) in enumerate(zip(found, names, strict=True)):
        lines += _count(number, unit) + _call(number, unit, name, "0", f"%e{number}")
    return "\n".join([*lines, "  ret void"])


def _shared(number: int, unit: Unit, name: str) -> list[str]:
    """One unit in a team: wait if told to, take a share, call."""
    n = number
    return [
        f"  %pw{n} = getelementptr inbounds i64, ptr %modes, i64 {2 * n}",
        f"  %w{n} = load i64, ptr %pw{n}, align 8",
        f"  %c{n} = icmp ne i64 %w{n}, 0",
        f"  br i1 %c{n}, label %wait{n}, label %go{n}",
        f"wait{n}:",
        f"  {BARRIER}",
        f"  br label %go{n}",
        f"go{n}:",
        f"  %po{n} = getelementptr inbounds i64, ptr %modes, i64 {2 * n + 1}",
        f"  %o{n} = load i64, ptr %po{n}, align 8",
        *_count(n, unit),
        f"  %mine{n} = icmp eq i64 %o{n}, %thread",
        f"  %all{n} = select i1 %mine{n}, i64 %e{n}, i64 0",
        f"  %parts{n} = icmp slt i64 %o{n}, 0",
        f"  %m{n} = mul i64 %e{n}, %thread",
        f"  %l{n} = udiv i64 %m{n}, %team",
        f"  %mm{n} = add i64 %m{n}, %e{n}",
        f"  %r{n} = udiv i64 %mm{n}, %team",
        f"  %b{n} = select i1 %parts{n}, i64 %l{n}, i64 0",
        f"  %f{n} = select i1 %parts{n}, i64 %r{n}, i64 %all{n}",
        f"  %any{n} = icmp slt i64 %b{n}, %f{n}",
        f"  br i1 %any{n}, label %do{n}, label %done{n}",
        f"do{n}:",
        *_call(n, unit, name, f"%b{n}", f"%f{n}"),
        f"  br label %done{n}",
        f"done{n}:",
    ]


_BARRIER_TEXT = f"""define internal void @barrier(ptr %shared, i64 %team, ptr %yield) nounwind {{
entry:
  %at = getelementptr inbounds i8, ptr %shared, i64 64
  %old = load atomic i64, ptr %at acquire, align 8
  %before = atomicrmw add ptr %shared, i64 1 acq_rel
  %arrived = add i64 %before, 1
  %last = icmp eq i64 %arrived, %team
  br i1 %last, label %open, label %spin
open:
  store atomic i64 0, ptr %shared monotonic, align 8
  %new = add i64 %old, 1
  store atomic i64 %new, ptr %at release, align 8
  ret void
spin:
  %turn = phi i64 [ 0, %entry ], [ %turns, %again ]
  %now = load atomic i64, ptr %at acquire, align 8
  %same = icmp eq i64 %now, %old
  br i1 %same, label %stay, label %leave
stay:
  %turns = add i64 %turn, 1
  %long = icmp ugt i64 %turns, {SPINS}
  br i1 %long, label %give, label %again
give:
  call void %yield()
  br label %again
again:
  br label %spin
leave:
  ret void
}}"""


def team_text(found: Sequence[Unit], names: Sequence[str]) -> list[str]:
    """The barrier, ``@step`` for one thread and ``@shared_step`` for a team."""
    lines = ["entry:", "  br label %start", "start:"]
    for number, (unit, name) in enumerate(zip(found, names, strict=True)):
        lines += _shared(number, unit, name)
    together = "\n".join([*lines, "  ret void"])
    head = "ptr %table, i64 %rows"
    more = f"{head}, ptr %modes, i64 %thread, i64 %team, ptr %shared, ptr %yield"
    return [
        _BARRIER_TEXT,
        f"define internal void @step({head}) nounwind {{\n{_alone(found, names)}\n}}",
        f"define internal void @shared_step({more}) nounwind {{\n{together}\n}}",
    ]
