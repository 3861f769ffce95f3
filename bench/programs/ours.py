"""clearprop: Sequential and fit."""

import sys

import numpy as np

import clearprop as cp

with np.load(sys.argv[1]) as digits:
    X, y = digits["X"], digits["y"]
model = cp.Sequential(
    [cp.Dense(100, activation="relu"), cp.Dense(10)],
    loss="cross_entropy",
    optimizer=cp.Adam(1e-3),
)
model.fit(X, y, epochs=20, batch_size=200, verbose=0)
model.save(sys.argv[2])
print((model.predict(X).argmax(1) == y).mean())
