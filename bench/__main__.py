"""Run workloads and print the table: `python -m bench`."""

import argparse
import json
import sys
from pathlib import Path

from bench.processes import PEERS, alternate
from bench.table import as_json, show
from bench.workloads import WORKLOADS


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("workloads", nargs="*", metavar="WORKLOAD", help=", ".join(WORKLOADS))
    parser.add_argument(
        "--peers", metavar="A,B", default=",".join(PEERS), help=f"of {', '.join(PEERS)}"
    )
    parser.add_argument(
        "--peer-python", metavar="PATH", default=sys.executable,
        help="the Python that has the peers installed (default: this one)",
    )  # fmt: skip
    parser.add_argument("--rounds", type=int, default=9, help="slices a peer (default 9)")
    parser.add_argument("--seconds", type=float, default=0.5, help="about, a slice (default 0.5)")
    parser.add_argument("--cores", type=int, help="use only so many (default: all)")
    parser.add_argument("--json", metavar="FILE", type=Path, help="write all numbers there too")
    given = parser.parse_args()
    given.workloads = given.workloads or list(WORKLOADS)
    given.peers = [p.strip() for p in given.peers.split(",")]
    for kind, names, known in (
        ("workload", given.workloads, WORKLOADS),
        ("peer", given.peers, PEERS),
    ):
        for name in names:
            if name not in known:
                parser.error(f"unknown {kind} {name!r}; known: {', '.join(known)}")
    return given


def main() -> None:
    """Measure, print, write."""
    given = _arguments()
    pythons = {p: sys.executable if p == "clearprop" else given.peer_python for p in given.peers}
    results = []
    for name in given.workloads:
        workload = WORKLOADS[name]
        workers = alternate(
            workload, pythons, rounds=given.rounds, seconds=given.seconds, cores=given.cores
        )
        results.append((workload, workers))
    show(results)
    if given.json:
        given.json.write_text(json.dumps(as_json(results), indent=1) + "\n")


if __name__ == "__main__":
    main()
