"""Sequential: layers one after another, with a loss and an optimizer; it trains and predicts."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from clearprop.errors import ArgumentError, ShapeError
from clearprop.nn.head import check_head
from clearprop.nn.layer import Layer
from clearprop.nn.losses import Loss, get_loss
from clearprop.nn.metrics import Metric
from clearprop.nodes.node import Node
from clearprop.optim import Optimizer, get_optimizer
from clearprop.train.arguments import (
    callback_list,
    check_lengths,
    check_probabilities,
    check_threads,
    dtype_name,
    layer_list,
    metric_tuple,
    row_shape,
    seed_number,
)
from clearprop.train.data import Data, check_inputs, inputs
from clearprop.train.examples import examples, usual_objective, validation_examples
from clearprop.train.fitting import Schedule, fit
from clearprop.train.history import History
from clearprop.train.network import Network, describe
from clearprop.train.objective import Objective
from clearprop.train.programs import totals
from clearprop.train.row_weights import ClassWeight
from clearprop.train.state import State
from clearprop.train.step import Step, training_step
from clearprop.train.summary import summary
from clearprop.train.weights import set_weights

__all__ = ["Sequential"]

Array = NDArray[Any]


class Sequential:
    """Layers one after another, a loss, an optimizer; numbers in, numbers out.

    `layers`, `loss`, `optimizer`, `metrics`, `dtype`, `seed`, `input_shape` (None before it is
    built) and `history` (of the last fit) are attributes. The same seed gives the same bits.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        loss: str | Loss | Mapping[str, Any] | Callable[[Node, Node], Node] = "mean_squared_error",
        optimizer: str | Optimizer = "adam",
        metrics: Sequence[str | Metric | Callable[[Node, Node], Node]] = (),
        *,
        dtype: str = "float32",
        seed: int = 0,
    ) -> None:
        self.layers = layer_list(layers)
        self.loss = get_loss(loss)
        self.optimizer = get_optimizer(optimizer)
        self.metrics = metric_tuple(metrics)
        self.dtype = dtype_name(dtype)
        self.seed = seed_number(seed)
        self.preparation: Any = None
        self.history = History()
        self.stop_training = False
        self._state: State | None = None
        check_head(self.layers, self.loss)

    # --- building --------------------------------------------------------------------------

    def build(self, input_shape: int | Sequence[int]) -> None:
        """Declare all weights for rows of this shape; ShapeError names a layer that does not fit.

        `fit` does it by itself. Once built, the shape stays.
        """
        shape = row_shape(input_shape)
        if self._state is None:
            self._state = State(describe(self.layers, shape, self.dtype), self.seed)
        elif shape != self.network.input_shape:
            raise ShapeError(
                f"the model was built for rows of {self.network.input_shape}, not {shape}; make a "
                "new one"
            )

    @property
    def state(self) -> State:
        """The arrays and programs behind the model; ArgumentError where it is not built."""
        if self._state is None:
            raise ArgumentError("the model is not built: call fit, or build(input_shape)")
        return self._state

    @property
    def network(self) -> Network:
        """The layers with all shapes; ArgumentError where the model is not built."""
        return self.state.network

    @property
    def input_shape(self) -> tuple[int, ...] | None:
        """The shape of a row of inputs, None before the model is built."""
        return None if self._state is None else self.network.input_shape

    @property
    def measured(self) -> tuple[str, ...]:
        """The names of what is measured: loss, then the metrics."""
        return ("loss", *(metric.name for metric in self.metrics))

    @property
    def labels(self) -> tuple[Any, ...] | None:
        """The classes by number, where the model's preparation knows them."""
        found = getattr(getattr(self.preparation, "target", None), "labels", None)
        return None if found is None else tuple(found)

    @property
    def step_count(self) -> int:
        """How many updates were made."""
        return self.state.position.step

    @property
    def learning_rate_scale(self) -> float:
        """A factor on the learning rate, 1 unless a callback sets it."""
        return float(self.state.scale)

    @learning_rate_scale.setter
    def learning_rate_scale(self, value: float) -> None:
        self.state.scale[...] = value

    # --- training --------------------------------------------------------------------------

    def fit(
        self,
        X: object,
        y: object,
        *,
        epochs: int = 1,
        batch_size: int = 32,
        validation_data: tuple[Any, ...] | None = None,
        shuffle: bool = True,
        callbacks: Sequence[Any] = (),
        sample_weight: object = None,
        class_weight: ClassWeight = None,
        lengths: object = None,
        threads: int | None = None,
        verbose: object = "auto",
    ) -> History:
        """Train for some epochs more; weights, optimizer and step count go on from before.

        Raises DataError and ShapeError for data that does not fit, NotFiniteError where a step
        gives NaN or infinity. The first Ctrl-C ends the run after the step under way. The bits of
        the weights do not depend on `threads`.

        >>> from clearprop.nn.layers import Dense
        >>> Sequential([Dense(1)]).fit([[1.0], [2.0]], [2.0])  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        clearprop.errors.DataError: X has 2 rows, y has 1; they must have one length
        """
        schedule = Schedule(epochs, batch_size, shuffle, callback_list(callbacks), verbose, threads)
        check_threads(threads)
        check_lengths(lengths)
        x = inputs(X, self.layers[0].takes, self.dtype)
        self.build(x.shape[1:])
        goal = self.network, self.loss, self.metrics
        data, objective = examples(*goal, x, y, sample_weight, class_weight)
        held_out = None if validation_data is None else validation_examples(*goal, validation_data)
        return fit(self, data, objective, schedule, held_out)

    def gradients(self, X: object, y: object, sample_weight: object = None) -> dict[str, Array]:
        """The gradient of the mean loss over these rows, by weight name, without dropout.

        It is the derivative of what `evaluate` gives.
        """
        data, objective = self._examples(X, y, sample_weight)
        return self.state.gradients(objective, data.arrays())

    # --- results ---------------------------------------------------------------------------

    def evaluate(
        self, X: object, y: object, sample_weight: object = None, lengths: object = None
    ) -> dict[str, float]:
        """The loss and each metric over these rows, without training."""
        check_lengths(lengths)
        return self.measure(*self._examples(X, y, sample_weight))

    def measure(self, data: Data, objective: Objective) -> dict[str, float]:
        """`evaluate`, on data that is checked."""
        program = self.state.evaluation(objective)
        log = program.sums(self.state.values(program), data.arrays())
        return totals(log, program.step, self.measured)

    def predict(self, X: object, threads: int | None = None) -> Array:
        """What the last layer gives for each row: logits where the loss takes logits."""
        check_threads(threads)
        x = self._rows(X)
        program = self.state.prediction()
        return program.collect(self.state.values(program), x, threads)

    def predict_proba(self, X: object, threads: int | None = None) -> Array:
        """Probabilities: softmax or sigmoid of the last layer's logits, or what itself applies."""
        check_threads(threads)
        check_probabilities(self.layers, self.loss)
        x = self._rows(X)
        program = self.state.probabilities(self.loss)
        return program.collect(self.state.values(program), x, threads)

    def _examples(self, X: object, y: object, sample_weight: object) -> tuple[Data, Objective]:
        """Rows to measure; they build a model that is not built."""
        x = inputs(X, self.layers[0].takes, self.dtype)
        if self._state is None:
            self.build(x.shape[1:])
        return examples(self.network, self.loss, self.metrics, x, y, sample_weight)

    def _rows(self, X: object) -> Array:
        x = inputs(X, self.layers[0].takes, self.dtype)
        check_inputs(x, self.network)
        return x

    # --- weights ---------------------------------------------------------------------------

    @property
    def weights(self) -> dict[str, Array]:
        """All weights and layer state by name: copies."""
        return {name: view.copy() for name, view in self.state.variables.items()}

    def set_weights(self, weights: Mapping[str, Any]) -> None:
        """Take these numbers, one array a name; nothing changes unless all names and shapes fit."""
        set_weights(self.state.variables, weights)

    def summary(self) -> str:
        """A table of layers, output shapes and parameters: printed, and given back."""
        text = summary(self.network)
        print(text)
        return text

    # --- text and files --------------------------------------------------------------------

    def training_step(self, target: Objective | None = None) -> Step:
        """The training step as one graph, for labels where the loss takes them."""
        objective = target or usual_objective(self.network, self.loss, self.metrics)
        return training_step(self.network, objective, self.optimizer)

    def source(self) -> str:
        """The training step as a NumPy program, each line with what it comes from."""
        from clearprop.readings.source import source
        from clearprop.transform.simplify import simplify

        return source(simplify(self.training_step().graph))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a .safetensors file, whole or not at all.

        What the optimizer remembers and the count of steps are not in it: after `clearprop.load`,
        `fit` goes on from the weights, with the optimizer and its schedule starting anew.
        """
        from clearprop.train.files import save_model

        save_model(self, path)

    def prepare(self, table: object) -> Array:
        """The table as the numbers that the model takes, by the preparation it was trained with."""
        if self.preparation is None:
            raise ArgumentError("this model has no preparation of tables: give it numbers")
        out: Array = self.preparation.prepare(table, self.dtype)
        return out
