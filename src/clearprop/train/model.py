"""Sequential: layers one after another, with a loss and an optimizer; it trains and predicts."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearprop.errors import ArgumentError, DataError, ShapeError, unknown
from clearprop.nn.head import check_head
from clearprop.nn.layer import Layer
from clearprop.nn.losses import Loss, get_loss
from clearprop.nn.metrics import Metric, get_metric
from clearprop.nodes.node import Node
from clearprop.optim import Optimizer, get_optimizer
from clearprop.train.data import (
    ClassWeight,
    Data,
    check_inputs,
    inputs,
    row_weights,
    targets,
)
from clearprop.train.fitting import Schedule, check_threads, fit
from clearprop.train.history import History
from clearprop.train.network import Network, describe
from clearprop.train.programs import totals
from clearprop.train.state import State
from clearprop.train.step import Objective, Step, training_step
from clearprop.train.summary import summary

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
        loss: str | Loss | Callable[[Node, Node], Node] = "mean_squared_error",
        optimizer: str | Optimizer = "adam",
        metrics: Sequence[str | Metric | Callable[[Node, Node], Node]] = (),
        *,
        dtype: str = "float32",
        seed: int = 0,
    ) -> None:
        self.layers = _layers(layers)
        self.loss = get_loss(loss)
        self.optimizer = get_optimizer(optimizer)
        self.metrics = tuple(get_metric(m) for m in _metrics(metrics))
        self.dtype = _dtype(dtype)
        self.seed = _seed(seed)
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
        shape = _shape(input_shape)
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
        schedule = Schedule(epochs, batch_size, shuffle, tuple(callbacks or ()), verbose)
        check_threads(threads)
        _no_lengths(lengths)
        x = inputs(X, self.layers[0].takes, self.dtype)
        self.build(x.shape[1:])
        data, objective = self._data(x, y, sample_weight, class_weight)
        validation = None if validation_data is None else self._validation(validation_data)
        return fit(self, data, objective, schedule, validation)

    def _data(
        self,
        x: Array,
        y: object,
        sample_weight: object = None,
        class_weight: ClassWeight = None,
        prefix: str = "",
    ) -> tuple[Data, Objective]:
        """All that a program reads, and what is measured on targets of this kind."""
        network = self.network
        check_inputs(x, network, f"{prefix}X")
        target = targets(y, len(x), network, self.loss, f"{prefix}y")
        labels = self.loss.labels
        weights = row_weights(sample_weight, class_weight, target, labels, self.dtype)
        objective = Objective(self.loss, self.metrics, target.shape[1:], str(target.dtype))
        return Data(x, target, weights), objective

    def _validation(self, given: object) -> tuple[Data, Objective]:
        if not isinstance(given, tuple | list) or len(given) not in (2, 3):
            raise ArgumentError("validation_data must be (X, y) or (X, y, sample_weight)")
        x = inputs(given[0], self.layers[0].takes, self.dtype, "validation X")
        weights = given[2] if len(given) == 3 else None
        return self._data(x, given[1], weights, prefix="validation ")

    def gradients(self, X: object, y: object, sample_weight: object = None) -> dict[str, Array]:
        """The gradient of the mean loss over these rows, by weight name, without dropout.

        It is the derivative of what `evaluate` gives.
        """
        data, objective = self._given(X, y, sample_weight)
        return self.state.gradients(objective, data.arrays())

    # --- results ---------------------------------------------------------------------------

    def _given(self, X: object, y: object, sample_weight: object) -> tuple[Data, Objective]:
        x = inputs(X, self.layers[0].takes, self.dtype)
        self.build(x.shape[1:] if self._state is None else self.network.input_shape)
        return self._data(x, y, sample_weight)

    def evaluate(
        self, X: object, y: object, sample_weight: object = None, lengths: object = None
    ) -> dict[str, float]:
        """The loss and each metric over these rows, without training."""
        _no_lengths(lengths)
        return self.measure(*self._given(X, y, sample_weight))

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
        return program.collect(self.state.values(program), x)

    def predict_proba(self, X: object, threads: int | None = None) -> Array:
        """Probabilities: softmax or sigmoid of the last layer's logits, or what itself applies."""
        check_threads(threads)
        if not self.loss.takes_logits and not _squashes(self.layers):
            raise ArgumentError(
                f"with the loss {self.loss.name} and a last layer without softmax or sigmoid there "
                "are no probabilities; use predict"
            )
        x = self._rows(X)
        program = self.state.probabilities(self.loss)
        return program.collect(self.state.values(program), x)

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
        known = self.state.variables
        for name in weights:
            if name not in known:
                raise unknown("weight", name, known)
        missing = [name for name in known if name not in weights]
        if missing:
            raise ArgumentError(f"set_weights lacks {', '.join(missing)}")
        made = {name: _weight(name, weights[name], view) for name, view in known.items()}
        for name, view in known.items():
            view[...] = made[name]

    def summary(self) -> str:
        """A table of layers, output shapes and parameters: printed, and given back."""
        text = summary(self.network)
        print(text)
        return text

    # --- text and files --------------------------------------------------------------------

    def training_step(self, target: Objective | None = None) -> Step:
        """The training step as one graph, for labels where the loss takes them."""
        return training_step(self.network, target or self._usual_target(), self.optimizer)

    def _usual_target(self) -> Objective:
        output = self.network.output_shape
        if self.loss.labels and output:
            return Objective(self.loss, self.metrics, output[:-1], "int32")
        return Objective(self.loss, self.metrics, output, self.dtype)

    def source(self) -> str:
        """The training step as a NumPy program, each line with what it comes from."""
        from clearprop.readings.source import source
        from clearprop.transform.simplify import simplify

        return source(simplify(self.training_step().graph))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the model to a .safetensors file."""
        from clearprop.train.files import save_model

        save_model(self, path)

    def prepare(self, table: object) -> Array:
        """The table as the numbers that the model takes, by the preparation it was trained with."""
        if self.preparation is None:
            raise ArgumentError("this model has no preparation of tables: give it numbers")
        out: Array = self.preparation.prepare(table, self.dtype)
        return out


def _layers(given: Sequence[Layer]) -> list[Layer]:
    layers = list(given)
    if not layers:
        raise ArgumentError("a model needs at least one layer")
    for place, layer in enumerate(layers):
        if isinstance(layer, type) and issubclass(layer, Layer):
            raise ArgumentError(f"layer {place} is the class {layer.__name__}; call it: Dense(3)")
        if not isinstance(layer, Layer):
            raise ArgumentError(f"layer {place} is {layer!r}; expected a layer such as Dense(3)")
    return layers


def _metrics(given: Any) -> Sequence[Any]:
    return [given] if isinstance(given, str) else list(given or ())


def _dtype(given: object) -> str:
    try:
        name = str(np.dtype(given))  # type: ignore[call-overload]
    except TypeError:
        name = str(given)
    if name not in ("float32", "float64"):
        raise ArgumentError(f"dtype is {given!r}; expected 'float32' or 'float64'")
    return name


def _seed(given: object) -> int:
    if isinstance(given, bool) or not isinstance(given, int | np.integer) or given < 0:
        raise ArgumentError(f"seed is {given!r}; expected a whole number of at least 0")
    return int(given)


def _shape(given: int | Sequence[int]) -> tuple[int, ...]:
    shape = (given,) if isinstance(given, int | np.integer) else tuple(given)
    if not all(isinstance(d, int | np.integer) and d > 0 for d in shape):
        raise ArgumentError(f"input_shape is {given!r}; expected whole numbers, without the rows")
    return tuple(int(d) for d in shape)


def _no_lengths(lengths: object) -> None:
    if lengths is not None:
        raise ArgumentError("lengths= was given, but no layer of this model mixes time")


def _squashes(layers: Sequence[Layer]) -> bool:
    last = layers[-1]
    applied = getattr(last, "activation", None) or getattr(last, "name", None)
    return applied in ("softmax", "sigmoid")


def _weight(name: str, given: Any, view: Array) -> Array:
    try:
        array = np.asarray(given, dtype=view.dtype)
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"weight {name} cannot be read as numbers: {error}") from error
    if array.shape != view.shape:
        raise ShapeError(f"weight {name} has shape {view.shape}, given was {array.shape}")
    if not np.isfinite(array).all():
        raise DataError(f"weight {name} holds NaN or infinity")
    return array
