"""A network: layers on an input shape, with all variables declared and all shapes derived."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from clearprop.errors import ShapeError, TypeMismatch
from clearprop.nn.layer import Context, Layer, Variable
from clearprop.nodes.build import input
from clearprop.nodes.graph import tag
from clearprop.nodes.node import Node
from clearprop.nodes.scalars import Scalars
from clearprop.nodes.shapes import ROWS

__all__ = ["Forward", "Network", "describe", "forward", "layer_text"]


@dataclass(frozen=True)
class Network:
    """Layers, the shape of an input row, variables by full name, each layer's output row shape."""

    layers: tuple[Layer, ...]
    input_shape: tuple[int, ...]
    dtype: str
    variables: dict[str, Variable]
    shapes: tuple[tuple[int, ...], ...]

    @property
    def input_dtype(self) -> str:
        """int32 where the first layer takes ids, else the network's dtype."""
        return input_dtype(self.layers, self.dtype)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of a row of the last layer's output."""
        return self.shapes[-1]

    @property
    def last_text(self) -> str:
        """How errors call the last layer: ``layer 1 dense``."""
        return layer_text(len(self.layers) - 1, self.layers[-1])

    def trained(self) -> dict[str, Variable]:
        """The variables that the optimizer is given."""
        return {n: v for n, v in self.variables.items() if v.trainable and not v.state}


@dataclass
class Forward:
    """A forward pass as nodes: its inputs, its output, and what the layers said on the way."""

    x: Node
    weights: Node
    seed: Node
    step: Node
    scalars: Scalars
    output: Node
    variables: dict[str, Node] = field(default_factory=dict)
    names: dict[Node, str] = field(default_factory=dict)
    origins: dict[Node, str] = field(default_factory=dict)
    updates: dict[str, Node] = field(default_factory=dict)

    @classmethod
    def begin(cls, input_shape: tuple[int, ...], x_dtype: str, dtype: str) -> "Forward":
        """The inputs alone: the output so far is x."""
        x = input("x", (ROWS, *input_shape), x_dtype)
        weights = input("row_weights", (ROWS,), dtype)
        seed, step = input("seed", (), "uint32"), input("step", (), "uint32")
        made = cls(x, weights, seed, step, Scalars(dtype), x)
        for here in (x, weights, seed, step):
            made.names[here] = here["name"]
            made.origins[here] = "input"
        return made

    def context(self, *, training: bool) -> Context:
        """The context that layers are called with; it sees variables that are added later."""
        context = Context.root(
            training=training,
            variables=self.variables,
            weights=self.weights,
            seed=self.seed,
            step=self.step,
            scalars=self.scalars,
        )
        context.shared.names = self.names
        context.shared.updates = self.updates
        return context

    def add(self, index: int, layer: Layer, context: Context) -> None:
        """Call one more layer on the output so far."""
        here = context.enter(str(index))
        self.output = here.name(layer.call(self.output, here), "a")
        tag(self.origins, [self.output, *self.updates.values()], layer_text(index, layer))

    def declare(self, name: str, variable: Variable, dtype: str) -> None:
        """Make the input of a variable."""
        self.variables[name] = made = input(name, variable.shape, dtype)
        self.names[made] = name

    def inputs(self) -> list[Node]:
        """All inputs, variables first, then data, then numbers."""
        data = [self.x, self.weights, self.seed, self.step]
        return [*self.variables.values(), *data, *self.scalars.nodes.values()]


def layer_text(index: int, layer: Layer) -> str:
    """How origins and errors call a layer: ``layer 0 dense``."""
    return f"layer {index} {layer.kind}"


def input_dtype(layers: Sequence[Layer], dtype: str) -> str:
    """The dtype of x: int32 where the first layer takes ids."""
    return "int32" if layers and layers[0].takes == "integer" else dtype


@contextmanager
def _at(index: int, layer: Layer) -> Iterator[None]:
    """Errors of shapes and dtypes say in which layer they were met."""
    try:
        yield
    except ShapeError as error:
        raise ShapeError(f"{layer_text(index, layer)}: {error}") from error
    except TypeMismatch as error:
        raise TypeMismatch(f"{layer_text(index, layer)}: {error}") from error


def describe(layers: Sequence[Layer], input_shape: tuple[int, ...], dtype: str) -> Network:
    """The network of these layers; ShapeError names the first layer that does not fit."""
    walk = Forward.begin(input_shape, input_dtype(layers, dtype), dtype)
    context = walk.context(training=False)
    variables: dict[str, Variable] = {}
    shapes: list[tuple[int, ...]] = [input_shape]
    for index, layer in enumerate(layers):
        with _at(index, layer):
            for name, variable in layer.declare(shapes[-1], dtype).items():
                variables[f"{index}.{name}"] = variable
                walk.declare(f"{index}.{name}", variable, dtype)
            walk.add(index, layer, context)
        shapes.append(tuple(d for d in walk.output.shape[1:] if isinstance(d, int)))
    return Network(tuple(layers), input_shape, dtype, variables, tuple(shapes[1:]))


def forward(network: Network, *, training: bool) -> Forward:
    """The network's forward pass as nodes."""
    walk = Forward.begin(network.input_shape, network.input_dtype, network.dtype)
    for name, variable in network.variables.items():
        walk.declare(name, variable, network.dtype)
    context = walk.context(training=training)
    for index, layer in enumerate(network.layers):
        with _at(index, layer):
            walk.add(index, layer, context)
    return walk
