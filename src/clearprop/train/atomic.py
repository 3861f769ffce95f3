"""Writing a file so that nothing is lost: at every moment the name has the old or the new file."""

import contextlib
import os
import secrets
from pathlib import Path

from clearprop.errors import FileError

__all__ = ["write_atomically"]


def write_atomically(path: str | os.PathLike[str], data: bytes) -> None:
    """Writes a temporary file in the same folder, syncs it, renames it and syncs the folder.

    Raises FileError if the place cannot be written; then what was there is untouched.
    """
    target = Path(os.path.realpath(path))
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(6)}.tmp")
    try:
        if target.is_dir():
            raise IsADirectoryError(None, "it is a folder")
        try:
            _write_and_sync(temporary, data)
            os.replace(temporary, target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                temporary.unlink()
        _sync_folder(target.parent)
    except OSError as error:
        raise FileError(f"cannot write {os.fspath(path)}: {error.strerror or error}") from error


def _write_and_sync(path: Path, data: bytes) -> None:
    # opened by number so that the file has the rights of any new file, not those of a private one
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    """Makes the rename last; where folders cannot be opened (Windows) the rename does it alone."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
