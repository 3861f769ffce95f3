"""JAX: an epoch is one compiled scan over whole batches and a step for the rows left."""

import sys

import jax
import jax.numpy as jnp
import numpy as np
import optax

BATCH = 200
with np.load(sys.argv[1]) as digits:
    X, y = jnp.asarray(digits["X"]), jnp.asarray(digits["y"])
rng = np.random.default_rng(0)
parameters = [
    (jnp.asarray(rng.uniform(-(a**-0.5), a**-0.5, (a, b)), jnp.float32), jnp.zeros(b))
    for a, b in ((64, 100), (100, 10))
]
optimizer = optax.adam(1e-3)
state = optimizer.init(parameters)


def network(parameters, X):
    (w1, b1), (w2, b2) = parameters
    return jax.nn.relu(X @ w1 + b1) @ w2 + b2


def loss(parameters, X, y):
    return optax.softmax_cross_entropy_with_integer_labels(network(parameters, X), y).mean()


def step(carry, rows):
    parameters, state = carry
    gradient = jax.grad(loss)(parameters, X[rows], y[rows])
    updates, state = optimizer.update(gradient, state, parameters)
    return (optax.apply_updates(parameters, updates), state), None


@jax.jit
def epoch(carry, order):
    whole = len(order) // BATCH * BATCH
    carry, _ = jax.lax.scan(step, carry, order[:whole].reshape(-1, BATCH))
    return step(carry, order[whole:])[0]


carry = parameters, state
for _ in range(20):
    carry = epoch(carry, rng.permutation(len(X)))
leaves = jax.tree_util.tree_leaves(carry[0])
np.savez(sys.argv[2], *[np.asarray(leaf) for leaf in leaves])
print((network(carry[0], X).argmax(1) == y).mean())
