"""A model that the command line trained, and the command line as a function."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from clearprop.faces.cli import main


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


Run = Callable[..., Ran]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str]) -> Run:
    """Runs a command in this process."""

    def call(*arguments: object) -> Ran:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(a) for a in arguments])
        captured = capfd.readouterr()
        assert isinstance(ended.value.code, int)
        return Ran(ended.value.code, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def iris_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file of the iris data."""
    path = tmp_path_factory.mktemp("models") / "iris.safetensors"
    with pytest.raises(SystemExit) as ended:
        main(["train", "iris", "--epochs", "20", "--output", str(path), "--quiet"])
    assert ended.value.code == 0
    return path


@pytest.fixture(scope="session")
def diabetes_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model file of the diabetes data."""
    path = tmp_path_factory.mktemp("models") / "diabetes.safetensors"
    with pytest.raises(SystemExit) as ended:
        main(["train", "diabetes", "--epochs", "5", "--output", str(path), "--quiet"])
    assert ended.value.code == 0
    return path
