"""Leases: two processes on one store share its work, and do no stage twice.

A file `leases/<owner>` has the keys that an owner holds, one a line. All changes of leases happen
under one lock of the folder, which the system takes back from a process that dies. What a dead
owner (`lab.runtime.owners`) holds is anybody's. Should an owner that was thought dead come back,
both do the stage, the first commit stays, and the results are the same bits.
"""

import errno
import fcntl
import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path

from lab.runtime.errors import LabError
from lab.runtime.owners import Owner, Watch

FOLDER = "leases"
_LOCK = ".lock"


class Leases:
    """The leases of one process on a store."""

    def __init__(self, root: Path, owner: Owner) -> None:
        self._folder = root / FOLDER
        self._folder.mkdir(parents=True, exist_ok=True)
        self._owner = owner
        self._watch = Watch(root)
        self._ours: set[str] = set()

    def take(self, keys: Iterable[str]) -> frozenset[str]:
        """The keys that are ours from now on: those that nobody alive has."""
        wanted = {key for key in keys if key not in self._ours}
        if wanted:
            with _locked(self._folder):
                wanted -= self._held_by_others(wanted)
                self._write(self._read(self._owner.identity) | wanted)
        self._ours |= wanted
        return frozenset(wanted)

    def release(self, keys: Iterable[str]) -> None:
        """Give keys back."""
        given = self._ours.intersection(keys)
        if given:
            with _locked(self._folder):
                self._write(self._read(self._owner.identity) - given)
        self._ours -= given

    def close(self) -> None:
        """Give everything back."""
        self.release(tuple(self._ours))

    def _held_by_others(self, wanted: set[str]) -> set[str]:
        held: set[str] = set()
        for owner in _owners(self._folder):
            theirs = wanted & self._read(owner)
            if theirs and owner != self._owner.identity and not self._watch.is_dead(owner):
                held |= theirs
        return held

    def _read(self, owner: str) -> set[str]:
        return set(_keys(self._folder / owner))

    def _write(self, keys: set[str]) -> None:
        path = self._folder / self._owner.identity
        if not keys:
            path.unlink(missing_ok=True)
            return
        beside = path.with_name(f".{path.name}")
        beside.write_text("".join(f"{key}\n" for key in keys), encoding="ascii")
        beside.replace(path)


def forget_dead(root: Path, watch: Watch) -> None:
    """Remove the leases of owners that are dead: of what they stored, nobody would ask again."""
    folder = root / FOLDER
    owners = [path.name.removeprefix(".") for path in folder.glob("*") if path.name != _LOCK]
    if not owners:
        return
    with _locked(folder):
        for owner in owners:
            if watch.is_dead(owner):
                (folder / owner).unlink(missing_ok=True)
                (folder / f".{owner}").unlink(missing_ok=True)


def leases_in(root: Path) -> dict[str, str]:
    """Keys that somebody alive is at work on, and who."""
    watch, folder = Watch(root), root / FOLDER
    return {
        key: watch.name(owner)
        for owner in _owners(folder)
        if not watch.is_dead(owner)
        for key in _keys(folder / owner)
    }


def _owners(folder: Path) -> list[str]:
    try:
        return [path.name for path in folder.iterdir() if path.name[0] != "."]
    except FileNotFoundError:
        return []


def _keys(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines()
    except FileNotFoundError:
        return []


@contextmanager
def _locked(folder: Path) -> Generator[None]:
    handle = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT, 0o666)
    try:
        _lock(handle, folder)
        yield
    finally:
        os.close(handle)


def _lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno in {errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS}:
            raise LabError(
                f"the file system of {folder} has no locks, without which two runs could do a "
                "stage twice: name another folder with --results"
            ) from error
        raise
