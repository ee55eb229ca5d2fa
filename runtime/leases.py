"""Leases: two processes on one store share its work, and do no stage twice.

A lease is a file `leases/<key>` that names its owner. All changes of leases happen under one lock
of the folder, which the system takes back from a process that dies. A lease of a dead owner
(`lab.runtime.owners`) is anybody's. Should an owner that was thought dead come back, both do the
stage, the first commit stays, and the results are the same bits.
"""

import errno
import fcntl
import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
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
        wanted = [key for key in keys if key not in self._ours]
        taken: set[str] = set()
        if wanted:
            with _locked(self._folder):
                for key in wanted:
                    if self._is_free(key):
                        (self._folder / key).write_text(self._owner.identity, encoding="ascii")
                        taken.add(key)
        self._ours |= taken
        return frozenset(taken)

    def release(self, keys: Iterable[str]) -> None:
        """Give keys back."""
        given = [key for key in keys if key in self._ours]
        if given:
            with _locked(self._folder):
                for key in given:
                    if self._holder(key) == self._owner.identity:
                        (self._folder / key).unlink(missing_ok=True)
        self._ours.difference_update(given)

    def holder(self, key: str) -> str | None:
        """Who alive has a key, in words, None if nobody."""
        holder = self._holder(key)
        if holder is None or self._watch.is_dead(holder):
            return None
        return self._watch.name(holder)

    def close(self) -> None:
        """Give everything back."""
        self.release(tuple(self._ours))

    def _is_free(self, key: str) -> bool:
        holder = self._holder(key)
        return holder is None or holder == self._owner.identity or self._watch.is_dead(holder)

    def _holder(self, key: str) -> str | None:
        try:
            text = (self._folder / key).read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            return None
        # A process killed while it wrote leaves an empty lease, which is nobody's.
        return text or None


def forget_dead(root: Path, watch: Watch) -> None:
    """Remove the leases of owners that are dead: of what they stored, nobody would ask again."""
    folder = root / FOLDER
    keys = [path.name for path in folder.glob("[!.]*")]
    if not keys:
        return
    with _locked(folder):
        for key in keys:
            with suppress(FileNotFoundError):
                holder = (folder / key).read_text(encoding="ascii", errors="replace")
                if not holder or watch.is_dead(holder):
                    (folder / key).unlink()


def leases_in(root: Path) -> dict[str, str]:
    """Keys that somebody alive is at work on, and who."""
    watch = Watch(root)
    found: dict[str, str] = {}
    try:
        names = [path.name for path in (root / FOLDER).iterdir() if path.name[0] != "."]
    except FileNotFoundError:
        return {}
    for key in names:
        try:
            holder = (root / FOLDER / key).read_text(encoding="ascii", errors="replace")
        except FileNotFoundError:
            continue
        if holder and not watch.is_dead(holder):
            found[key] = watch.name(holder)
    return found


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
