"""Batches and events as files in a folder of the store, for workers on whatever machine.

A worker that is reached through a folder reads its batch from one file and appends what happens to
another. The folder belongs to an owner (`lab.runtime.owners`): it is removed with what the dead
leave behind, and a worker whose owner is dead ends itself.
"""

import json
import os
import shutil
import signal
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

from lab.runtime.files import write_atomically
from lab.runtime.owners import BEAT_SECONDS, Owner, Watch
from lab.runtime.store import SCRATCH
from lab.runtime.task import Batch, Task, batch_from_json
from lab.spec.catalog import cache_folder


@dataclass(frozen=True)
class Posted:
    """A batch in a mailbox. Always holds: `events` has whole lines, but for the last one."""

    folder: Path
    number: int

    @property
    def batch(self) -> Path:
        """The file with the batch, as JSON."""
        return self.folder / f"{self.number}.batch"

    @property
    def events(self) -> Path:
        """The file with a line of JSON for everything that happened."""
        return self.folder / f"{self.number}.events"

    @property
    def process(self) -> Path:
        """The file with the number of the process that is at it, on whatever machine that is."""
        return self.folder / f"{self.number}.process"

    @property
    def owner(self) -> str:
        """Who wants it done: without that process nobody does."""
        return self.folder.name.rpartition("-")[2]

    @property
    def root(self) -> Path:
        """The store's folder."""
        return self.folder.parent


class Mailbox:
    """The mailbox of one engine."""

    def __init__(self, root: Path) -> None:
        root = root.absolute()
        self._owner = Owner(root)
        self.folder = root / f"{SCRATCH}batches-{self._owner.identity}"
        self.folder.mkdir()
        self._count = 0

    def post(self, batch: Batch) -> "Correspondence":
        """Put a batch where its worker will look for it."""
        self._count += 1
        posted = Posted(self.folder, self._count)
        write_atomically(posted.batch, batch.to_json().encode())
        return Correspondence(posted)

    def kill(self) -> None:
        """End the processes that are at its batches. They must be of this machine."""
        for path in self.folder.glob("*.process"):
            with suppress(ProcessLookupError, ValueError):
                os.kill(int(path.read_text(encoding="ascii")), signal.SIGKILL)

    def close(self) -> None:
        """Remove it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self._owner.leave()


class Correspondence:
    """A batch that was posted, and what was heard of it so far."""

    def __init__(self, posted: Posted) -> None:
        self.posted = posted
        self.is_over = False
        #: Bytes that were heard.
        self.heard = 0

    def news(self) -> list[Mapping[str, Any]]:
        """What has happened since the last look."""
        try:
            # Opened anew each time: only then does a network's file system look for what is new.
            with self.posted.events.open("rb") as file:
                file.seek(self.heard)
                whole, feed, _ = file.read().rpartition(b"\n")
        except FileNotFoundError:
            return []
        self.heard += len(whole + feed)
        said: list[Mapping[str, Any]] = [json.loads(line) for line in whole.split(b"\n") if line]
        self.is_over = self.is_over or any(one["event"] == "idle" for one in said)
        return said

    def forget(self) -> None:
        """Remove its files."""
        self.posted.batch.unlink(missing_ok=True)
        self.posted.events.unlink(missing_ok=True)
        self.posted.process.unlink(missing_ok=True)


def attend(posted: Posted) -> None:
    """Do a batch of a mailbox in this process, as far as it is not done yet.

    A process that was ended on the way goes on so where it is begun again: with the task it was at,
    from its checkpoint.
    """
    posted.process.write_text(str(os.getpid()), encoding="ascii")
    _end_with_owner(posted.root, posted.owner)
    os.environ.setdefault("LAB_COMPILATION_CACHE", str(cache_folder() / "programs"))
    from lab.runtime.serving import configure, serve

    configure()
    batch = batch_from_json(posted.batch.read_text(encoding="utf-8"))
    left = _left(batch, posted)
    send = _appender(posted.events)
    if left:
        serve(replace(batch, tasks=left), send)
    else:
        send({"event": "idle"})


def _left(batch: Batch, posted: Posted) -> tuple[Task, ...]:
    """What nothing has come of; half a line and half a result of a process that was ended go."""
    heard = Correspondence(posted)
    said = heard.news()
    if posted.events.exists():
        os.truncate(posted.events, heard.heard)
    ended = {one["key"] for one in said if one["event"] in {"done", "failed", "returned"}}
    begun = {one["key"] for one in said if one["event"] == "started"} - ended
    for task in batch.tasks:
        if task.key in begun:
            shutil.rmtree(task.output)
            Path(task.output).mkdir()
    return tuple(task for task in batch.tasks if task.key not in ended)


def _appender(events: Path) -> Callable[[Mapping[str, Any]], None]:
    """Says events as lines, whole ones whichever thread says them."""
    lock = threading.Lock()

    def send(event: Mapping[str, Any]) -> None:
        # Closed each time: only then does a network's file system show it to others.
        with lock, events.open("a", encoding="utf-8") as file:
            file.write(json.dumps(event) + "\n")

    return send


@cache
def _end_with_owner(root: Path, owner: str) -> None:
    """See to it that this process ends soon after the one that wants its work."""

    def watch() -> None:
        seen = Watch(root)
        while not seen.is_dead(owner):
            time.sleep(BEAT_SECONDS / 2)
        os._exit(0)

    threading.Thread(target=watch, daemon=True, name="owner").start()
