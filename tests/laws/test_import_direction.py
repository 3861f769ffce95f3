"""Imports go down only, as the house in DESIGN.md is drawn."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import clearprop

ROOT = Path(clearprop.__file__).parent

SIBLINGS = {"nn", "optim", "transform", "readings"}
BELOW: dict[str, set[str]] = {
    "errors": set(),
    "nodes": {"errors"},
    **{part: {"nodes", "errors"} for part in SIBLINGS},
    "train": {"nodes", "errors", *SIBLINGS},
    "explain": {"nodes", "errors", *SIBLINGS, "train"},
    "diagnose": {"nodes", "errors", *SIBLINGS, "train"},
    "faces": {"nodes", "errors", *SIBLINGS, "train", "explain", "diagnose"},
    "graph": {"nodes", "errors", *SIBLINGS},
    "__main__": {"faces"},
}
HEAVY = {"llvmlite", "scipy", "sklearn", "rich", "typer", "safetensors", "narwhals", "pyarrow"}
READINGS = {"reference", "source", "llvm", "latex", "picture"}


def files() -> list[Path]:
    return sorted(p for p in ROOT.rglob("*.py") if p != ROOT / "__init__.py")


def imports(tree: ast.AST) -> Iterator[str]:
    for here in ast.walk(tree):
        if isinstance(here, ast.Import):
            yield from (alias.name for alias in here.names)
        elif isinstance(here, ast.ImportFrom):
            assert here.level == 0, "imports are absolute, so that their direction can be read"
            module = here.module or ""
            yield module
            yield from (f"{module}.{alias.name}" for alias in here.names)


def part(path: Path) -> str:
    return path.relative_to(ROOT).with_suffix("").parts[0]


def label(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", files(), ids=label)
def test_imports_go_down_only(path: Path) -> None:
    here = part(path)
    allowed = BELOW[here] | {here}
    for name in imports(ast.parse(path.read_text())):
        words = name.split(".")
        if words[0] == "clearprop" and len(words) > 1:
            assert words[1] in allowed, f"{label(path)} imports {name}"


@pytest.mark.parametrize("path", files(), ids=label)
def test_readings_do_not_import_each_other(path: Path) -> None:
    words = path.relative_to(ROOT).with_suffix("").parts
    if words[0] != "readings" or words[1] not in READINGS:
        return
    for name in imports(ast.parse(path.read_text())):
        if name.startswith("clearprop.readings."):
            assert name.split(".")[2] not in READINGS - {words[1]}, f"{label(path)} imports {name}"


def at_the_top(tree: ast.Module) -> Iterator[str]:
    """What is imported when the module is, functions and type checking left out."""
    for here in tree.body:
        checked = isinstance(here, ast.If) and ast.unparse(here.test) == "TYPE_CHECKING"
        if isinstance(here, ast.Import | ast.ImportFrom | ast.If) and not checked:
            yield from imports(here)


@pytest.mark.parametrize("path", [p for p in files() if part(p) != "faces"], ids=label)
def test_heavy_packages_are_imported_where_they_are_first_needed(path: Path) -> None:
    heavy = {name.split(".")[0] for name in at_the_top(ast.parse(path.read_text()))} & HEAVY
    assert not heavy, f"{label(path)} imports {heavy} at its top"
