"""What the run has to show, and whether it does."""

import statistics
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.processes import Steps
from bench.products import Measured
from bench.table import OURS
from bench.whole import Entry

__all__ = ["Target", "as_json", "judge", "show"]

RATIOS = {"W1": 8.0, "W2": 2.5, "W3": 1.4, "W7": 1.1, "W2-32": 3.0, "control": 3.0}
"""The best peer's time over ours, at least."""
PEERS = ("torch", "torch fused", "jax scan", "scikit-learn")
STEP_SHARE, PRODUCT_SHARE = 0.70, 0.75
"""Of the peak: a whole step of W3 and W7, and products alone."""
COMPILE = {("W3", "cold"): 0.25, ("W3", "cached"): 0.02, ("W7", "cold"): 0.4}
"""Seconds from the step's graph to a callable, at most."""


@dataclass(frozen=True)
class Target:
    """A figure, what it is to be, and what it was; `least` says that more is better."""

    name: str
    wanted: float
    found: float
    least: bool = True
    note: str = ""

    @property
    def met(self) -> bool:
        """Whether the figure is as it is to be."""
        return self.found >= self.wanted if self.least else self.found < self.wanted


def judge(
    steps: Sequence[Steps],
    products: Sequence[Measured],
    compiled: Mapping[str, Mapping[str, Entry]],
    programs: Sequence[Entry],
) -> list[Target]:
    """A target for each figure that was measured."""
    return [
        *_steps(steps),
        *_products(products),
        *_compiled(compiled),
        *_programs(programs),
    ]


def _steps(found: Sequence[Steps]) -> Iterator[Target]:
    for steps in found:
        name, ours = steps.workload.name, steps.worker(OURS)
        peers = [w for w in (steps.worker(p) for p in PEERS) if w is not None]
        if ours is None:
            continue
        if name in RATIOS and peers:
            best = min(peers, key=lambda w: w.median)
            ratio = best.median / ours.median
            yield Target(f"{name}: best peer / ours", RATIOS[name], ratio, note=best.peer)
        if name in ("W3", "W7"):
            share = steps.gigaflops(ours) / steps.peak.best
            yield Target(f"{name}: step, of peak", STEP_SHARE, share)
        torch = [w.peak_megabytes for w in peers if w.peer == "torch"]
        if name == "W7" and torch:
            yield Target(
                "W7: peak memory, MB", torch[0], ours.peak_megabytes, least=False, note="torch's"
            )


def _products(found: Sequence[Measured]) -> Iterator[Target]:
    """The median over a workload's products, weighted by what a step computes; and the worst."""
    for name in dict.fromkeys(m.product.workload for m in found):
        rows = [m for m in found if m.product.workload == name]
        for threads in sorted({m.threads for m in rows}):
            here = [m for m in rows if m.threads == threads]
            shares = {m: statistics.median(m.shares) for m in here}
            total = sum(m.product.operations for m in here)
            share = total / sum(m.product.operations / shares[m] for m in here)
            worst = min(here, key=lambda m: shares[m])
            p = worst.product
            note = f"worst {p.kind} {p.rows} x {p.inner} x {p.columns}: {shares[worst]:.0%}"
            title = f"{name}: all products, of peak, {threads} thread{'s' * (threads > 1)}"
            yield Target(title, PRODUCT_SHARE, share, note=note)


def _compiled(found: Mapping[str, Mapping[str, Entry]]) -> Iterator[Target]:
    for (name, kind), wanted in COMPILE.items():
        entry = found.get(name, {}).get(f"stages, {kind}")
        if entry is not None and not entry.missing:
            title = f"{name}: compile, {kind}, s"
            yield Target(title, wanted, entry.stage("compile"), least=False)


def _programs(found: Sequence[Entry]) -> Iterator[Target]:
    known = {e.name: e for e in found if not e.missing}
    for name in ("clearprop, cached", "clearprop, cold", "clearprop train, cached"):
        if name in known and "scikit-learn" in known:
            wanted, took = known["scikit-learn"].median, known[name].median
            yield Target(f"digits, {name}, s", wanted, took, least=False, note="scikit-learn's")


def show(console: Console, targets: Sequence[Target]) -> None:
    """A line a target."""
    table = Table(title="targets")
    for name in ("figure", "wanted", "found", "met", "note"):
        table.add_column(name, no_wrap=True, justify="left" if name in "figure note" else "right")
    for t in targets:
        sign, met = (">=" if t.least else "<"), ("yes" if t.met else "NO")
        table.add_row(t.name, f"{sign} {t.wanted:.3g}", f"{t.found:.3g}", met, t.note)
    console.print(table)


def as_json(targets: Sequence[Target]) -> list[dict[str, Any]]:
    """A record a target."""
    return [{**asdict(t), "met": t.met} for t in targets]
