"""The results as one table and as JSON."""

from typing import Any

from rich.console import Console
from rich.table import Table

from bench.processes import Worker
from bench.workloads import Workload

__all__ = ["as_json", "show"]

Results = list[tuple[Workload, list[Worker]]]
_OURS = "clearprop"
_COLUMNS = ("us a step", "smallest", "largest", "ratio", "first s", "import s", "MB")


def _base(workers: list[Worker]) -> float | None:
    mine = [w for w in workers if w.peer == _OURS and not w.missing]
    return mine[0].median if mine else None


def _microseconds(seconds: float) -> str:
    return f"{1e6 * seconds:.{2 if seconds < 1e-4 else 0}f}"


def _row(worker: Worker, base: float | None) -> list[str]:
    ratio = "" if base is None or worker.peer == _OURS else f"{worker.median / base:.2f}"
    return [
        worker.peer,
        _microseconds(worker.median),
        _microseconds(min(worker.slices)),
        _microseconds(max(worker.slices)),
        ratio,
        f"{worker.first_seconds:.2f}",
        f"{worker.import_seconds:.2f}",
        f"{worker.peak_megabytes:.0f}",
        f"{worker.loss:.2g}",
    ]


def show(results: Results) -> None:
    """Print one table: a block a workload, a line a peer; then what was skipped, and versions."""
    table = Table(title="training steps, slices in turn; ratio: peer / clearprop")
    table.add_column("workload", no_wrap=True)
    table.add_column("peer", no_wrap=True)
    for name in (*_COLUMNS, "last loss"):
        table.add_column(name, justify="right", no_wrap=True)
    for workload, workers in results:
        done = [w for w in workers if not w.missing]
        base = _base(workers)
        for place, worker in enumerate(done):
            table.add_row("" if place else workload.name, *_row(worker, base))
        table.add_section()
    console = Console(width=max(110, Console().width), highlight=False)
    console.print(table)
    for workload, workers in results:
        console.print(f"{workload.name}: {workload.text}", style="bold")
        for worker in workers:
            if worker.missing:
                console.print(f"  skipped {worker.peer}: {worker.missing}")
    versions = {w.version for _, workers in results for w in workers if w.version}
    console.print("; ".join(sorted(versions)))


def as_json(results: Results) -> list[dict[str, Any]]:
    """A record for each workload and peer."""
    return [
        {
            "workload": workload.name,
            "peer": w.peer,
            "version": w.version,
            "missing": w.missing or None,
            "seconds_a_step": w.median if w.slices else None,
            "slices": w.slices,
            "first_seconds": w.first_seconds,
            "import_seconds": w.import_seconds,
            "peak_megabytes": w.peak_megabytes,
            "loss": None if w.missing else w.loss,
        }
        for workload, workers in results
        for w in workers
    ]
