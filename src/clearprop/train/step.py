"""The whole training step as one graph: forward, loss, metrics, backward, clip, update, flag.

Outputs come in this order: what is logged (the loss' numerator and denominator, each metric's pair,
the flag), then what is carried to the next step, in the order of the layers: each parameter and its
optimizer slots, and each layer's state. So the engine, which orders its kernels by the outputs,
updates weights after all backward products have read the old ones, the first layer first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from clearprop.nn.losses import Loss
from clearprop.nodes.graph import Graph, tag
from clearprop.nodes.node import Node
from clearprop.nodes.walk import order
from clearprop.optim.clip import clip_gradients
from clearprop.optim.optimizer import Optimizer
from clearprop.train.network import Forward, Network, forward
from clearprop.train.objective import Objective, mean_gradients, summed, totals
from clearprop.train.update import flag, updates
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


def training_step(network: Network, objective: Objective, optimizer: Optimizer) -> Step:
    """The training step; logged are the pairs of loss and metrics, then the flag."""
    walk = forward(network, training=True)
    y = objective.target()
    pairs = totals(walk, objective, y)
    wrt = {name: walk.variables[name] for name in network.trained()}
    found = mean_gradients(walk, pairs[0], wrt)
    clipped = clip_gradients(found, optimizer.clip_norm, optimizer.clip_value, walk.scalars)
    tag(walk.origins, clipped, "clip")
    groups = updates(network, walk, optimizer, dict(zip(wrt, clipped, strict=True)))
    carried = {old: new for group in groups for old, new in group.items()}
    logged = (*(part for pair in pairs for part in pair), flag(walk, groups, network.dtype))
    graph = _graph(walk, [y], [*carried, walk.x, y, walk.weights], [*logged, *carried.values()])
    return Step(
        graph,
        streamed=(walk.x, y, walk.weights),
        counter=walk.step if walk.step in graph.inputs else None,
        logged=logged,
        summed=summed(pairs),
        carried=carried,
        scalars=walk.scalars.values,
    )


def evaluation_step(network: Network, objective: Objective) -> Step:
    """The sums of loss and metrics over rows, without training."""
    walk = forward(network, training=False)
    y = objective.target()
    pairs = totals(walk, objective, y)
    logged = tuple(part for pair in pairs for part in pair)
    graph = _graph(walk, [y], [walk.x, y, walk.weights], logged)
    streamed = (walk.x, y, walk.weights)
    return Step(graph, streamed, None, logged, summed(pairs), scalars=walk.scalars.values)


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
    total = totals(walk, objective, y)[0]
    wrt = {name: walk.variables[name] for name in network.trained()}
    found = mean_gradients(walk, total, wrt)
    graph = _graph(walk, [y], [walk.x, y, walk.weights], found)
    return graph, walk.scalars.values
