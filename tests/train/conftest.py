"""Tests of training run over the stand-in and, as the fact to be judged, over the engine."""

import importlib

import pytest

from tests.train import standin


def install_standin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the stand-in in the engine's place."""
    engine = importlib.import_module("clearprop.readings.llvm")
    for name in ("compile_loop", "compile_function"):
        monkeypatch.setattr(engine, name, getattr(standin, name), raising=False)


@pytest.fixture
def on_standin(monkeypatch: pytest.MonkeyPatch) -> None:
    """This test runs over the stand-in."""
    install_standin(monkeypatch)
