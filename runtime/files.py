"""Files that are whole or absent: written beside their place, synced, renamed."""

import ctypes
import hashlib
import json
import os
import shutil
import socket
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

#: From so many files on, one call for the whole file system costs less than one for each.
_MANY = 8
_SMALL_BYTES = 1 << 16


def unfinished(path: Path, number: int | None = None) -> Path:
    """Where a file or folder is while it is written: hidden beside its place, and whose it is.

    `number` is that of the process, this one's by itself.
    """
    return path.with_name(f".{path.name}.{_machine()}-{number or os.getpid()}.part")


def write_atomically(path: Path, content: bytes) -> None:
    """Put `content` at `path`, so that a crash leaves the old file or the new one, never a part."""
    beside = unfinished(path)
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    sync_folder(path.parent)


def json_by_line(entries: Mapping[str, Any], **options: Any) -> bytes:
    """JSON with a line for each entry, to be read; indented throughout, it would take far longer.

    `options` are of `json.dumps`.
    """
    lines = (f" {json.dumps(k, **options)}: {json.dumps(v, **options)}" for k, v in entries.items())
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def read_at_once(path: str) -> bytes:
    """A small file, in a single read: what is looked at for every run, as in `/proc`.

    A Python file asks the system six more questions.
    """
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(handle, _SMALL_BYTES)
    finally:
        os.close(handle)


def clear_parts(folder: Path, name: str = "*") -> None:
    """Remove what processes of this machine that were killed had begun to write into a folder.

    `name` is that of the file or folder they wrote, or a pattern. What other machines write, if
    they have the folder too, is left alone.
    """
    for path in folder.glob(f".{name}.{_machine()}-*.part"):
        number = path.stem.rpartition("-")[2]
        if not number.isdigit() or _runs(int(number)):
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


@cache
def _machine() -> str:
    """Wherever numbers of processes are those that this process sees: a machine, or container."""
    try:
        namespace = str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        namespace = ""
    return hashlib.sha256(f"{socket.gethostname()} {namespace}".encode()).hexdigest()[:8]


def _runs(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def sha256(path: Path | str) -> str:
    """Checksum of a file, in hexadecimal."""
    with open(path, "rb") as file:  # noqa: PTH123 - either kind
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path | str) -> None:
    """Make renames within a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_files(paths: Iterable[Path | str]) -> None:
    """Make the content of files and folders durable, which must be on one file system."""
    listed = list(paths)
    if len(listed) >= _MANY and _synced_together(listed[0]):
        return
    for path in listed:
        sync_folder(path)


def _synced_together(path: Path | str) -> bool:
    syncfs = _syncfs()
    if syncfs is None:
        return False
    handle = os.open(path, os.O_RDONLY)
    try:
        return syncfs(handle) == 0
    finally:
        os.close(handle)


@cache
def _syncfs() -> Any:
    """Linux' call that syncs a file system; other systems have none."""
    return getattr(ctypes.CDLL(None), "syncfs", None)
