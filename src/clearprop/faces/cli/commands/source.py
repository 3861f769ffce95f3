"""``clearprop source``: the training step as NumPy."""

from clearprop.faces.cli.options import Model

__all__ = ["source"]


def source(model: Model) -> None:
    """Print the training step of a model as a readable NumPy program.

    Examples:

        clearprop source iris.safetensors

        clearprop source iris.safetensors > step.py
    """
    from clearprop.faces.cli.screen import Screen
    from clearprop.train.files import load_model

    Screen().result({}, load_model(model).source().splitlines())
