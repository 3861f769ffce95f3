"""`__all__` tells the truth everywhere, and `import clearprop` costs NumPy alone."""

import importlib
import subprocess
import sys
import types
from pathlib import Path

import pytest

import clearprop
from tests.laws.test_import_direction import HEAVY, ROOT, files


def module_name(path: Path) -> str:
    words = list(path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(["clearprop", *(words[:-1] if words[-1] == "__init__" else words)])


MODULES = [module_name(path) for path in files() if path.name != "__main__.py"]


@pytest.mark.parametrize("name", MODULES)
def test_what_all_lists_exists_and_is_listed_once(name: str) -> None:
    module = importlib.import_module(name)
    listed = getattr(module, "__all__", [])
    assert len(set(listed)) == len(listed)
    assert [word for word in listed if not hasattr(module, word)] == []


@pytest.mark.parametrize("name", MODULES)
def test_a_module_with_public_names_says_which(name: str) -> None:
    module = importlib.import_module(name)
    own = [
        word
        for word, value in vars(module).items()
        if isinstance(value, types.FunctionType | type)
        and value.__module__ == name
        and not word.startswith("_")
    ]
    assert hasattr(module, "__all__") or not own


@pytest.mark.parametrize("name", clearprop.__all__)
def test_the_door_opens_on_every_name_it_lists(name: str) -> None:
    assert getattr(clearprop, name) is not None
    assert name in dir(clearprop)


def test_an_unknown_name_at_the_door_is_an_attribute_error_with_the_nearest_name() -> None:
    with pytest.raises(AttributeError, match="Sequential"):
        clearprop.Sequentail  # noqa: B018


def loaded_by(statement: str) -> set[str]:
    code = f"{statement}\nimport sys\nprint(*sorted(sys.modules))"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return {word.split(".")[0] for word in run.stdout.split()}


def test_importing_clearprop_loads_no_heavy_package() -> None:
    assert not loaded_by("import clearprop") & HEAVY


def test_building_and_reading_a_graph_loads_no_heavy_package() -> None:
    program = "from clearprop import graph as g\nx = g.input('x', (3,))\ng.source(g.exp(x))"
    assert not loaded_by(program) & HEAVY
