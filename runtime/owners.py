"""Who is at work on a store, and who is not alive any more.

An owner is a process with a file `owners/<identity>`: who it is, then a counter that a thread of it
raises every few seconds. No clock is compared with another machine's, so a clock that jumps kills
nobody. An owner is dead when

- it has no file; or
- it is a process of this machine, and no such process runs (a process is named by its number and
  the time at which it started, since numbers are used again); or
- its counter stood still for a minute of this process's own watching.
"""

import atexit
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.runtime.files import write_atomically

FOLDER = "owners"
#: Seconds between two beats of an owner.
BEAT_SECONDS = 5.0
#: Seconds without a beat after which an owner elsewhere counts as dead.
PATIENCE_SECONDS = 60.0
#: Digits of the counter: its place in the file never changes, so a beat needs no room on a disk.
_DIGITS = 16


@dataclass(frozen=True)
class Process:
    """A process among all machines that may share a store."""

    host: str
    boot: str
    namespace: str
    number: int
    started: str

    @property
    def is_of_this_machine(self) -> bool:
        """Whether this process could see it run."""
        here = this_process()
        return (self.host, self.boot, self.namespace) == (here.host, here.boot, here.namespace)

    def runs(self) -> bool:
        """Whether a process of this machine still runs."""
        return _started(self.number) == self.started


def this_process() -> Process:
    """The process that asks."""
    return Process(
        host=socket.gethostname(),
        boot=_line_of("/proc/sys/kernel/random/boot_id"),
        namespace=_link_of("/proc/self/ns/pid"),
        number=os.getpid(),
        started=_started(os.getpid()) or "",
    )


class Owner:
    """This process as an owner: its file stands, and its counter goes up, until it leaves."""

    def __init__(self, root: Path) -> None:
        self.identity = secrets.token_hex(8)
        self._path = root / FOLDER / self.identity
        self._path.parent.mkdir(parents=True, exist_ok=True)
        head = json.dumps(asdict(this_process())) + "\n"
        self._offset = len(head.encode())
        write_atomically(self._path, (head + "0" * _DIGITS + "\n").encode())
        self._file = self._path.open("r+b", buffering=0)
        self._left = threading.Event()
        threading.Thread(target=self._beat, daemon=True, name="heartbeat").start()
        atexit.register(self.leave)

    def leave(self) -> None:
        """Own nothing any more."""
        if not self._left.is_set():
            self._left.set()
            self._path.unlink(missing_ok=True)
            atexit.unregister(self.leave)

    def _beat(self) -> None:
        count = 0
        while not self._left.wait(BEAT_SECONDS):
            count += 1
            os.pwrite(self._file.fileno(), f"{count:0{_DIGITS}}".encode(), self._offset)
        self._file.close()


class Watch:
    """Which owners of a store live, as seen by this process over time."""

    def __init__(self, root: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._root = root / FOLDER
        self._now = now
        self._seen: dict[str, tuple[str, float]] = {}

    def is_dead(self, identity: str) -> bool:
        """Whether an owner is dead; of one elsewhere that is known after watching it only."""
        try:
            head, counter = (self._root / identity).read_text(encoding="utf-8").split("\n")[:2]
            process = Process(**json.loads(head))
        except FileNotFoundError:
            return True
        except (OSError, ValueError, TypeError):
            # A file that cannot be read says as little as a counter that stands still.
            return self._stands_still(identity, "")
        if process.is_of_this_machine and process.started:
            return not process.runs()
        return self._stands_still(identity, counter)

    def forget_dead(self) -> None:
        """Remove the files of owners that are dead."""
        for identity in self.all():
            if self.is_dead(identity):
                (self._root / identity).unlink(missing_ok=True)

    def all(self) -> list[str]:
        """Every owner with a file."""
        try:
            return [path.name for path in self._root.iterdir() if path.name[0] != "."]
        except (FileNotFoundError, NotADirectoryError):
            return []

    def name(self, identity: str) -> str:
        """An owner as a person would say it."""
        try:
            head = (self._root / identity).read_text(encoding="utf-8").split("\n")[0]
            process = Process(**json.loads(head))
        except (OSError, ValueError, TypeError):
            return "a process that is gone"
        where = "here" if process.is_of_this_machine else f"on {process.host}"
        return f"process {process.number} {where}"

    def _stands_still(self, identity: str, counter: str) -> bool:
        now = self._now()
        before, since = self._seen.get(identity, (None, now))
        if counter != before:
            self._seen[identity] = (counter, now)
            return False
        return now - since >= PATIENCE_SECONDS


def _started(number: int) -> str | None:
    """When a process started, in ticks since boot; "" where that cannot be known, None if gone."""
    try:
        text = Path(f"/proc/{number}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return None if Path("/proc/self/stat").exists() else ""
    except OSError:
        return None
    # The command's name is in parentheses and may hold anything, spaces too.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in {"Z", "X"} else fields[19]


def _line_of(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError:
        return ""


def _link_of(path: str) -> str:
    try:
        return str(Path(path).readlink())
    except OSError:
        return ""
