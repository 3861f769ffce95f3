"""Optimizers, schedules and clipping: builders of the update's nodes."""

from clearprop.optim.adadelta import Adadelta
from clearprop.optim.adagrad import Adagrad
from clearprop.optim.adam import Adam, AdamW
from clearprop.optim.adamax import Adamax
from clearprop.optim.clip import clip_gradients
from clearprop.optim.lion import Lion
from clearprop.optim.nadam import NAdam
from clearprop.optim.optimizer import Optimizer, Slot, StepContext
from clearprop.optim.plateau import Plateau, ReduceOnPlateau
from clearprop.optim.radam import RAdam
from clearprop.optim.registry import (
    OPTIMIZERS,
    SCHEDULES,
    get_optimizer,
    optimizer_from_dict,
    optimizer_to_dict,
)
from clearprop.optim.rmsprop import RMSprop
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
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "CosineDecay",
    "ExponentialDecay",
    "Lion",
    "NAdam",
    "OneCycle",
    "Optimizer",
    "Plateau",
    "RAdam",
    "RMSprop",
    "ReduceOnPlateau",
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
