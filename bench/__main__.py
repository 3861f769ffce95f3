"""Measure clearprop beside its peers, print tables, write JSON: `python -m bench`."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import machine, products, table, targets, whole
from bench.processes import PEERS, Steps, alternate
from bench.table import OURS
from bench.workloads import WORKLOADS, Workload
from clearprop.readings.llvm.schedule import available

SECTIONS = ("steps", "products", "profile", "compile", "digits", "imports")
_JSON = Path("bench-results.json")
_DIGITS = "digits, 20 epochs, from shell to model (says: accuracy on the rows trained on)"
_PRODUCTS = ("W3", "W7")
_PROFILED = _COMPILED = ("W2", "W3", "W7")


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _arguments(given: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(WORKLOADS))
    parser.add_argument(
        "--peers", metavar="A,B", type=_names, default=list(PEERS), help=f"of {', '.join(PEERS)}"
    )
    parser.add_argument(
        "--only", metavar="A,B", type=_names, default=list(SECTIONS),
        help=f"sections, of {', '.join(SECTIONS)} (default: all)",
    )  # fmt: skip
    parser.add_argument(
        "--peer-python", metavar="PATH", default=sys.executable,
        help="the Python that has the peers installed (default: this one)",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=7, help="slices a peer (default 7)")
    parser.add_argument("--seconds", type=float, default=0.3, help="about, a slice (default 0.3)")
    parser.add_argument("--cores", type=int, help="use only so many (default: all)")
    parser.add_argument(
        "--json", metavar="FILE", type=Path, default=_JSON,
        help=f"where all numbers are written (default {_JSON})",
    )  # fmt: skip
    made = parser.parse_args(given)
    made.workloads = made.workloads or list(WORKLOADS)
    for kind, names, known in (
        ("workload", made.workloads, WORKLOADS),
        ("peer", made.peers, PEERS),
        ("section", made.only, SECTIONS),
    ):
        for name in names:
            if name not in known:
                parser.error(f"unknown {kind} {name!r}; known: {', '.join(known)}")
    return made


@dataclass
class Run:
    """One run: what is asked for, and what each section has measured."""

    given: argparse.Namespace
    console: Console
    steps: list[Steps] = field(default_factory=list)
    multiplied: list[products.Measured] = field(default_factory=list)
    profiled: dict[str, whole.Entry] = field(default_factory=dict)
    compiled: dict[str, dict[str, whole.Entry]] = field(default_factory=dict)
    programs: list[whole.Entry] = field(default_factory=list)
    imported: list[whole.Entry] = field(default_factory=list)

    def measure(self) -> None:
        """Every section that is asked for, each printed when it is done."""
        given, console = self.given, self.console
        rounds, python = given.rounds, given.peer_python
        if "products" in given.only:
            threads, seconds = range(1, available() + 1), min(0.05, given.seconds)
            self.multiplied = products.measure(self._chosen(_PRODUCTS), threads, rounds, seconds)
            products.show(console, self.multiplied)
        if "compile" in given.only:
            self.compiled = whole.compiling(self._chosen(_COMPILED), rounds)
            whole.show_stages(console, self.compiled)
        if "digits" in given.only:
            self.programs = whole.digits(rounds, python, given.peers)
            whole.show_seconds(console, _DIGITS, self.programs, "clearprop, cached")
        if "imports" in given.only:
            self.imported = whole.imports(rounds, python, given.peers)
            whole.show_seconds(console, "python -c 'import ...'", self.imported, OURS)
        if "steps" in given.only:
            self.steps = [self._workload(name) for name in given.workloads]
            table.show(console, self.steps)
        if "profile" in given.only:
            self.profiled = whole.profile(self._chosen(_PROFILED))
            whole.show_profile(console, self.profiled)

    def _chosen(self, names: Sequence[str]) -> list[Workload]:
        return [WORKLOADS[name] for name in names if name in self.given.workloads]

    def _workload(self, name: str) -> Steps:
        given = self.given
        pythons = {p: sys.executable if p == OURS else given.peer_python for p in given.peers}
        rounds, seconds = given.rounds, given.seconds
        return alternate(
            WORKLOADS[name], pythons, rounds=rounds, seconds=seconds, cores=given.cores
        )

    def judged(self) -> list[targets.Target]:
        """The targets that this run has measured."""
        return targets.judge(self.steps, self.multiplied, self.compiled, self.programs)

    def record(self) -> dict[str, Any]:
        """All numbers, as JSON holds them."""
        return {
            "steps": table.as_json(self.steps),
            "products": products.as_json(self.multiplied),
            "profile": {name: entry.stages for name, entry in self.profiled.items()},
            "compile": {
                name: {kind: whole.as_json(entry) for kind, entry in row.items()}
                for name, row in self.compiled.items()
            },
            "digits": [whole.as_json(entry) for entry in self.programs],
            "imports": [whole.as_json(entry) for entry in self.imported],
            "targets": targets.as_json(self.judged()),
        }


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write."""
    given, load, here = _arguments(arguments), machine.Load(), machine.describe()
    console = Console(width=max(140, Console().width), highlight=False)
    console.print("; ".join(f"{name} {value}" for name, value in here.items()))
    if given.cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.cores])
    run = Run(given, console)
    with tempfile.TemporaryDirectory() as store:
        # code that earlier runs compiled would hide what a first epoch costs
        os.environ["CLEARPROP_CACHE"] = store
        run.measure()
    targets.show(console, run.judged())
    others = load.others()
    if others is not None:
        console.print(f"other processes took {others:.1%} of the cores during the run")
    record = {"machine": here, "others": others, **run.record()}
    given.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    console.print(f"all numbers: {given.json}")


if __name__ == "__main__":
    main()
