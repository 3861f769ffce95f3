"""First updates worked out by hand, with a gradient that is the parameter (loss p^2 / 2)."""

import numpy as np
import pytest

from clearprop.optim import SGD, Adam, AdamW, Lion
from tests.optim.run import Array, run


def _itself(parameters: list[Array], t: int) -> list[Array]:
    return parameters


def _path(optimizer: SGD | Adam | AdamW | Lion, updates: int, start: float = 1.0) -> list[float]:
    return [p[0].item() for p in run(optimizer, [np.array([start])], _itself, updates)]


def test_sgd_with_momentum_by_hand() -> None:
    # velocity 1;    p = 1 - 0.1                                  = 0.9
    # velocity 0.9 + 0.9 = 1.8;      p = 0.9 - 0.18               = 0.72
    # velocity 1.62 + 0.72 = 2.34;   p = 0.72 - 0.234             = 0.486
    # velocity 2.106 + 0.486 = 2.592; p = 0.486 - 0.2592          = 0.2268
    path = _path(SGD(0.1, momentum=0.9), 4)
    assert path == pytest.approx([0.9, 0.72, 0.486, 0.2268], abs=1e-15)


def test_nesterov_by_hand() -> None:
    # velocity 1;  direction 1 + 0.9 = 1.9;               p = 1 - 0.19       = 0.81
    # velocity 0.9 + 0.81 = 1.71;  0.81 + 1.539 = 2.349;  p = 0.81 - 0.2349  = 0.5751
    path = _path(SGD(0.1, momentum=0.9, nesterov=True), 2)
    assert path == pytest.approx([0.81, 0.5751], abs=1e-15)


def test_sgd_with_weight_decay_by_hand() -> None:
    # g = 1 + 0.5 = 1.5: p = 1 - 0.15 = 0.85;  g = 0.85 * 1.5 = 1.275: p = 0.85 - 0.1275 = 0.7225
    assert _path(SGD(0.1, weight_decay=0.5), 2) == pytest.approx([0.85, 0.7225], abs=1e-15)


def test_adam_by_hand() -> None:
    # betas 0.5 and 0.75, eps 0, start at 2
    # t = 1: m = 0.5 * 2 = 1,          m_hat = 1 / 0.5 = 2
    #        v = 0.25 * 4 = 1,         v_hat = 1 / 0.25 = 4;  p = 2 - 0.1 * 2 / 2 = 1.9
    # t = 2: m = 0.5 + 0.95 = 1.45,    m_hat = 1.45 / 0.75     = 1.9333333
    #        v = 0.75 + 0.9025 = 1.6525, v_hat = 1.6525 / 0.4375 = 3.7771429, its root 1.9434873
    #        p = 1.9 - 0.1 * 0.9947754 = 1.8005225
    path = _path(Adam(0.1, betas=(0.5, 0.75), eps=0), 2, start=2.0)
    assert path == pytest.approx([1.9, 1.8005225], abs=5e-8)


def test_adams_epsilon_stands_outside_of_the_corrected_root() -> None:
    # g = 1: m_hat = 1, sqrt(v_hat) = 1: p = 1 - 0.1 / (1 + 1) = 0.95
    assert _path(Adam(0.1, eps=1.0), 1) == pytest.approx([0.95], abs=1e-15)


def test_adamw_shrinks_before_the_step() -> None:
    # p = 1 * (1 - 0.1 * 0.5) - 0.1 * 1 = 0.85
    assert _path(AdamW(0.1, weight_decay=0.5, eps=0), 1) == pytest.approx([0.85], abs=1e-15)


def test_lion_steps_by_the_sign() -> None:
    # p = 1 - 0.1 * (1 + 0.5 * 1) = 0.85;  0.85 - 0.1 * (1 + 0.5 * 0.85) = 0.7075
    assert _path(Lion(0.1, weight_decay=0.5), 2) == pytest.approx([0.85, 0.7075], abs=1e-15)


def test_adams_first_step_in_float32_keeps_its_digits() -> None:
    # for any gradient the first step is the learning rate; with 1 - 0.999f it would be off by 1e-5
    path = run(
        Adam(1.0, eps=0), [np.array([0.0])], lambda p, t: [np.array([0.3])], 1, dtype="float32"
    )
    assert abs(float(path[0][0][0]) + 1) < 3e-7
