"""The check that the last layer and the loss fit: logits must not be squashed twice."""

from collections.abc import Sequence

from clearprop.errors import ArgumentError
from clearprop.nn.layer import Layer
from clearprop.nn.layers.activation import Activation
from clearprop.nn.layers.dropout import Dropout
from clearprop.nn.layers.flatten import Flatten
from clearprop.nn.layers.reshape import Reshape
from clearprop.nn.losses.loss import Loss

__all__ = ["check_head"]

_SQUASHING = ("softmax", "sigmoid")
_PASSING = (Dropout, Flatten, Reshape)  # the last numbers go through these unchanged


def check_head(layers: Sequence[Layer], loss: Loss) -> None:
    """ArgumentError if the last layer applies softmax or sigmoid and the loss takes logits.

    >>> from clearprop.nn.layers import Dense
    >>> from clearprop.nn.losses import get_loss
    >>> head = Dense(3, activation="softmax")
    >>> check_head([head], get_loss("cross_entropy"))  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    clearprop.errors.ArgumentError: layer 0 (dense) applies softmax, and cross_entropy applies ...
    """
    if not loss.takes_logits:
        return
    for place, layer in reversed(list(enumerate(layers))):
        if isinstance(layer, _PASSING):
            continue
        applied = layer.name if isinstance(layer, Activation) else getattr(layer, "activation", "")
        if applied in _SQUASHING:
            raise ArgumentError(
                f"layer {place} ({layer.kind}) applies {applied}, and {loss.name} applies its own "
                f"to what the last layer gives (logits). Either leave {applied} out (predict_proba "
                "gives the probabilities), or keep it and use a loss that takes what it gives, "
                "such as mean_squared_error"
            )
        return
