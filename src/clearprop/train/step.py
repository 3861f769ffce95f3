"""The whole training step as one graph: forward, loss, metrics, backward, clip, update, flag.

Outputs come in this order: what is logged (the loss' numerator and denominator, each metric's pair,
the flag), then what is carried to the next step, in the order of the layers: each parameter and its
optimizer slots, and each layer's state. So the engine, which orders its kernels by the outputs,
updates weights after all backward products have read the old ones, the first layer first.

The gradient is of the numerator, the sum of weight times loss, and divided once by the denominator,
the sum of weights. The flag is the sum of (new values * 0) over all that was updated: 0 where all
are finite, else NaN.
"""

import functools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from clearprop.errors import ShapeError
from clearprop.nn.losses import Loss
from clearprop.nn.metrics import Metric
from clearprop.nodes.build import add, cast, constant, equal, input, sum, where
from clearprop.nodes.graph import Graph, tag
from clearprop.nodes.node import Node
from clearprop.nodes.shapes import ROWS
from clearprop.nodes.walk import order
from clearprop.optim.clip import clip_gradients
from clearprop.optim.optimizer import Optimizer, StepContext
from clearprop.train.network import Forward, Network, forward
from clearprop.transform.differentiate import gradients
from clearprop.transform.lower import lower
from clearprop.transform.simplify import simplify

__all__ = [
    "Objective",
    "Step",
    "evaluation_step",
    "gradient_graph",
    "prediction_step",
    "probability_step",
    "training_step",
]


@dataclass(frozen=True)
class Objective:
    """What is to become small, and what is measured beside it, on targets of a shape and dtype."""

    loss: Loss
    metrics: tuple[Metric, ...]
    target_shape: tuple[int, ...]
    target_dtype: str

    def target(self) -> Node:
        """The input of the targets, shape (rows, ...)."""
        return input("y", (ROWS, *self.target_shape), self.target_dtype)


@dataclass(frozen=True)
class Step:
    """A graph with the part that each input and output plays in a loop.

    `logged` holds scalars; `summed[i]` says whether pair i of them is a plain sum, with a constant
    denominator. `scalars` are the values of the numbers that people vary.
    """

    graph: Graph
    streamed: tuple[Node, ...]
    counter: Node | None
    logged: tuple[Node, ...] = ()
    summed: tuple[bool, ...] = ()
    carried: Mapping[Node, Node] = field(default_factory=dict)
    collected: tuple[Node, ...] = ()
    scalars: Mapping[str, float] = field(default_factory=dict)

    def held(self) -> list[str]:
        """The names of the inputs that come from `values`: all but data and counter."""
        given = {*self.streamed, self.counter}
        return [here["name"] for here in self.graph.inputs if here not in given]

    def lowered(self) -> "Step":
        """The same step with its graph simplified and rewritten for the engine."""
        made = lower(simplify(self.graph))
        image = dict(zip(self.graph.outputs, made.outputs, strict=True))
        return replace(
            self,
            graph=made,
            logged=tuple(image[n] for n in self.logged),
            carried={old: image[new] for old, new in self.carried.items()},
            collected=tuple(image[n] for n in self.collected),
        )


def _graph(
    walk: Forward, targets: Sequence[Node], kept: Sequence[Node], outputs: Sequence[Node]
) -> Graph:
    """The graph of these outputs, with the inputs that it needs or that must be `kept`."""
    nodes = {*order(outputs), *kept}
    known = list(dict.fromkeys([*walk.inputs(), *targets, *kept]))
    return Graph(
        tuple(here for here in known if here in nodes),
        tuple(outputs),
        {here: name for here, name in walk.names.items() if here in nodes},
        {here: said for here, said in walk.origins.items() if here in nodes},
    )


def _totals(walk: Forward, objective: Objective, y: Node) -> list[tuple[Node, Node]]:
    """Numerator and denominator of the loss, then of each metric."""
    loss, prediction = objective.loss, walk.output
    walk.names[y], walk.origins[y] = "y", "input"
    try:
        pairs = [loss.total(prediction, y, walk.weights)]
    except ShapeError as error:
        raise ShapeError(f"loss {loss.name}: {error}") from error
    tag(walk.origins, pairs[0], f"loss {loss.name}")
    (top, bottom) = pairs[0]
    walk.names.setdefault(top, "loss" if bottom.op == "constant" else "loss.sum")
    walk.names.setdefault(bottom, "loss.count")
    for metric in objective.metrics:
        pairs.append(metric.total(prediction, y, walk.weights, loss))
        tag(walk.origins, pairs[-1], f"metric {metric.name}")
    return pairs


def _summed(pairs: Sequence[tuple[Node, Node]]) -> tuple[bool, ...]:
    return tuple(bottom.op == "constant" for _, bottom in pairs)


def _mean_gradients(walk: Forward, total: tuple[Node, Node], wrt: Mapping[str, Node]) -> list[Node]:
    """The gradient of numerator / denominator; a denominator of 0 (no row counts) gives zeros."""
    top, bottom = total
    # pre-activations too: they cost nothing, being on the way, and get their names
    inner = {name: here for here, name in walk.names.items() if name.endswith(".z")}
    found = gradients(top, [*wrt.values(), *inner.values()], walk.origins, walk.names)
    raw, deltas = found[: len(wrt)], found[len(wrt) :]
    for name, delta in zip(inner, deltas, strict=True):
        walk.names.setdefault(delta, f"gradient.{name}")
    if bottom.op == "constant":
        return raw
    share = 1 / where(equal(bottom, 0), 1, bottom)
    tag(walk.origins, [share], "mean of the gradient")
    return [g * share for g in raw]


def _name_gradients(walk: Forward, found: Mapping[str, Node]) -> None:
    for name, gradient in found.items():
        walk.names.setdefault(gradient, f"gradient.{name}")
        tag(walk.origins, [gradient], f"gradient of {name}")


def _tag_updates(walk: Forward, roots: Mapping[str, list[Node]]) -> None:
    """Origins of the update: of one parameter, or of all where several share a node."""
    fresh = {n: [h for h in order(r) if h not in walk.origins] for n, r in roots.items()}
    uses = Counter(here for nodes in fresh.values() for here in nodes)
    for name, nodes in fresh.items():
        for here in nodes:
            shared = uses[here] > 1
            walk.origins[here] = "update" if shared else f"update of {name}"


def _updates(
    network: Network, walk: Forward, optimizer: Optimizer, found: Mapping[str, Node]
) -> list[dict[Node, Node]]:
    """Old value -> new value of each parameter with its slots, and of each state."""
    t = cast(walk.step, network.dtype) + 1
    scale = walk.scalars("optimizer.scale", 1.0)
    groups: list[dict[Node, Node]] = []
    roots: dict[str, list[Node]] = {}
    for name, variable in network.variables.items():
        old = walk.variables[name]
        if name in walk.updates:
            groups.append({old: walk.updates[name]})
        if name in found:
            slots = _slots(optimizer, name, variable.shape, network.dtype)
            context = StepContext(t, scale, walk.scalars, variable.decay)
            new, remembered = optimizer.update(old, found[name], slots, context)
            groups.append({old: new, **{slots[slot]: v for slot, v in remembered.items()}})
            roots[name] = list(groups[-1].values())
    _tag_updates(walk, roots)
    for group in groups:
        for old, new in group.items():
            walk.names.setdefault(old, old["name"])
            walk.names.setdefault(new, f"updated.{old['name']}")
    return groups


def _slots(optimizer: Optimizer, name: str, shape: tuple[int, ...], dtype: str) -> dict[str, Node]:
    """The inputs of what the optimizer remembers of one parameter: ``optimizer.m.0.weight``."""
    slots = optimizer.slots(shape).items()
    return {slot: input(f"optimizer.{slot}.{name}", s.shape, dtype) for slot, s in slots}


def _flag(walk: Forward, groups: Sequence[Mapping[Node, Node]], dtype: str) -> Node:
    """0 where every new value is finite, else NaN."""
    terms: list[Node] = []
    for group in groups:
        by_shape: dict[object, list[Node]] = {}
        for new in group.values():
            by_shape.setdefault(new.shape, []).append(new)
        # a parameter and its slots in one sum: one pass over all of them
        terms += [sum(functools.reduce(add, same) * 0) for same in by_shape.values()]
    flag = functools.reduce(add, terms) if terms else constant(0, dtype)
    tag(walk.origins, [flag], "finite or not")
    walk.names.setdefault(flag, "flag")
    return flag


def training_step(network: Network, objective: Objective, optimizer: Optimizer) -> Step:
    """The training step; logged are the pairs of loss and metrics, then the flag."""
    walk = forward(network, training=True)
    y = objective.target()
    pairs = _totals(walk, objective, y)
    wrt = {name: walk.variables[name] for name in network.trained()}
    found = _mean_gradients(walk, pairs[0], wrt)
    clipped = clip_gradients(found, optimizer.clip_norm, optimizer.clip_value, walk.scalars)
    _name_gradients(walk, dict(zip(wrt, found, strict=True)))
    tag(walk.origins, clipped, "clip")
    groups = _updates(network, walk, optimizer, dict(zip(wrt, clipped, strict=True)))
    carried = {old: new for group in groups for old, new in group.items()}
    logged = (*(part for pair in pairs for part in pair), _flag(walk, groups, network.dtype))
    graph = _graph(walk, [y], [*carried, walk.x, y, walk.weights], [*logged, *carried.values()])
    return Step(
        graph,
        streamed=(walk.x, y, walk.weights),
        counter=walk.step if walk.step in graph.inputs else None,
        logged=logged,
        summed=_summed(pairs),
        carried=carried,
        scalars=walk.scalars.values,
    )


def evaluation_step(network: Network, objective: Objective) -> Step:
    """The sums of loss and metrics over rows, without training."""
    walk = forward(network, training=False)
    y = objective.target()
    pairs = _totals(walk, objective, y)
    logged = tuple(part for pair in pairs for part in pair)
    graph = _graph(walk, [y], [walk.x, y, walk.weights], logged)
    streamed = (walk.x, y, walk.weights)
    return Step(graph, streamed, None, logged, _summed(pairs), scalars=walk.scalars.values)


def _collect(walk: Forward, output: Node) -> Step:
    graph = _graph(walk, [], [walk.x], [output])
    return Step(graph, (walk.x,), None, collected=(output,), scalars=walk.scalars.values)


def prediction_step(network: Network) -> Step:
    """What the last layer gives, collected over rows."""
    walk = forward(network, training=False)
    return _collect(walk, walk.output)


def probability_step(network: Network, loss: Loss) -> Step:
    """The loss' probabilities of what the last layer gives; that itself where it has none."""
    walk = forward(network, training=False)
    made = loss.probabilities(walk.output)
    if made is not None:
        tag(walk.origins, [made], f"probabilities of {loss.name}")
        walk.names.setdefault(made, "probabilities")
    return _collect(walk, walk.output if made is None else made)


def gradient_graph(network: Network, objective: Objective) -> tuple[Graph, dict[str, float]]:
    """The gradient of the mean loss for every trained parameter, and the values of scalars.

    Without training (no dropout, batch norm with its running statistics), so that it is the
    derivative of what `evaluate` gives.
    """
    walk = forward(network, training=False)
    y = objective.target()
    total = _totals(walk, objective, y)[0]
    wrt = {name: walk.variables[name] for name in network.trained()}
    found = _mean_gradients(walk, total, wrt)
    _name_gradients(walk, dict(zip(wrt, found, strict=True)))
    graph = _graph(walk, [y], [walk.x, y, walk.weights], found)
    return graph, walk.scalars.values
