"""Tests of training run over the engine and over the stand-in, which judges it."""

import importlib

import pytest

from tests.train import standin

_ENGINE = importlib.import_module("clearprop.readings.llvm")


@pytest.fixture(params=["standin", "llvm"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What runs the steps of this test."""
    if request.param == "standin":
        for name in ("compile_loop", "compile_function"):
            monkeypatch.setattr(_ENGINE, name, getattr(standin, name))
    return str(request.param)
