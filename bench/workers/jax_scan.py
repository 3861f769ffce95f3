"""JAX: an epoch is one compiled lax.scan over its steps, with Optax's optimizers."""

from common import initial_weights, serve


def load():
    """Import JAX and Optax."""
    import jax
    import optax

    return f"jax {jax.__version__}, optax {optax.__version__}"


def _network(workload):
    import jax

    table = {
        "relu": jax.nn.relu, "tanh": jax.numpy.tanh, "sigmoid": jax.nn.sigmoid,
        "linear": lambda x: x,
    }  # fmt: skip
    hidden, last = table[workload["activation"]], table[workload["output"]]

    def network(parameters, x):
        for place, layer in enumerate(parameters):
            x = x @ layer["weight"]
            if workload["bias"]:
                x = x + layer["bias"]
            x = last(x) if place == len(parameters) - 1 else hidden(x)
        return x

    return network


def _loss(workload, network):
    import jax.numpy as jnp
    import optax

    def loss(parameters, x, y):
        out = network(parameters, x)
        if workload["loss"] == "cross_entropy":
            return optax.softmax_cross_entropy_with_integer_labels(out, y).mean()
        squares = jnp.square(out - y)
        return squares.mean() if workload["loss"] == "mean_squared_error" else squares.sum()

    return loss


def _parameters(workload):
    import jax.numpy as jnp

    layers = []
    for weight, bias in initial_weights(workload):
        layer = {"weight": jnp.asarray(weight)}
        if workload["bias"]:
            layer["bias"] = jnp.asarray(bias)
        layers.append(layer)
    return layers


def make(workload, X, y):
    """The function that runs epochs."""
    import functools

    import jax
    import jax.numpy as jnp
    import numpy as np
    import optax

    jax.config.update("jax_enable_x64", workload["dtype"] == "float64")
    loss = _loss(workload, _network(workload))
    kind = {"adam": optax.adam, "sgd": optax.sgd}[workload["optimizer"]]
    optimizer = kind(workload["learning_rate"])
    parameters = _parameters(workload)
    state = optimizer.init(parameters)
    X, y = jnp.asarray(X), jnp.asarray(y)
    rows, batch, steps = workload["rows"], workload["batch"], workload["steps"]

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def epoch(parameters, state, X, y, order):
        def step(carry, places):
            parameters, state = carry
            value, gradient = jax.value_and_grad(loss)(parameters, X[places], y[places])
            updates, state = optimizer.update(gradient, state, parameters)
            return (optax.apply_updates(parameters, updates), state), value

        (parameters, state), values = jax.lax.scan(step, (parameters, state), order)
        return parameters, state, values[-1]

    @functools.partial(jax.jit, donate_argnums=(0, 1))
    def same(parameters, state, X, y):
        """An epoch of equal steps, without a gather."""

        def step(carry, _):
            parameters, state = carry
            value, gradient = jax.value_and_grad(loss)(parameters, X[:batch], y[:batch])
            updates, state = optimizer.update(gradient, state, parameters)
            return (optax.apply_updates(parameters, updates), state), value

        (parameters, state), values = jax.lax.scan(step, (parameters, state), length=steps)
        return parameters, state, values[-1]

    rng = np.random.default_rng(2)

    def run(epochs):
        nonlocal parameters, state
        value = None
        for _ in range(epochs):
            if workload["shuffle"]:
                order = jnp.asarray(rng.permutation(rows).reshape(steps, batch).astype("int32"))
                parameters, state, value = epoch(parameters, state, X, y, order)
            else:
                parameters, state, value = same(parameters, state, X, y)
        jax.block_until_ready((parameters, state))
        return float(value)

    return run


if __name__ == "__main__":
    serve(load, make)
