"""Reading a table from what a person names: a file, standard input or a built-in data set."""

import difflib
import os
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np

from clearprop.errors import DataError, FileError
from clearprop.train.prepare.builtin import BUILTIN, builtin
from clearprop.train.prepare.csv_text import table_from_csv
from clearprop.train.prepare.frames import table_from_arrays, table_from_frame
from clearprop.train.prepare.table import Table

__all__ = ["read_table"]


def read_table(source: str | os.PathLike[str]) -> Table:
    """The table in a .csv, .tsv, .parquet or .npz file, ``-`` (standard input) or a built-in one.

    A name that is built in is taken as that; write ``./iris`` for a file of that name.
    """
    name = os.fspath(source)
    if name in BUILTIN:
        return builtin(name)
    if name == "-":
        return table_from_csv(sys.stdin.buffer.read(), "standard input")
    path = Path(name)
    if path.is_dir():
        raise FileError(f"{name} is a folder; expected a file")
    reader = _READERS.get(path.suffix.lower())
    if not path.exists():
        raise FileError(_no_such_file(name))
    if reader is None:
        raise FileError(
            f"{name} is of no known kind {path.suffix!r}; expected .csv, .tsv, .parquet or .npz"
        )
    try:
        return reader(path)
    except OSError as error:
        raise FileError(f"cannot read {name}: {error.strerror or error}") from error


def _no_such_file(name: str) -> str:
    near = difflib.get_close_matches(name, BUILTIN, n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]!r}?" if near else "."
    return f"no such file: {name}{hint} Built-in data sets: {', '.join(BUILTIN)}"


def _csv(path: Path) -> Table:
    return table_from_csv(path.read_bytes(), path.name)


def _tsv(path: Path) -> Table:
    return table_from_csv(path.read_bytes(), path.name, "\t")


def _parquet(path: Path) -> Table:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError as error:
        raise FileError(
            f"reading {path.name} needs pyarrow: run pip install 'clearprop[parquet]'"
        ) from error
    try:
        frame = parquet.read_table(path)
    except ArrowException as error:
        raise FileError(f"{path.name} is not a Parquet file, or is damaged") from error
    return table_from_frame(frame, path.name)


def _npz(path: Path) -> Table:
    """X and y of a NumPy archive; pickled objects are refused, so nothing in it is executed."""
    try:
        # opened here: NumPy leaves a file that it cannot read open
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
    except (ValueError, EOFError, AttributeError, zipfile.BadZipFile) as error:
        raise FileError(
            f"{path.name} is not an .npz file of plain arrays, or is damaged; "
            f"expected one written by numpy.savez(path, X=X, y=y)"
        ) from error
    if "X" not in arrays:
        held = ", ".join(arrays) or "nothing"
        raise DataError(f"{path.name} holds {held}; expected arrays X and y")
    return table_from_arrays(arrays["X"], arrays.get("y"), source=path.name)


_READERS: dict[str, Callable[[Path], Table]] = {
    ".csv": _csv,
    ".tsv": _tsv,
    ".parquet": _parquet,
    ".npz": _npz,
}
