"""Optimizers by name, their configurations, and arguments that are refused."""

import json
from typing import Any

import pytest

from clearprop.errors import ArgumentError
from clearprop.nodes.build import input
from clearprop.nodes.scalars import Scalars
from clearprop.optim import (
    OPTIMIZERS,
    SGD,
    Adam,
    AdamW,
    CosineDecay,
    NAdam,
    OneCycle,
    Optimizer,
    ReduceOnPlateau,
    RMSprop,
    StepContext,
    get_optimizer,
    optimizer_from_dict,
    optimizer_to_dict,
)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_configuration_reads_back_to_the_same_optimizer(name: str) -> None:
    optimizer = get_optimizer(name)
    written = json.loads(json.dumps(optimizer_to_dict(optimizer)))
    assert written["type"] == name
    assert optimizer_from_dict(written) == optimizer


@pytest.mark.parametrize(
    "optimizer",
    [
        Adam(CosineDecay(0.1, 500), betas=(0.8, 0.9), clip_norm=1.0),
        SGD(OneCycle(0.1, 100), momentum=0.9, nesterov=True, clip_value=0.5),
        AdamW(ReduceOnPlateau(0.1, patience=3), weight_decay=0.2, amsgrad=True),
    ],
)
def test_schedules_and_options_are_part_of_the_configuration(optimizer: Optimizer) -> None:
    written = json.loads(json.dumps(optimizer_to_dict(optimizer)))
    assert optimizer_from_dict(written) == optimizer
    assert optimizer_from_dict(written) != Adam()


def test_a_name_gives_the_defaults_and_an_instance_itself() -> None:
    assert get_optimizer("adamw") == AdamW()
    optimizer = SGD(0.5)
    assert get_optimizer(optimizer) is optimizer


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"type": "admw"}, "unknown optimizer 'admw': did you mean 'adamw'"),
        ({}, "unknown optimizer None"),
        ("adam", "must be a table"),
        ({"type": "adam", "momentun": 0.9}, "unknown argument of adam 'momentun'"),
        ({"type": "adam", "betas": [0.9]}, "betas=\\[0.9\\] .* two numbers in \\[0, 1\\)"),
        ({"type": "adam", "betas": [0.9, 1.0]}, "two numbers in \\[0, 1\\)"),
        ({"type": "adam", "learning_rate": {"type": "cosine_dekay"}}, "unknown schedule"),
        ({"type": "adam", "learning_rate": {"type": "cosine_decay"}}, "missing .*learning_rate"),
        (
            {"type": "adam", "learning_rate": {"type": "step_decay", "ever": 3}},
            "did you mean 'every'",
        ),
    ],
)
def test_a_bad_configuration_is_refused(config: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        optimizer_from_dict(config)


@pytest.mark.parametrize("given", ["adm", 3, None, Adam])
def test_what_is_no_optimizer_is_refused(given: Any) -> None:
    with pytest.raises(ArgumentError, match="optimizer"):
        get_optimizer(given)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: SGD(-0.1), "SGD: learning_rate=-0.1 .* a number >= 0 or a schedule"),
        (lambda: SGD("fast"), "learning_rate='fast'"),  # type: ignore[arg-type]
        (lambda: SGD(float("inf")), "learning_rate=inf"),
        (lambda: SGD(True), "learning_rate=True"),
        (lambda: SGD(0.1, momentum=-1), "momentum=-1 .* a number >= 0"),
        (lambda: SGD(0.1, nesterov=True), "nesterov=True needs momentum > 0"),
        (lambda: SGD(0.1, 0.9, True, dampening=0.1), "dampening=0"),
        (lambda: SGD(0.1, nesterov="yes"), "True or False"),  # type: ignore[arg-type]
        (lambda: Adam(betas=(0.9, 1.0)), "betas=\\(0.9, 1.0\\) .* two numbers in \\[0, 1\\)"),
        (lambda: Adam(betas=0.9), "two numbers"),  # type: ignore[arg-type]
        (lambda: Adam(eps=-1e-8), "eps=-1e-08"),
        (lambda: Adam(clip_norm=0), "clip_norm=0 .* None or a number > 0"),
        (lambda: Adam(clip_value=-1), "clip_value=-1"),
        (lambda: RMSprop(alpha=1.5), "alpha=1.5 .* in \\[0, 1\\)"),
        (lambda: NAdam(momentum_decay=-1), "momentum_decay=-1"),
    ],
)
def test_bad_numbers_are_refused_with_what_was_expected(make: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        make()


def _update(optimizer: Optimizer, decay: bool = True) -> tuple[object, Scalars]:
    scalars = Scalars("float32")
    p, g = input("p", (3,)), input("g", (3,))
    slots = {k: input(k, slot.shape) for k, slot in optimizer.slots((3,)).items()}
    step = StepContext(input("t", ()), input("scale", ()), scalars, decay)
    new, new_slots = optimizer.update(p, g, slots, step)
    return (new, *new_slots.values()), scalars


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (SGD(0.1, momentum=0.9, weight_decay=0.1), SGD(0.7, momentum=0.5, weight_decay=1e-4)),
        (Adam(0.1), Adam(1e-5, betas=(0.5, 0.6), eps=1e-3)),
        (Adam(CosineDecay(0.1, 500)), Adam(CosineDecay(0.2, 10, final=0.1))),
        (OPTIMIZERS["radam"](0.1), optimizer_from_dict({"type": "radam", "betas": [0.5, 0.5]})),
        (NAdam(), NAdam(0.1, betas=(0.5, 0.6), momentum_decay=0.1)),
    ],
)
def test_other_numbers_build_the_same_graph(one: Optimizer, other: Optimizer) -> None:
    (first, numbers), (second, others) = _update(one), _update(other)
    assert first == second
    assert numbers.values != others.values
    assert all(name.startswith("optimizer.") for name in numbers.values)


def test_parameters_outside_of_the_decayed_group_are_not_decayed() -> None:
    for optimizer in (SGD(0.1, weight_decay=0.1), AdamW(0.1), Adam(0.1, weight_decay=0.1)):
        assert "optimizer.weight_decay" in _update(optimizer)[1].values
        assert "optimizer.weight_decay" not in _update(optimizer, decay=False)[1].values
