"""W1 as a plain NumPy program: what the many texts on two-layer networks compute."""

from common import initial_weights, serve


def load():
    """Import NumPy."""
    import numpy as np

    return f"numpy {np.__version__}"


def make(workload, X, y):
    """The function that runs epochs: sigmoid twice, the sum of squared errors, a step of size 1."""
    import numpy as np

    if not workload["name"].startswith("W1"):
        raise NotImplementedError("a plain NumPy program is written for W1 only")
    (hidden, _), (output, _) = initial_weights(workload)
    X, y = X[:4], y[:4]

    def run(epochs):
        nonlocal hidden, output
        prediction = None
        for _ in range(epochs * workload["steps"]):
            middle = 1 / (1 + np.exp(-(X @ hidden)))
            prediction = 1 / (1 + np.exp(-(middle @ output)))
            delta = 2 * (prediction - y) * prediction * (1 - prediction)
            below = (delta @ output.T) * middle * (1 - middle)
            output = output - middle.T @ delta
            hidden = hidden - X.T @ below
        return ((prediction - y) ** 2).sum()

    return run


if __name__ == "__main__":
    serve(load, make)
