"""A model file with all that a table needs."""

from pathlib import Path

from clearprop.errors import FileError
from clearprop.train.files import load_model
from clearprop.train.model import Sequential
from clearprop.train.prepare import Preparation

__all__ = ["load_prepared"]


def load_prepared(path: Path) -> tuple[Sequential, Preparation]:
    """The model and its preparation; FileError for a model that was trained on bare arrays."""
    model = load_model(path)
    if model.preparation is None:
        raise FileError(
            f"{path} was saved from Python and does not say how a table becomes numbers; use "
            f"clearprop.load({str(path)!r}).predict(X) there"
        )
    return model, model.preparation
