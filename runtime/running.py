"""What a process is at, for others to read: `lab status` in another shell.

A file `running/<owner>` in the store, rewritten about once a second while the process works. It is
a note and no truth: losing it loses nothing, and it counts only while its owner lives.
"""

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from lab.runtime.owners import Watch

FOLDER = "running"
_SECONDS_BETWEEN_NOTES = 1.0


@dataclass
class Active:
    """A node at work: how far it is, where it says so."""

    key: str
    label: str
    since: float
    step: int | None = None
    total: int | None = None
    values: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass
class Running:
    """An execution: how much there is, how much is over, and what is at work. Times are seconds
    since 1970, for people to read."""

    study: str
    total: int
    began: float
    done: int = 0
    failed: int = 0
    active: dict[str, Active] = field(default_factory=dict[str, Active])
    process: str = ""


class Notes:
    """Keeps the note of one execution up to date."""

    def __init__(self, root: Path, identity: str, study: str, total: int) -> None:
        self.state = Running(study, total, time.time())
        self._path = root / FOLDER / identity
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._last = 0.0

    def started(self, key: str, label: str) -> None:
        """A node begins."""
        self.state.active[key] = Active(key, label, time.time())
        self._write()

    def advanced(self, key: str, said: Mapping[str, Any]) -> None:
        """A node says how far it is."""
        active = self.state.active.get(key)
        if active is not None:
            active.step, active.total, active.values = said["step"], said["total"], said["values"]
        self._write()

    def ended(self, key: str, *, worked: bool) -> None:
        """A node is over."""
        self.state.active.pop(key, None)
        self.state.done += worked
        self.state.failed += not worked
        self._write()

    def close(self) -> None:
        """Nothing is at work any more."""
        self._path.unlink(missing_ok=True)
        self._path.with_name(f".{self._path.name}").unlink(missing_ok=True)

    def _write(self) -> None:
        now = time.monotonic()
        if now - self._last < _SECONDS_BETWEEN_NOTES:
            return
        self._last = now
        beside = self._path.with_name(f".{self._path.name}")
        try:
            beside.write_text(json.dumps(asdict(self.state)), encoding="utf-8")
            beside.replace(self._path)
        except OSError:
            pass  # A note that cannot be written costs a look at it, not a run.


def forget_dead(root: Path, watch: Watch) -> None:
    """Remove the notes of processes that are dead."""
    for path in (root / FOLDER).glob("*"):
        if watch.is_dead(path.name.removeprefix(".")):
            path.unlink(missing_ok=True)


def running_in(root: Path) -> list[Running]:
    """What processes that live are at, on a store."""
    watch = Watch(root)
    found: list[Running] = []
    for path in sorted((root / FOLDER).glob("[!.]*")):
        if watch.is_dead(path.name):
            continue
        try:
            said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            state = Running(**said)
            state.active = {key: Active(**one) for key, one in said["active"].items()}
            state.process = watch.name(path.name)
            found.append(state)
        except (OSError, ValueError, TypeError, KeyError):
            continue  # It was being removed, or another version wrote it.
    return found
