"""The training steps as one table and as JSON."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from bench.processes import Steps, Worker

__all__ = ["OURS", "as_json", "show"]

OURS = "clearprop"
_COLUMNS = ("us a step", "smallest", "largest", "ratio", "GFLOP/s", "of peak",
            "first s", "import s", "MB")  # fmt: skip


def _microseconds(seconds: float) -> str:
    return f"{1e6 * seconds:.{2 if seconds < 1e-4 else 0}f}"


def _row(steps: Steps, worker: Worker) -> list[str]:
    ours, rate = steps.worker(OURS), steps.gigaflops(worker)
    ratio = "" if ours in (None, worker) else f"{worker.median / ours.median:.2f}"
    return [
        worker.peer,
        _microseconds(worker.median),
        _microseconds(min(worker.slices)),
        _microseconds(max(worker.slices)),
        ratio,
        f"{rate:.1f}",
        f"{rate / steps.peak.best:.0%}",
        f"{worker.first_seconds:.2f}",
        f"{worker.import_seconds:.2f}",
        f"{worker.peak_megabytes:.0f}",
        f"{worker.loss:.2g}",
    ]


def show(console: Console, results: Sequence[Steps]) -> None:
    """Print one table: a block a workload, a line a peer; then what was skipped, and versions."""
    table = Table(title="training steps, slices in turn; ratio: peer / clearprop")
    table.add_column("workload", no_wrap=True)
    table.add_column("peer", no_wrap=True)
    for name in (*_COLUMNS, "last loss"):
        table.add_column(name, justify="right", no_wrap=True)
    for steps in results:
        done = [w for w in steps.workers if w.slices]
        for place, worker in enumerate(done):
            table.add_row("" if place else steps.workload.name, *_row(steps, worker))
        table.add_section()
    console.print(table)
    for steps in results:
        peak, name = steps.peak, steps.workload.name
        console.print(f"{name}: {steps.workload.text}", style="bold")
        console.print(f"  peak {peak.best:.1f} GFLOP/s, {peak.dtype}, {peak.threads} thread(s)")
        for worker in steps.workers:
            if worker.missing:
                console.print(f"  skipped {worker.peer}: {worker.missing}")
    versions = {w.version for steps in results for w in steps.workers if w.version}
    console.print("; ".join(sorted(versions)))


def as_json(results: Sequence[Steps]) -> list[dict[str, Any]]:
    """A record for each workload and peer."""
    return [
        {
            "workload": steps.workload.name,
            "peer": w.peer,
            "version": w.version,
            "missing": w.missing or None,
            "threads": w.threads,
            "seconds_a_step": w.median if w.slices else None,
            "slices": w.slices,
            "gigaflops": steps.gigaflops(w) if w.slices else None,
            "peak_gigaflops": steps.peak.found,
            "peak_threads": steps.peak.threads,
            "first_seconds": w.first_seconds,
            "import_seconds": w.import_seconds,
            "peak_megabytes": w.peak_megabytes,
            "loss": None if w.missing else w.loss,
        }
        for steps in results
        for w in steps.workers
    ]
