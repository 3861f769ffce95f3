"""``--config FILE.toml``: keys are the options' names, and what the command line says wins."""

import tomllib
from pathlib import Path
from typing import Any

import typer

from clearprop.errors import FileError, unknown

__all__ = ["Config"]


def _load(context: typer.Context, path: Path | None) -> Path | None:
    """Puts the file's values where the command looks for defaults."""
    if path is None or context.resilient_parsing:
        return path
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise FileError(f"no such file: {path}") from error
    except OSError as error:
        raise FileError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise FileError(f"{path} is not a TOML file: {error}") from error
    known = [p.name for p in context.command.params if p.name not in ("config", "help")]
    defaults = {}
    for key, value in data.items():
        name = key.replace("-", "_")
        if name not in known:
            wrong = unknown("option", key, [str(k).replace("_", "-") for k in known])
            raise FileError(f"{path}: {wrong}")
        defaults[name] = _as_typed(value)
    context.default_map = {**(context.default_map or {}), **defaults}
    return path


def _as_typed(value: Any) -> Any:
    """A list as it would be typed: [64, 32] is 64,32."""
    return ",".join(map(str, value)) if isinstance(value, list) else value


Config = typer.Option(
    "--config",
    callback=_load,
    is_eager=True,
    metavar="FILE.toml",
    help="Options from a file: its keys are their names; the command line wins.",
)
"""The option that a command with a config file has."""
