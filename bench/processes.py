"""Workers as processes that answer JSON lines, and slices taken from them in turn."""

import json
import os
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.peak import Peak
from bench.workloads import Workload
from clearprop.readings.llvm.schedule import available

__all__ = ["PEERS", "Steps", "Worker", "alternate", "environment"]

_SCRIPTS = Path(__file__).parent / "workers"

PEERS = {
    "clearprop": "ours.py",
    "torch": "torch_eager.py",
    "torch fused": "torch_fused.py",
    "jax scan": "jax_scan.py",
    "scikit-learn": "sklearn_mlp.py",
    "numpy": "numpy_loop.py",
}

_REST = 0.1
"""Seconds before a slice: threads of the peer before still spin for a while, and take a core."""

# they change which kernels OpenBLAS picks, and with them what NumPy and scikit-learn take
_UNSET = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def environment() -> dict[str, str]:
    """This process's environment, without what changes the peers' kernels."""
    return {k: v for k, v in os.environ.items() if k not in _UNSET}


@dataclass
class Worker:
    """A peer's process on one workload, and what it has measured so far."""

    peer: str
    process: "subprocess.Popen[str]"
    version: str = ""
    missing: str = ""
    import_seconds: float = 0.0
    first_seconds: float = 0.0
    threads: int | None = None
    steps: int = 1
    loss: float = float("nan")
    peak_megabytes: float = 0.0
    slices: list[float] = field(default_factory=list)

    @classmethod
    def start(cls, peer: str, workload: Workload, python: str, cores: int | None) -> "Worker":
        """A process that is ready for slices, or whose `missing` says why it is not."""
        process = subprocess.Popen(
            [python, str(_SCRIPTS / PEERS[peer])],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, env=environment(),
        )  # fmt: skip
        worker = cls(peer, process)
        answer = worker.ask({"workload": workload.message(), "cores": cores})
        for name, value in answer.items():
            setattr(worker, name, value)
        return worker

    def ask(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a line, wait for a line; a process that has died is `missing`."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(message) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if line:
            return dict(json.loads(line))
        _, errors = self.process.communicate()
        return {"missing": (errors.strip().splitlines() or ["ended without a word"])[-1]}

    def slice(self, steps: int) -> float:
        """Run so many steps (rounded up to epochs); seconds a step."""
        answer = self.ask({"steps": steps})
        if "missing" in answer:
            self.missing = answer["missing"]
            return float("nan")
        self.loss, self.peak_megabytes = answer["loss"], answer["peak_megabytes"]
        self.steps = answer["steps"]
        return float(answer["seconds"]) / self.steps

    def calibrate(self, seconds: float) -> None:
        """Warm up, and find the number of steps that take about so long."""
        steps = 1
        while not self.missing:
            taken = self.slice(steps) * self.steps
            if taken >= seconds / 2 or self.missing:
                break
            steps = self.steps * min(10, max(2, round(seconds / max(taken, 1e-9))))

    @property
    def median(self) -> float:
        """Seconds a step."""
        return statistics.median(self.slices)

    def stop(self) -> None:
        """End the process."""
        if self.process.poll() is None:
            self.process.communicate()


@dataclass
class Steps:
    """What was measured on one workload: each peer's slices, and the peak between them."""

    workload: Workload
    workers: list[Worker]
    peak: Peak

    def worker(self, peer: str) -> Worker | None:
        """A peer's worker, if it could run."""
        return next((w for w in self.workers if w.peer == peer and w.slices), None)

    def gigaflops(self, worker: Worker) -> float:
        """GFLOP/s of the products alone, over the whole step's time."""
        return self.workload.operations / worker.median / 1e9


def alternate(
    workload: Workload,
    pythons: dict[str, str],
    *,
    rounds: int,
    seconds: float,
    cores: int | None,
) -> Steps:
    """All peers on one workload: started one after another, then slices in turn.

    The peak is that of as many threads as clearprop's step uses (all, where clearprop is not run).
    """
    workers = []
    peak = Peak(workload.dtype, min(cores or available(), available()))
    try:
        for peer, python in pythons.items():
            print(f"{workload.name}: {peer} ...", file=sys.stderr, flush=True)
            worker = Worker.start(peer, workload, python, cores)
            workers.append(worker)
            peak.threads = worker.threads or peak.threads
            worker.calibrate(seconds)
        for _ in range(rounds):
            time.sleep(_REST)
            peak.measure()
            for worker in workers:
                if not worker.missing:
                    time.sleep(_REST)
                    taken = worker.slice(worker.steps)
                    worker.slices += [] if worker.missing else [taken]
    finally:
        for worker in workers:
            worker.stop()
    return Steps(workload, workers, peak)
