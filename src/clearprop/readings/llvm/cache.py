"""Compiled loops on disk: one file each, found by its key.

A file is ``MAGIC``, the SHA-256 of all that follows, the length of the metadata (8 bytes, little
end first), the metadata as JSON, the object file. The sum is looked at first, since a torn object
would crash the loader; a file that is not right is as good as none and is written anew.

What is loaded is run, so the folder must be the user's own and closed to the writing of others.
Files are written under another name and moved in place, so that processes may do it at the same
time. No error of the disk is one of training: what cannot be kept is compiled again.
`CLEARPROP_CACHE` names another folder; empty or 0 turns the cache off.
"""

import contextlib
import hashlib
import json
import os
import stat
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["CACHE", "LIMIT", "MAGIC", "Kept", "folder", "read", "why_off", "write"]

CACHE = "CLEARPROP_CACHE"
"""The environment variable that names the folder."""
LIMIT = 256 << 20
"""Bytes that the folder may hold; what was used longest ago goes first."""
MAGIC = b"clearprop loop 1\n"
_SUM = hashlib.sha256().digest_size
_ENDING = ".loop"
_UNFINISHED = ".part"
_HOUR = 3600.0


@dataclass(frozen=True)
class Kept:
    """An object file and what must be known of it."""

    metadata: Any
    data: bytes


def folder() -> Path | None:
    """Where files are kept, whether it is there or not; None: the cache is turned off."""
    told = os.environ.get(CACHE)
    if told is not None:
        return Path(told) if told not in ("", "0") else None
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        return Path(base).expanduser() / "clearprop"
    except RuntimeError:  # no home
        return None


def why_off() -> str | None:
    """Why nothing is kept on disk; None where it is."""
    place = folder()
    if place is None:
        return f"{CACHE} turns the cache off, or there is no home to keep it in"
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = place.stat()
    except OSError as error:
        return f"{place}: {error.strerror or error}"
    if hasattr(os, "geteuid") and found.st_uid != os.geteuid():
        return f"{place} belongs to another user"
    if os.name == "posix" and stat.S_IMODE(found.st_mode) & 0o022:
        return f"{place} may be written to by others; chmod 700 it"
    return None


def read(key: str) -> Kept | None:
    """What is kept under a key, if it is there and whole."""
    place = folder()
    if place is None or why_off() is not None:
        return None
    path = place / (key + _ENDING)
    try:
        kept = _unpacked(path.read_bytes(), key)
    except OSError:
        return None
    if kept is not None:
        with contextlib.suppress(OSError):
            os.utime(path)  # many disks do not note that a file is read
    return kept


def write(key: str, kept: Kept) -> None:
    """Keep it under a key, where the disk allows."""
    place = folder()
    if place is None or why_off() is not None:
        return
    with contextlib.suppress(OSError):
        _replace(place, key + _ENDING, _packed(kept, key))
        _trim(place)


def _packed(kept: Kept, key: str) -> bytes:
    metadata = json.dumps({"key": key, "metadata": kept.metadata}).encode()
    payload = len(metadata).to_bytes(8, "little") + metadata + kept.data
    return MAGIC + hashlib.sha256(payload).digest() + payload


def _unpacked(found: bytes, key: str) -> Kept | None:
    head = len(MAGIC) + _SUM
    payload = memoryview(found)[head:]
    if not found.startswith(MAGIC) or len(found) < head + 8:
        return None
    if hashlib.sha256(payload).digest() != found[len(MAGIC) : head]:
        return None
    end = 8 + int.from_bytes(payload[:8], "little")
    try:
        told = json.loads(bytes(payload[8:end]))
        return Kept(told["metadata"], bytes(payload[end:])) if told["key"] == key else None
    except (ValueError, KeyError, TypeError):
        return None


def _replace(place: Path, name: str, data: bytes) -> None:
    """Write a file whole or not at all."""
    handle, unfinished = tempfile.mkstemp(suffix=_UNFINISHED, dir=place)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(unfinished, place / name)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(unfinished)
        raise


def _trim(place: Path) -> None:
    """Remove what was used longest ago beyond the limit, and what was never finished."""
    found, total = [], 0
    with os.scandir(place) as entries:
        for entry in entries:
            told = entry.stat(follow_symlinks=False)
            if entry.name.endswith(_ENDING):
                found.append((told.st_mtime, told.st_size, entry.path))
                total += told.st_size
            elif entry.name.endswith(_UNFINISHED) and told.st_mtime < time.time() - _HOUR:
                _remove(entry.path)
    for _, size, path in sorted(found):
        if total <= LIMIT:
            return
        _remove(path)
        total -= size


def _remove(path: str) -> None:
    with contextlib.suppress(OSError):  # another process was first
        os.unlink(path)
