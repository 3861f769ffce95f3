"""An independent scalar engine, in plain Python: what the package must agree with.

It imports nothing of the package. Every number is a `Value` that remembers what it was made from,
with the slope by each part, so that the chain rule is one multiplication an edge. Activations and
losses are written by their formulas, for moderate numbers; speed and extremes are not its business.
"""

import math
from collections.abc import Callable, Sequence


class Value:
    """A number, its parts as (part, slope by that part), and after `backward` its gradient."""

    def __init__(self, number: float, parts: "tuple[tuple[Value, float], ...]" = ()) -> None:
        self.number, self.parts, self.gradient = float(number), parts, 0.0

    def __add__(self, other: "Value | float") -> "Value":
        b = value(other)
        return Value(self.number + b.number, ((self, 1.0), (b, 1.0)))

    def __mul__(self, other: "Value | float") -> "Value":
        b = value(other)
        return Value(self.number * b.number, ((self, b.number), (b, self.number)))

    def __pow__(self, n: float) -> "Value":
        return Value(self.number**n, ((self, n * self.number ** (n - 1)),))

    def __sub__(self, other: "Value | float") -> "Value":
        return self + value(other) * -1.0

    def __truediv__(self, other: "Value | float") -> "Value":
        return self * value(other) ** -1.0

    __radd__, __rmul__ = __add__, __mul__

    def __rsub__(self, other: float) -> "Value":
        return value(other) - self

    def exp(self) -> "Value":
        y = math.exp(self.number)
        return Value(y, ((self, y),))

    def log(self) -> "Value":
        return Value(math.log(self.number), ((self, 1 / self.number),))

    def erf(self) -> "Value":
        slope = 2 / math.sqrt(math.pi) * math.exp(-(self.number**2))
        return Value(math.erf(self.number), ((self, slope),))

    def __abs__(self) -> "Value":
        return self * float((self.number > 0) - (self.number < 0))

    def backward(self) -> None:
        """Add the derivative of this value by every value below it to that value's gradient."""
        order: list[Value] = []
        seen: set[int] = set()
        stack: list[tuple[Value, bool]] = [(self, False)]
        while stack:
            here, done = stack.pop()
            if done:
                order.append(here)
            elif id(here) not in seen:
                seen.add(id(here))
                stack += [(here, True), *((part, False) for part, _ in here.parts)]
        self.gradient = 1.0
        for here in reversed(order):
            for part, slope in here.parts:
                part.gradient += slope * here.gradient


def value(x: "Value | float") -> Value:
    return x if isinstance(x, Value) else Value(x)


Vector = list[Value]


def total(values: Sequence[Value]) -> Value:
    return sum(values, Value(0.0))


def sigmoid(x: Value) -> Value:
    return (1.0 + (x * -1.0).exp()) ** -1.0


def tanh(x: Value) -> Value:
    return 2.0 * sigmoid(2.0 * x) - 1.0


def softplus(x: Value) -> Value:
    return (1.0 + x.exp()).log()


def elu(x: Value, alpha: float = 1.0) -> Value:
    return x if x.number > 0 else alpha * (x.exp() - 1.0)


def hard_sigmoid(x: Value) -> Value:
    return x * (1 / 6) + 0.5 if -3 < x.number < 3 else Value(float(x.number > 0))


def softmax(xs: Vector) -> Vector:
    powers = [x.exp() for x in xs]
    return [p / total(powers) for p in powers]


SCALARS: dict[str, Callable[[Value], Value]] = {
    "linear": lambda x: x,
    "relu": lambda x: x * float(x.number > 0),
    "leaky_relu": lambda x: x * (1.0 if x.number > 0 else 0.01),
    "elu": elu,
    "selu": lambda x: 1.0507009873554805 * elu(x, 1.6732632423543772),
    "gelu": lambda x: x * 0.5 * (1.0 + (x * (1 / math.sqrt(2))).erf()),
    "silu": lambda x: x * sigmoid(x),
    "softplus": softplus,
    "sigmoid": sigmoid,
    "tanh": tanh,
    "hard_sigmoid": hard_sigmoid,
    "mish": lambda x: x * tanh(softplus(x)),
}


def activate(name: str, xs: Vector) -> Vector:
    return softmax(xs) if name == "softmax" else [SCALARS[name](x) for x in xs]


ACTIVATIONS = (*SCALARS, "softmax")


def huber(e: Value) -> Value:
    return e * e * 0.5 if abs(e.number) <= 1 else abs(e) - 0.5


def binary(z: Value, t: float) -> Value:
    p = sigmoid(z)
    return -t * p.log() - (1 - t) * (1.0 - p).log()


# each: (one output, its target) -> a number, and whether a row's loss is their mean or their sum
PAIRS: dict[str, tuple[Callable[[Value, float], Value], bool]] = {
    "mean_squared_error": (lambda p, t: (p - t) * (p - t), True),
    "half_squared_error": (lambda p, t: (p - t) * (p - t) * 0.5, False),
    "sum_squared_error": (lambda p, t: (p - t) * (p - t), False),
    "mean_absolute_error": (lambda p, t: abs(p - t), True),
    "huber": (lambda p, t: huber(p - t), True),
    "quantile": (lambda p, t: abs(p - t) * 0.5, True),
    "poisson": (lambda p, t: p.exp() - t * p, True),
    "binary_cross_entropy": (binary, True),
}
LOSSES = (*PAIRS, "cross_entropy")


def row_loss(name: str, prediction: Vector, target: Sequence[float]) -> Value:
    if name == "cross_entropy":
        chosen = zip(softmax(prediction), target, strict=True)
        return total([p.log() * -t for p, t in chosen])
    function, averaged = PAIRS[name]
    values = [function(p, t) for p, t in zip(prediction, target, strict=True)]
    return total(values) * (1 / len(values) if averaged else 1.0)


class Dense:
    """weight[input][unit], bias[unit] and the name of the activation."""

    def __init__(
        self, weight: Sequence[Sequence[float]], bias: Sequence[float], activation: str
    ) -> None:
        self.weight = [[Value(w) for w in row] for row in weight]
        self.bias = [Value(b) for b in bias]
        self.activation = activation

    def __call__(self, xs: Vector) -> Vector:
        sums = [
            total([x * row[j] for x, row in zip(xs, self.weight, strict=True)]) + bias
            for j, bias in enumerate(self.bias)
        ]
        return activate(self.activation, sums)


def network(layers: Sequence[Dense], row: Sequence[float]) -> Vector:
    xs = [Value(x) for x in row]
    for layer in layers:
        xs = layer(xs)
    return xs


def loss(
    name: str,
    layers: Sequence[Dense],
    rows: Sequence[Sequence[float]],
    targets: Sequence[Sequence[float]],
    weights: Sequence[float],
) -> Value:
    """The weighted mean over the rows (the weighted sum for sum_squared_error)."""
    places = [
        row_loss(name, network(layers, row), target) * weight
        for row, target, weight in zip(rows, targets, weights, strict=True)
    ]
    return total(places) * (1.0 if name == "sum_squared_error" else 1 / math.fsum(weights))
