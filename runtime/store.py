"""What stages made, by key: whole or absent.

A stage writes into a scratch folder; committing syncs its files, adds a record with checksums, and
renames the folder to the key. A killed process leaves a scratch folder and nothing else; the
next process that finds its owner dead removes it.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, cast

from lab.runtime import checkpoints, leases, running
from lab.runtime.errors import CorruptFile, LabError
from lab.runtime.files import (
    clear_parts,
    sha256,
    sync_files,
    sync_folder,
    write_atomically,
)
from lab.runtime.layout import (
    FAILURES,
    RECORD,
    SCHEMA,
    VERSION,
    check_version,
    keys_in,
)
from lab.runtime.owners import Owner, Watch

LOGS = "logs"
SCRATCH = ".tmp-"
_KEY_LENGTH = 32
_CHECKSUM = "checksum"
#: Bytes of what a failed stage printed that its failure quotes.
_LAST_WORDS = 4000
#: What every record has, whatever made it.
_PARTS = ("values", "files")


@dataclass(frozen=True)
class Made:
    """A stage that is done: its key, the scratch folder with its files, and its record."""

    key: str
    scratch: Path
    record: Mapping[str, Any]


class Places(NamedTuple):
    """A stage's scratch folder, the file for what it prints, and the folder of its checkpoints."""

    output: str
    log: str
    checkpoints: str


class Store:
    """The folder of stages. Opening it makes it, checks its version, and clears dead scratch."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._absolute = str(root.absolute())
        try:
            root.mkdir(parents=True, exist_ok=True)
            if not (root / VERSION).exists():
                write_atomically(root / VERSION, f"{SCHEMA}\n".encode())
        except OSError as error:
            raise LabError(f"cannot write to the store {root}: {error.strerror}") from error
        check_version(root)
        with suppress(OSError):  # A store that cannot be written to can be read.
            self._clear_dead()

    @cached_property
    def owner(self) -> Owner:
        """This process, as others who use the store see it: who writes to it has to be known."""
        try:
            return Owner(self.root)
        except OSError as error:
            raise LabError(
                f"cannot write to the store {self.root}: {error.strerror}: what is there can be "
                "read (`lab report`, `lab results`); to run more, name another with --results"
            ) from error

    def has(self, key: str) -> bool:
        """Whether a stage is here, whoever made it and when."""
        return os.path.isfile(f"{self.root}/{key}/{RECORD}")  # noqa: PTH113 - asked for every run

    def close(self) -> None:
        """Leave the store to others, with nothing in it that is not done."""
        if "owner" in self.__dict__:
            for folder in self.root.glob(f"{SCRATCH}*-{self.owner.identity}"):
                self.discard(folder)
            self.owner.leave()
            del self.owner

    def keys(self) -> frozenset[str]:
        """Keys of everything that is here."""
        return keys_in(self.root)

    def folder(self, key: str) -> Path:
        """Where a stage's files stand."""
        return self.root / key

    def record(self, key: str) -> dict[str, Any]:
        """The record of a stage. Raises CorruptFile where it cannot be read."""
        path = self.root / key / RECORD
        record = _object_in(path)
        if record is None or not all(isinstance(record.get(name), dict) for name in _PARTS):
            raise CorruptFile(_damaged(path, "cannot be read"))
        if record.pop(_CHECKSUM, None) not in (None, _checksum(record)):
            raise CorruptFile(_damaged(path, "is not what was written"))
        return record

    def verify(self, key: str) -> None:
        """Compare a stage's files with their checksums. Raises CorruptFile."""
        for name, checksum in self.record(key)["files"].items():
            path = self.root / key / name
            if not path.is_file() or sha256(path) != checksum:
                raise CorruptFile(_damaged(path, "is not what was written"))

    def open_scratch(self, key: str) -> Path:
        """An empty folder to write a stage into, to be committed or discarded."""
        return Path(self._open_scratch(key))

    def open(self, key: str) -> Places:
        """Where a stage that is about to be made may write."""
        log = self.place(LOGS, f"{key}.txt")
        return Places(self._open_scratch(key), log, self.place(checkpoints.FOLDER, key))

    def place(self, *parts: str) -> str:
        """A path in the store that holds in any folder.

        A text: for what is asked for every run, a path object costs more than what is done with it.
        """
        return "/".join((self._absolute, *parts))

    def _open_scratch(self, key: str) -> str:
        folder = self.place(f"{SCRATCH}{key}-{self.owner.identity}")
        try:
            os.mkdir(folder)  # noqa: PTH102 - see `place`
        except FileExistsError:
            shutil.rmtree(folder, ignore_errors=True)
            os.mkdir(folder)  # noqa: PTH102 - see `place`
        return folder

    def discard(self, scratch: Path) -> None:
        """Forget a scratch folder."""
        shutil.rmtree(scratch, ignore_errors=True)

    def failure(self, key: str) -> dict[str, Any]:
        """What went wrong with a stage when it was last tried; it is no evidence of anything."""
        found = _object_in(self.root / FAILURES / f"{key}.json") or {}
        return {"cause": "failed", "message": "what failed cannot be read any more", **found}

    def record_failure(self, key: str, record: Mapping[str, Any]) -> None:
        """Keep what went wrong with a stage; a failure is a result too."""
        folder = self.root / FAILURES
        folder.mkdir(exist_ok=True)
        text = json.dumps({**record, "schema": SCHEMA, "key": key}, indent=1)
        write_atomically(folder / f"{key}.json", text.encode())

    def commit(self, key: str, scratch: Path, record: Mapping[str, Any]) -> None:
        """Make a scratch folder the stage `key`, with its record. The first commit stays."""
        self.commit_all([Made(key, scratch, record)])

    def commit_all(self, made: Sequence[Made]) -> None:
        """Commit several stages, for the price of little more than one."""
        written: list[str] = []
        for one in made:
            scratch = str(one.scratch)
            entries = list(os.scandir(scratch))
            files = {entry.name: sha256(entry.path) for entry in entries}
            whole = {**one.record, "schema": SCHEMA, "key": one.key, "files": files}
            with open(f"{scratch}/{RECORD}", "wb") as file:  # noqa: PTH123 - see `place`
                file.write(_text(whole))
            written += *(entry.path for entry in entries), file.name, scratch
        sync_files(written)
        failed = (self.root / FAILURES).exists()
        resumable = (self.root / checkpoints.FOLDER).exists()
        for one in made:
            self._put(one.scratch, one.key)
            if failed:
                (self.root / FAILURES / f"{one.key}.json").unlink(missing_ok=True)
            if resumable:
                self.forget_checkpoints(one.key)
        sync_folder(self.root)

    def checkpoints(self, key: str) -> Path:
        """Where a stage that takes long keeps where it stands, until it is committed."""
        return self.root / checkpoints.FOLDER / key

    def forget_checkpoints(self, key: str) -> None:
        """A stage will not go on from where it stood."""
        shutil.rmtree(self.checkpoints(key), ignore_errors=True)

    def replace_damaged(self, key: str, folder: Path, record: Mapping[str, Any]) -> None:
        """Put a stage that was made again in place of one that is no good any more."""
        (folder / RECORD).unlink()
        if self.folder(key).exists():
            shutil.rmtree(self.folder(key))
        self.commit(key, folder, record)

    def log(self, key: str) -> Path:
        """What was printed while a stage was made, where anything was."""
        return self.root / LOGS / f"{key}.txt"

    def last_words(self, key: str) -> str:
        """The end of what was printed while a stage was made."""
        try:
            with self.log(key).open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - _LAST_WORDS))
                return file.read().decode(errors="replace")
        except FileNotFoundError:
            return ""

    def _put(self, scratch: Path, key: str) -> None:
        try:
            os.rename(scratch, self.place(key))  # noqa: PTH104 - see `place`
        except OSError:
            place = self.root / key
            if (place / RECORD).is_file():
                self.discard(scratch)
                return
            if not place.exists():
                raise
            # What stands there without a record is what is left of a stage, and counts as absent.
            place.unlink() if place.is_file() else shutil.rmtree(place)
            scratch.rename(place)

    def _clear_dead(self) -> None:
        watch = Watch(self.root)
        watch.forget_dead()
        leases.forget_dead(self.root, watch)
        running.forget_dead(self.root, watch)
        clear_parts(self.root)
        for entry in list(os.scandir(self.root)):
            if entry.name.startswith(SCRATCH):
                if watch.is_dead(entry.name.rpartition("-")[2]):
                    shutil.rmtree(entry.path, ignore_errors=True)
            elif len(entry.name) < _KEY_LENGTH and entry.is_dir():
                clear_parts(Path(entry.path))


def _object_in(path: Path) -> dict[str, Any] | None:
    """The JSON object in a file, None where there is none that can be read."""
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return cast(dict[str, Any], found) if isinstance(found, dict) else None


#: A record is encoded once, for its file and for its checksum: a line for each entry, by name.
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",\n", ":"))


def _checksum(record: Mapping[str, Any]) -> str:
    """What a record says of itself, so that a number in it cannot change unnoticed."""
    return _checksum_of(_ENCODER.encode(record))


def _checksum_of(text: str) -> str:
    """Of the text without its line feeds, which stand nowhere but between entries."""
    return hashlib.sha256(text.replace("\n", "").encode()).hexdigest()


def _text(record: Mapping[str, Any]) -> bytes:
    """A record with its checksum."""
    text = _ENCODER.encode(record)
    return f'{text[:-1]},\n"{_CHECKSUM}":"{_checksum_of(text)}"}}\n'.encode()


def _damaged(path: Path, how: str) -> str:
    return f"{path} {how}: remove the folder {path.parent} to have the stage run again"
