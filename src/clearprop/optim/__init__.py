"""Optimizers, schedules and clipping: builders of the update's nodes."""

from clearprop.optim.adam import Adam, AdamW
from clearprop.optim.clip import clip_gradients
from clearprop.optim.optimizer import Optimizer, Slot, StepContext
from clearprop.optim.registry import (
    OPTIMIZERS,
    SCHEDULES,
    get_optimizer,
    optimizer_from_dict,
    optimizer_to_dict,
)
from clearprop.optim.schedules import (
    CosineDecay,
    ExponentialDecay,
    OneCycle,
    Schedule,
    StepDecay,
    WarmupCosine,
)
from clearprop.optim.sgd import SGD

__all__ = [
    "OPTIMIZERS",
    "SCHEDULES",
    "SGD",
    "Adam",
    "AdamW",
    "CosineDecay",
    "ExponentialDecay",
    "OneCycle",
    "Optimizer",
    "Schedule",
    "Slot",
    "StepContext",
    "StepDecay",
    "WarmupCosine",
    "clip_gradients",
    "get_optimizer",
    "optimizer_from_dict",
    "optimizer_to_dict",
]
