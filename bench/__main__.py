"""Measure clearprop beside its peers, print tables, write JSON: `python -m bench`."""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from bench import machine, products, table, targets, whole
from bench.processes import PEERS, Steps, alternate
from bench.table import OURS
from bench.workloads import WORKLOADS
from clearprop.readings.llvm.schedule import available

SECTIONS = ("steps", "products", "profile", "compile", "digits", "imports")
_JSON = Path("bench-results.json")
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


def _steps(given: argparse.Namespace) -> list[Steps]:
    pythons = {p: sys.executable if p == OURS else given.peer_python for p in given.peers}
    return [
        alternate(
            WORKLOADS[name], pythons, rounds=given.rounds, seconds=given.seconds, cores=given.cores
        )
        for name in given.workloads
    ]


def _chosen(given: argparse.Namespace, names: Sequence[str]) -> list[Any]:
    return [WORKLOADS[name] for name in names if name in given.workloads]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, write."""
    given, load, here = _arguments(arguments), machine.Load(), machine.describe()
    console = Console(width=max(140, Console().width), highlight=False)
    console.print("; ".join(f"{name} {value}" for name, value in here.items()))
    if given.cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[: given.cores])
    cores, rounds, python = available(), given.rounds, given.peer_python
    steps: list[Steps] = []
    multiplied: list[products.Measured] = []
    compiled: dict[str, dict[str, whole.Entry]] = {}
    programs: list[whole.Entry] = []
    imported: list[whole.Entry] = []
    profiled: dict[str, whole.Entry] = {}
    with tempfile.TemporaryDirectory() as store:
        # code that earlier runs compiled would hide what a first epoch costs
        os.environ["CLEARPROP_CACHE"] = store
        if "products" in given.only:
            chosen = _chosen(given, _PRODUCTS)
            multiplied = products.measure(
                chosen, range(1, cores + 1), rounds, min(0.05, given.seconds)
            )
            products.show(console, multiplied)
        if "profile" in given.only:
            profiled = whole.profile(_chosen(given, _PROFILED))
            whole.show_profile(console, profiled)
        if "compile" in given.only:
            compiled = whole.compiling(_chosen(given, _COMPILED), rounds)
            whole.show_stages(console, compiled)
        if "digits" in given.only:
            programs = whole.digits(rounds, python, given.peers)
            title = "digits, 20 epochs, from shell to model (says: accuracy on the rows trained on)"
            whole.show_seconds(console, title, programs, "clearprop, cached")
        if "imports" in given.only:
            imported = whole.imports(rounds, python, given.peers)
            whole.show_seconds(console, "python -c 'import ...'", imported, OURS)
        if "steps" in given.only:
            steps = _steps(given)
            table.show(console, steps)
    judged = targets.judge(steps, multiplied, compiled, programs)
    targets.show(console, judged)
    others = load.others()
    if others is not None:
        console.print(f"other processes took {others:.0%} of the cores during the run")
    record = {
        "machine": here,
        "others": others,
        "steps": table.as_json(steps),
        "products": products.as_json(multiplied),
        "profile": {name: entry.stages for name, entry in profiled.items()},
        "compile": {
            name: {kind: whole.as_json(entry) for kind, entry in row.items()}
            for name, row in compiled.items()
        },
        "digits": [whole.as_json(entry) for entry in programs],
        "imports": [whole.as_json(entry) for entry in imported],
        "targets": targets.as_json(judged),
    }
    given.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    console.print(f"all numbers: {given.json}")


if __name__ == "__main__":
    main()
