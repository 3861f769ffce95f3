"""threads= reaches the engine, and changes no bit."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

import clearprop as cp
from clearprop.readings.llvm.program import Loop


def _model() -> cp.Sequential:
    return cp.Sequential(
        [cp.Dense(256, activation="relu"), cp.Dropout(0.1), cp.Dense(10)],
        loss="cross_entropy",
        optimizer=cp.Adam(1e-3),
        seed=3,
    )


def _data() -> tuple[Any, Any]:
    draw = np.random.default_rng(0)
    return draw.normal(size=(640, 512)).astype("f4"), draw.integers(0, 10, 640)


def _weights(threads: int | None) -> Mapping[str, Any]:
    model, (X, y) = _model(), _data()
    model.fit(X, y, epochs=3, batch_size=128, threads=threads, verbose=0)
    return {**model.weights, "predicted": model.predict(X, threads=threads)}


def test_the_bits_do_not_depend_on_the_number_of_threads() -> None:
    one = _weights(1)
    for threads in (2, 3, None):
        other = _weights(threads)
        assert all(one[name].tobytes() == other[name].tobytes() for name in one)


def test_the_number_of_threads_reaches_the_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[object] = []
    run = Loop.run

    def spied(self: Loop, *arguments: Any, **options: Any) -> int:
        seen.append(options.get("threads"))
        return run(self, *arguments, **options)

    monkeypatch.setattr(Loop, "run", spied)
    model, (X, y) = _model(), _data()
    model.fit(X, y, batch_size=128, threads=2, verbose=0)
    model.predict(X, threads=1)
    assert set(seen[:-1]) == {2}
    assert seen[-1] == 1
