"""Every Python block of the README and the docs runs, in the order of its page."""

import re
import warnings
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")])
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[str]:
    """The page's Python blocks, each with blank lines before it so that errors tell its line."""
    text = page.read_text()
    return ["\n" * text[: m.start(1)].count("\n") + m[1] for m in BLOCK.finditer(text)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_python_of_a_page_runs(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # what a page writes is not left behind
    space: dict[str, Any] = {"__name__": "page"}
    for block in blocks(page):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            exec(compile(block, str(page), "exec"), space)


def test_a_block_that_fails_would_be_seen(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "text\n\n```python\nx = 1\n```\n\n```\nnot python\n```\n```python\nx / 0\n```\n"
    )
    first, second = blocks(page)
    space: dict[str, Any] = {}
    exec(first, space)
    with pytest.raises(ZeroDivisionError):
        exec(second, space)
