"""How well a model does on rows of a table: what `train` prints and `evaluate` gives."""

from typing import Any

import numpy as np

from clearprop.errors import DataError
from clearprop.nn.losses import get_loss
from clearprop.train.examples import examples
from clearprop.train.model import Sequential
from clearprop.train.prepare import Amount, Classes, Preparation, Table

__all__ = ["arrays", "check_rows", "measure", "probabilities"]


def arrays(model: Sequential, preparation: Preparation, table: Table) -> tuple[Any, Any]:
    """What the network is given and what it is to give, for these rows."""
    X = preparation.prepare(table, model.dtype)
    y = preparation.targets(table, model.dtype)
    if isinstance(preparation.target, Classes) and not model.loss.labels:
        y = y.reshape(-1, 1).astype(model.dtype)
    return X, y


def measure(model: Sequential, target: Classes | Amount, X: Any, y: Any) -> dict[str, float]:
    """loss and accuracy, or loss, r2 and rmse; the last two in the target's own units.

    The loss of classes is without the label smoothing of training: of the labels as they are.
    With e the mean squared error of the standardised target: rmse = scale sqrt(e) and
    r2 = 1 - e / variance of the standardised target over these rows.
    """
    if isinstance(target, Classes):
        plain = get_loss(model.loss.name)
        found = model.measure(*examples(model.network, plain, model.metrics, X, y))
        return {"loss": found["loss"], "accuracy": found["accuracy"]}
    found = model.evaluate(X, y)
    error, variance = found["mean_squared_error"], float(np.var(y.astype(np.float64)))
    # scikit-learn's r2_score says the same of a target that does not vary
    r2 = 1 - error / variance if variance > 0 else float(error == 0)
    return {"loss": found["loss"], "r2": r2, "rmse": target.scale * error**0.5}


def probabilities(model: Sequential, X: Any) -> np.ndarray:
    """A row for each row and a column for each class."""
    given = np.asarray(model.predict_proba(X))
    return np.concatenate([1 - given, given], axis=1) if given.shape[1] == 1 else given


def check_rows(table: Table) -> None:
    """DataError for a table that has no rows."""
    if table.rows == 0:
        raise DataError(f"{table.source} has no rows")
