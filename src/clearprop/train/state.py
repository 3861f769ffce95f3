"""What changes while a model trains: its arrays, how far it is, and the programs made for it."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clearprop.nn.init import initial_value
from clearprop.nn.layer import Variable
from clearprop.nn.losses import Loss
from clearprop.optim import Optimizer, ReduceOnPlateau, Schedule, Slot
from clearprop.optim.plateau import Plateau
from clearprop.train.buffers import Buffers
from clearprop.train.network import Network
from clearprop.train.objective import Objective
from clearprop.train.plan import Position
from clearprop.train.programs import Program, compile_gradients, compile_step
from clearprop.train.step import (
    Step,
    evaluation_step,
    gradient_graph,
    prediction_step,
    probability_step,
    training_step,
)

__all__ = ["State"]

Array = NDArray[Any]


class State:
    """The arrays of a built network, in flat buffers by group, and its compiled programs.

    Programs are kept by what shapes them: the optimizer, loss and metrics, and the shape and dtype
    of targets; never by how many rows there are.
    """

    def __init__(self, network: Network, seed: int) -> None:
        self.network, self.seed = network, seed
        self.buffers = Buffers(network.dtype)
        self.position = Position()
        self.scale = np.array(1.0, network.dtype)
        self.plateau: Plateau | None = None
        self._optimizer: Optimizer | None = None
        self._programs: dict[Hashable, Program] = {}
        self._gradients: dict[Objective, Callable[[Mapping[str, Array]], dict[str, Array]]] = {}
        for group in ("decayed", "not_decayed", "not_trained"):
            members = {n: v.shape for n, v in network.variables.items() if _group(v) == group}
            self.buffers.allocate(group, members)
        for name, variable in network.variables.items():
            self.buffers.views[name][...] = initial_value(variable, seed, name, network.dtype)

    def __getstate__(self) -> dict[str, Any]:
        """All but the programs: machine code belongs to a process; a copy compiles its own."""
        return {**self.__dict__, "_programs": {}, "_gradients": {}}

    @property
    def variables(self) -> dict[str, Array]:
        """The arrays of parameters and layer state, by full name: views, not copies."""
        return {name: self.buffers.views[name] for name in self.network.variables}

    def values(self, program: Program) -> dict[str, Array]:
        """What a program reads beside data and counter; carried arrays are views."""
        views = {**self.buffers.views, "optimizer.scale": self.scale}
        return program.values(views, self.seed)

    def use(self, optimizer: Optimizer) -> None:
        """Make room for what the optimizer remembers; what its like remembered before stays."""
        before = None if self._optimizer is None else _slots(self.network, self._optimizer)
        slots = _slots(self.network, optimizer)
        if type(optimizer) is not type(self._optimizer) or slots != before:
            for group in before or {}:
                self.buffers.drop(group)
            for group, row in slots.items():
                self.buffers.allocate(group, {name: slot.shape for name, slot in row.items()})
                for name, slot in row.items():
                    self.buffers.views[name][...] = slot.initial
        self._optimizer = optimizer
        self._watch(optimizer.learning_rate)

    def _watch(self, rate: float | Schedule) -> None:
        """A plateau schedule goes on over fits; another schedule begins with the full rate."""
        if not isinstance(rate, ReduceOnPlateau):
            if self.plateau is not None:
                self.scale[...] = 1.0
            self.plateau = None
        elif self.plateau is None or self.plateau.rule != rate:
            self.plateau = rate.tracker()
            self.scale[...] = 1.0

    def _program(self, key: Hashable, build: Callable[[], Step]) -> Program:
        if key not in self._programs:
            self._programs[key] = compile_step(build())
        return self._programs[key]

    def training(self, objective: Objective, optimizer: Optimizer) -> Program:
        """The program of training steps."""
        return self._program(
            ("train", objective, optimizer),
            lambda: training_step(self.network, objective, optimizer),
        )

    def evaluation(self, objective: Objective) -> Program:
        """The program of sums of loss and metrics."""
        return self._program(
            ("evaluate", objective), lambda: evaluation_step(self.network, objective)
        )

    def prediction(self) -> Program:
        """The program of what the last layer gives."""
        return self._program("predict", lambda: prediction_step(self.network))

    def probabilities(self, loss: Loss) -> Program:
        """The program of the loss' probabilities."""
        return self._program(("probabilities", loss), lambda: probability_step(self.network, loss))

    def gradients(self, objective: Objective, data: Sequence[Array]) -> dict[str, Array]:
        """The gradient of the mean loss over all rows of x, y and row weights."""
        if objective not in self._gradients:
            self._gradients[objective] = _gradient_function(self.network, objective)
        streamed = dict(zip(("x", "y", "row_weights"), data, strict=True))
        return self._gradients[objective]({**self.buffers.views, **streamed})


def _group(variable: Variable) -> str:
    """Which flat buffer a variable lies in."""
    if variable.state or not variable.trainable:
        return "not_trained"
    return "decayed" if variable.decay else "not_decayed"


def _slots(network: Network, optimizer: Optimizer) -> dict[str, dict[str, Slot]]:
    """What the optimizer remembers: buffer -> name -> slot."""
    out: dict[str, dict[str, Slot]] = {}
    for name, variable in network.trained().items():
        for slot, made in optimizer.slots(variable.shape).items():
            row = out.setdefault(f"optimizer.{slot}.{_group(variable)}", {})
            row[f"optimizer.{slot}.{name}"] = made
    return out


def _gradient_function(
    network: Network, objective: Objective
) -> Callable[[Mapping[str, Array]], dict[str, Array]]:
    graph, scalars = gradient_graph(network, objective)
    function = compile_gradients(graph)
    numbers = {
        here["name"]: np.array(scalars[here["name"]], here.dtype)
        for here in graph.inputs
        if here["name"] in scalars
    }

    def run(values: Mapping[str, Array]) -> dict[str, Array]:
        known = {**values, **numbers}
        found = function(*[known[here["name"]] for here in graph.inputs])
        return dict(zip(network.trained(), found, strict=True))

    return run
