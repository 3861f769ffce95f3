"""The README: its Python runs, its commands are there for CI to run, its options exist."""

import re
from pathlib import Path

import pytest

from tests.faces.conftest import Run

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
PYTHON = re.findall(r"```python\n(.*?)```", README, re.S)
COMMANDS = re.findall(r"^clearprop (\w+) ", README, re.M)


@pytest.mark.parametrize("place", range(len(PYTHON)))
def test_python_in_the_readme_runs(
    place: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(PYTHON[place], f"README.md, example {place + 1}", "exec"), {})
    assert capsys.readouterr().out


def test_there_is_an_example_in_each_face() -> None:
    assert len(PYTHON) == 2
    assert {"train", "predict", "evaluate", "source"} == set(COMMANDS)


def test_the_two_commands_stand_in_the_readme_once_each() -> None:
    lines = [line for line in README.splitlines() if line.startswith("pip install -e ")]
    assert lines == [
        "pip install -e . && clearprop train iris",
        "pip install -e '.[test]' && pytest",
    ]


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_every_option_of_the_readmes_commands_exists(run: Run, command: str) -> None:
    used = {
        option
        for line in README.splitlines()
        if line.startswith(f"clearprop {command} ")
        for option in re.findall(r"--?[a-z]+", line)
        if line.split(option)[0].endswith(" ")
    }
    helped = run(command, "--help").out
    assert all(option in helped for option in used)
