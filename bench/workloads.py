"""The workloads: what every worker is asked to train, as plain data."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

__all__ = ["WORKLOADS", "Workload"]


@dataclass(frozen=True)
class Workload:
    """A dense network on synthetic rows, and how it is trained.

    `sizes` are inputs, hidden layers and outputs; `activation` is that of the hidden layers,
    `output` that of the last. `loss` is cross_entropy (integer labels), mean_squared_error or
    sum_squared_error. `rows` is a whole number of batches. Where `shuffle` is set, the rows of each
    epoch are drawn anew and gathered in the step.
    """

    name: str
    text: str
    sizes: tuple[int, ...]
    activation: str
    loss: str
    batch: int
    rows: int
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    output: str = "linear"
    bias: bool = True
    dtype: str = "float32"
    shuffle: bool = True

    @property
    def steps(self) -> int:
        """Steps an epoch."""
        return self.rows // self.batch

    @property
    def operations(self) -> int:
        """Multiplications and additions in the products of a step; nothing else is counted.

        Forward, the weight's gradient and, but for the first layer, the input's gradient.
        """
        pairs = list(zip(self.sizes, self.sizes[1:], strict=False))
        forward = sum(a * b for a, b in pairs)
        return 2 * self.batch * (3 * forward - pairs[0][0] * pairs[0][1])

    def message(self) -> dict[str, Any]:
        """The workload as JSON would hold it."""
        return {**asdict(self), "steps": self.steps}


# the four rows stand a thousand times in the data, so that an epoch is a thousand equal steps: what
# is compared is the step, as in a loop without epochs
_W1 = Workload(
    "W1",
    "3-4-1 sigmoid, no bias, sum of squares, SGD, the same 4 rows each step, float64",
    (3, 4, 1),
    "sigmoid",
    "sum_squared_error",
    batch=4,
    rows=4000,
    optimizer="sgd",
    learning_rate=1.0,
    output="sigmoid",
    bias=False,
    dtype="float64",
    shuffle=False,
)

_ROWS = (
    _W1,
    replace(_W1, name="W1-epochs", text="W1 with an epoch for each step: an epoch's cost", rows=4),
    Workload(
        "W2", "64-100-10 ReLU, cross-entropy, Adam, batch 200",
        (64, 100, 10), "relu", "cross_entropy", batch=200, rows=4000,
    ),
    Workload(
        "W2-32", "W2 with batch 32",
        (64, 100, 10), "relu", "cross_entropy", batch=32, rows=1600,
    ),
    Workload(
        "W3", "784-128-10 ReLU, cross-entropy, Adam, batch 128",
        (784, 128, 10), "relu", "cross_entropy", batch=128, rows=6400,
    ),
    Workload(
        "W7", "1024-2048-2048-1000 ReLU, cross-entropy, Adam, batch 256",
        (1024, 2048, 2048, 1000), "relu", "cross_entropy", batch=256, rows=1024,
    ),
    Workload(
        "control", "8-64-64-1 tanh, mean squared error, Adam, batch 16",
        (8, 64, 64, 1), "tanh", "mean_squared_error", batch=16, rows=1600,
    ),
)  # fmt: skip

WORKLOADS: Mapping[str, Workload] = {row.name: row for row in _ROWS}
