"""``clearprop source``: the training step as NumPy."""

from clearprop.faces.cli.options import Model

__all__ = ["source"]


def source(model: Model) -> None:
    """Print the training step of a model as a readable NumPy program.

    Examples:

        clearprop source iris.safetensors

        clearprop source iris.safetensors > step.py
    """
    from clearprop.train.files import load_model

    print(load_model(model).source())
