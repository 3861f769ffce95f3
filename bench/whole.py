"""Whole processes: the digits from shell to model, imports, and what clearprop pays at first.

All are started in turn, round after round; a first round that fills the disk's cache is not
counted. Cold means that clearprop's store of compiled code is an empty folder, cached that an
earlier process has filled it.
"""

import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.processes import environment
from bench.workloads import Workload

__all__ = [
    "Entry",
    "as_json",
    "compiling",
    "digits",
    "imports",
    "profile",
    "show_profile",
    "show_seconds",
    "show_stages",
]

_HERE = Path(__file__).parent
_STAGES = _HERE / "workers" / "stages.py"
_KERNELS = _HERE / "workers" / "kernels.py"
_IMPORTS = {
    "clearprop": "clearprop",
    "numpy": "numpy",
    "scikit-learn": "sklearn.neural_network",
    "torch": "torch",
    "jax": "jax, optax",
}
_PROGRAMS = {
    "scikit-learn": "sklearn_mlp.py",
    "torch": "torch_eager.py",
    "jax scan": "jax_scan.py",
}


@dataclass
class Entry:
    """A command, started again and again, and the seconds of each; `said` is its last line."""

    name: str
    command: list[str]
    cold: bool = False
    seconds: list[float] = field(default_factory=list)
    stages: list[dict[str, Any]] = field(default_factory=list)
    said: str = ""
    missing: str = ""

    def start(self, folder: Path) -> None:
        """Run once; where it is cold, with an empty store of compiled code."""
        store = folder / ("cold" if self.cold else "kept")
        if self.cold:
            shutil.rmtree(store, ignore_errors=True)
        begin = time.perf_counter()
        done = subprocess.run(
            self.command, env={**environment(), "CLEARPROP_CACHE": str(store)}, cwd=folder,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        self.seconds.append(time.perf_counter() - begin)
        if done.returncode:
            self.missing = (done.stderr.strip().splitlines() or ["failed without a word"])[-1]
        self.said = (done.stdout.strip().splitlines() or [""])[-1]
        last = (done.stderr.strip().splitlines() or [""])[-1]
        if last.startswith("{"):
            self.stages.append(json.loads(last))

    @property
    def median(self) -> float:
        """Seconds."""
        return statistics.median(self.seconds)

    def stage(self, name: str) -> float:
        """The median of one stage, in seconds."""
        return float(statistics.median(found[name] for found in self.stages))


def _turns(entries: Sequence[Entry], rounds: int, prepare: Callable[[Path], None]) -> list[Entry]:
    """Start all in turn; the first round is forgotten, and with it whatever is not installed."""
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name))
        for _ in range(rounds + 1):
            for entry in entries:
                if not entry.missing:
                    print(f"{entry.name} ...", file=sys.stderr, flush=True)
                    entry.start(Path(name))
    for entry in entries:
        del entry.seconds[:1], entry.stages[:1]
    return list(entries)


def _nothing(folder: Path) -> None:
    """Nothing to prepare."""


def _digits(folder: Path) -> None:
    from sklearn.datasets import load_digits

    X, y = load_digits(return_X_y=True)
    np.savez(folder / "digits.npz", X=(X / 16).astype("float32"), y=y.astype("int32"))


def digits(rounds: int, peer_python: str, peers: Sequence[str]) -> list[Entry]:
    """The programs of bench/programs, and the command line doing the same."""
    ours = [sys.executable, str(_HERE / "programs" / "ours.py"), "digits.npz", "ours.safetensors"]
    line = [sys.executable, "-m", "clearprop", "train", "digits", "--layers", "100",
            "--batch-size", "200", "--epochs", "20", "--output", "line.safetensors",
            "--quiet"]  # fmt: skip
    entries = [
        Entry("clearprop, cached", ours),
        Entry("clearprop, cold", ours, cold=True),
        Entry("clearprop train, cached", line),
    ]
    for place, (name, script) in enumerate(_PROGRAMS.items()):
        if name in peers:
            path = str(_HERE / "programs" / script)
            entries.append(Entry(name, [peer_python, path, "digits.npz", f"model{place}"]))
    return _turns(entries, rounds, _digits)


def imports(rounds: int, peer_python: str, peers: Sequence[str]) -> list[Entry]:
    """`python -c "import ..."`, and the interpreter alone."""
    entries = [Entry("python alone", [sys.executable, "-c", "pass"])]
    wanted = {"clearprop", "numpy", *(peer.split()[0] for peer in peers)}
    for name, modules in _IMPORTS.items():
        if name in wanted:
            python = sys.executable if name == "clearprop" else peer_python
            entries.append(Entry(name, [python, "-c", f"import {modules}"]))
    return _turns(entries, rounds, _nothing)


def compiling(workloads: Sequence[Workload], rounds: int) -> dict[str, dict[str, Entry]]:
    """For each workload the stages before a first step, and that step; cold and cached."""
    entries = {
        w.name: {
            f"{kind}, {'cold' if cold else 'cached'}": Entry(
                f"{w.name} {kind}",
                [sys.executable, str(_STAGES), kind, json.dumps(w.message())],
                cold=cold,
            )
            for cold in (True, False)
            for kind in ("stages", "fit")
        }
        for w in workloads
    }
    _turns([e for row in entries.values() for e in row.values()], rounds, _nothing)
    return entries


def profile(workloads: Sequence[Workload]) -> dict[str, Entry]:
    """For each workload where a step's time goes, measured by clocks around its kernels, once."""
    entries = {}
    with tempfile.TemporaryDirectory() as name:
        for w in workloads:
            command = [sys.executable, str(_KERNELS), json.dumps(w.message())]
            entries[w.name] = Entry(f"{w.name} profile", command)
            entries[w.name].start(Path(name))
    return entries


def show_seconds(console: Console, title: str, entries: Sequence[Entry], base: str) -> None:
    """A line a command: seconds, and its ratio to `base`."""
    table = Table(title=title)
    table.add_column("program", no_wrap=True)
    for name in ("seconds", "smallest", "largest", "ratio"):
        table.add_column(name, justify="right")
    table.add_column("says", no_wrap=True)
    first = next((e for e in entries if e.name == base and not e.missing), None)
    for entry in entries:
        if entry.missing:
            continue
        ratio = "" if first in (None, entry) else f"{entry.median / first.median:.2f}"
        cells = (entry.median, min(entry.seconds), max(entry.seconds))
        table.add_row(entry.name, *(f"{x:.3f}" for x in cells), ratio, entry.said)
    console.print(table)
    _show_missing(console, entries)


def _show_missing(console: Console, entries: Iterable[Entry]) -> None:
    for entry in entries:
        if entry.missing:
            console.print(f"skipped {entry.name}: {entry.missing}")


_STAGE_NAMES = ("import", "engine import", "build", "graph", "derivative", "laws", "compile")


def show_stages(console: Console, found: Mapping[str, Mapping[str, Entry]]) -> None:
    """Milliseconds of each stage, cold and from the cache."""
    table = Table(title="before the first step, ms: each stage by itself, then fit's first step")
    table.add_column("workload", no_wrap=True)
    for name in ("code", *_STAGE_NAMES, "first step", "second step"):
        table.add_column(name, justify="right")
    for name, row in found.items():
        for kind in ("cold", "cached"):
            stages, fit = row[f"stages, {kind}"], row[f"fit, {kind}"]
            if stages.missing or fit.missing:
                continue
            cells = [stages.stage(s) for s in _STAGE_NAMES]
            cells += [fit.stage("first step"), fit.stage("second step")]
            table.add_row(name, kind, *(f"{1e3 * x:.1f}" for x in cells))
    console.print(table)
    _show_missing(console, (entry for row in found.values() for entry in row.values()))


_SMALL = 0.01
"""The share of a step below which a kernel gets no line."""


def show_profile(console: Console, found: Mapping[str, Entry]) -> None:
    """A line a kernel, longest first, as microseconds of each thread and share of the step."""
    for name, entry in found.items():
        if not entry.stages:
            console.print(f"{name}: no profile: {entry.missing}")
            continue
        (made,) = entry.stages
        title = f"{name}: a step of {made['step']:.0f} us, {made['threads']} thread(s)"
        table = Table(title=title)
        table.add_column("what", no_wrap=True)
        for column in ("us a thread", "of the step", "GFLOP/s a thread"):
            table.add_column(column, justify="right")
        for what, spent, rate in made["lines"]:
            if spent >= _SMALL * made["step"]:
                said = "" if rate is None else f"{rate:.1f}"
                table.add_row(what, f"{spent:.1f}", f"{spent / made['step']:.0%}", said)
        console.print(table)


def as_json(entry: Entry) -> dict[str, Any]:
    """All that was measured of a command."""
    return {
        "name": entry.name,
        "missing": entry.missing or None,
        "seconds": entry.seconds,
        "stages": entry.stages,
        "said": entry.said,
    }
