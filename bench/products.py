"""Products alone: the shapes that a step of W3 and W7 multiplies, against the peak.

NN is the forward product x @ w, TN the weight's gradient x^T @ d, NT the input's gradient d @ w^T;
each is compiled as a step that does nothing else, and run many times in one call of the engine.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.peak import Peak
from bench.workloads import Workload
from clearprop.nodes.build import input, transpose
from clearprop.nodes.graph import Graph
from clearprop.nodes.shapes import bind
from clearprop.readings.llvm.program import Loop
from clearprop.readings.llvm.roles import Roles
from clearprop.readings.llvm.target import host
from clearprop.transform.lower import lower

__all__ = ["Product", "as_json", "measure", "shapes", "show"]


@dataclass(frozen=True)
class Product:
    """A matrix product (rows, inner) @ (inner, columns), its operands as they lie in memory."""

    workload: str
    kind: str
    rows: int
    inner: int
    columns: int
    dtype: str

    @property
    def operations(self) -> int:
        """Multiplications and additions."""
        return 2 * self.rows * self.inner * self.columns

    def graph(self) -> Graph:
        """The product of two inputs ``a`` and ``b``."""
        m, k, n = self.rows, self.inner, self.columns
        a = input("a", (k, m) if self.kind == "TN" else (m, k), self.dtype)
        b = input("b", (n, k) if self.kind == "NT" else (k, n), self.dtype)
        left = transpose(a) if self.kind == "TN" else a
        right = transpose(b) if self.kind == "NT" else b
        return lower(Graph((a, b), (left @ right,)))

    def runner(self, threads: int) -> tuple[Callable[[int], float], int]:
        """A function of how often, giving the seconds it took; and how many threads it uses."""
        graph = self.graph()
        (out,) = graph.outputs
        loop = Loop(Roles(graph, external=(out,)), host())
        rng = np.random.default_rng(0)
        values = {
            i["name"]: rng.normal(size=bind(i.shape, 0)).astype(i.dtype) for i in graph.inputs
        }
        result = np.empty((self.rows, self.columns), self.dtype)

        def run(times: int) -> float:
            begin = time.perf_counter()
            loop.run(values, steps=times, results={out: result}, threads=threads)
            return time.perf_counter() - begin

        run(1)
        left, right = values["a"], values["b"]
        truth = (left.T if self.kind == "TN" else left) @ (right.T if self.kind == "NT" else right)
        np.testing.assert_allclose(result, truth, rtol=1e-3, atol=1e-3 * float(abs(truth).max()))
        return run, _team(loop, threads)


def _team(loop: Loop, threads: int) -> int:
    """How many threads the cost model takes of those allowed."""
    plan, _ = loop._workspace(0)
    return plan.team(threads)


@dataclass(eq=False)
class Measured:
    """A product, allowed so many threads: GFLOP/s and share of the peak of those `used`, a round.

    Where fewer are used than allowed, the work is too small for more.
    """

    product: Product
    threads: int
    used: int
    gigaflops: list[float] = field(default_factory=list)
    shares: list[float] = field(default_factory=list)


def shapes(workload: Workload) -> Iterator[Product]:
    """The products of a step, without repetition; the first layer has no input gradient."""
    seen = set()
    rows = workload.batch
    for place, (a, b) in enumerate(zip(workload.sizes, workload.sizes[1:], strict=False)):
        for kind, m, k, n in (("NN", rows, a, b), ("TN", a, rows, b), ("NT", rows, b, a)):
            made = Product(workload.name, kind, m, k, n, workload.dtype)
            if made not in seen and not (kind == "NT" and place == 0):
                seen.add(made)
                yield made


def measure(
    workloads: Sequence[Workload], threads: Sequence[int], rounds: int, seconds: float
) -> list[Measured]:
    """Each product in turn with the peak of as many threads, round after round."""
    out = []
    for product in (p for w in workloads for p in shapes(w)):
        for count in threads:
            run, used = product.runner(count)
            made, peak = Measured(product, count, used), Peak(product.dtype, used)
            times = max(1, round(seconds / min(run(1) for _ in range(3))))
            for _ in range(rounds):
                rate = product.operations * times / run(times) / 1e9
                made.gigaflops.append(rate)
                made.shares.append(rate / peak.measure())
            out.append(made)
    return out


def show(console: Console, found: Sequence[Measured]) -> None:
    """A line a product: its shape, GFLOP/s and share of the peak for each number of threads."""
    counts = sorted({m.threads for m in found})
    table = Table(title="products alone; share: of the peak of the threads used, median of rounds")
    for name in ("workload", "kind", "rows x inner x columns"):
        table.add_column(name, no_wrap=True)
    for count in counts:
        table.add_column(f"GFLOP/s, {count} thread{'s' * (count > 1)}", justify="right")
        table.add_column("share", justify="right")
    for product in dict.fromkeys(m.product for m in found):
        cells = [product.workload, product.kind]
        cells.append(f"{product.rows} x {product.inner} x {product.columns}")
        for made in (m for m in found if m.product == product):
            alone = " (1)" if made.used < made.threads else ""
            cells.append(f"{statistics.median(made.gigaflops):.1f}{alone}")
            cells.append(f"{statistics.median(made.shares):.0%}")
        table.add_row(*cells)
    console.print(table)


def as_json(found: Sequence[Measured]) -> list[dict[str, Any]]:
    """A record for each product and number of threads."""
    return [
        {
            "workload": m.product.workload,
            "kind": m.product.kind,
            "shape": [m.product.rows, m.product.inner, m.product.columns],
            "threads": m.threads,
            "threads_used": m.used,
            "gigaflops": m.gigaflops,
            "shares": m.shares,
        }
        for m in found
    ]
