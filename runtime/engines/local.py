"""This machine: supervised worker processes, each bound to cores of its own.

Two workers on two cores, each bound to a core of its own, beat one worker with two threads on the
small programs of this field. A place has a worker for stages and one for honest scoring, which
never held a trained model: it gets the packed file, the model's code and the data.
"""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import IO, Any, cast

from lab.runtime import nursery
from lab.runtime.device import LARGE_PAGES, cores, graphics, workers_here
from lab.runtime.engine import Engine, Opening, Said
from lab.runtime.interrupts import undisturbed
from lab.runtime.task import Batch
from lab.spec.catalog import cache_folder

_PATIENCE_SECONDS = 5.0
#: Workers with many short lanes are heard so often, and keep their cores in between.
_SECONDS_BETWEEN_EVENTS = 0.01
#: Bytes of a dead worker's standard error that are kept.
_LAST_WORDS = 4000
_Worker = subprocess.Popen[bytes] | nursery.Forked
#: How an event begins (`lab.runtime.serving`).
_EVENT = b'{"event"'


class Local(Engine):
    """Worker processes on this machine's cores."""

    def __init__(self, opening: Opening) -> None:
        places, each = workers_here(opening.widest, opening.jobs, opening.devices), opening.devices
        self._slots = [
            _Slot(cores, graphics()[i * each : (i + 1) * each])
            for i, cores in enumerate(_core_sets(places))
        ]
        self._heard = 0.0

    @property
    def places(self) -> int:
        """One for each worker process that may be at work."""
        return len(self._slots)

    def start(self, place: int, batch: Batch) -> None:
        """Hand a worker its batch."""
        self._slots[place].start(batch)

    def events(self) -> list[tuple[int, Said]]:
        """What the busy workers have to say; waits a second at most for the first."""
        time.sleep(max(0.0, self._heard + _SECONDS_BETWEEN_EVENTS - time.monotonic()))
        by_handle = {slot.reader().handle: i for i, slot in enumerate(self._slots) if slot.is_busy}
        ready, _, _ = select.select(list(by_handle), [], [], 1.0)
        self._heard = time.monotonic()
        found: list[tuple[int, Said]] = []
        for handle in ready:
            slot = self._slots[by_handle[handle]]
            said, ended = slot.reader().read()
            found.extend((by_handle[handle], one) for one in said)
            if any(one["event"] == "idle" for one in said):
                slot.is_busy = False
            elif ended and not slot.begin_again():
                found.append((by_handle[handle], slot.died()))
        return found

    def stop(self) -> None:
        """End the workers."""
        for slot in self._slots:
            slot.ask_to_end()
        for slot in self._slots:
            slot.end()


def _core_sets(workers: int) -> list[Sequence[int] | None]:
    """A share of the cores for each worker, None where processes cannot be bound to cores."""
    can_bind = hasattr(os, "sched_setaffinity")
    return [cores()[i::workers] if can_bind else None for i in range(workers)]


class _Slot:
    """A set of cores and devices, with a worker for stages and one for honest scoring."""

    def __init__(self, cores: Sequence[int] | None, graphics: Sequence[str]) -> None:
        self.cores = cores
        self.graphics = graphics
        self.is_busy = False
        self._fresh = False
        self._batch: Batch | None = None
        self._workers: dict[bool, _Worker] = {}
        self._readers: dict[bool, _Lines] = {}

    def start(self, batch: Batch) -> None:
        """Give the slot a batch."""
        worker = self._worker(batch.fresh)
        self._fresh, self.is_busy, self._batch = batch.fresh, True, batch
        try:
            _pipe(worker.stdin).write(batch.to_json().encode() + b"\n")
            _pipe(worker.stdin).flush()
        except BrokenPipeError:
            pass  # The worker is dead: reading its output says so.

    def reader(self) -> "_Lines":
        """What the worker at work says."""
        return self._readers[self._fresh]

    def begin_again(self) -> bool:
        """Give the batch to a worker begun from nothing, where a fork never came to be."""
        worker = self._workers[self._fresh]
        if isinstance(worker, subprocess.Popen) or worker.has_begun or self._batch is None:
            return False
        nursery.give_up()
        self._forget(self._fresh)
        self.start(self._batch)
        return True

    def died(self) -> Said:
        """The worker at work is gone: what to record."""
        self.is_busy = False
        code = self._workers[self._fresh].wait()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        message = f"the worker process ended with {how}; signal 9 often means out of memory"
        said = {"event": "died", "message": message, "traceback": self.reader().complaints()}
        self._forget(self._fresh)
        return said

    def ask_to_end(self) -> None:
        """Close the workers' input, at which they end."""
        for worker in self._workers.values():
            with suppress(BrokenPipeError):  # It is dead, and never read what it was given.
                _pipe(worker.stdin).close()

    def end(self) -> None:
        """Wait for the workers to end, and kill those that don't."""
        for worker in self._workers.values():
            if isinstance(worker, nursery.Forked) and not worker.has_begun:
                worker.kill()  # It would hear of its end only when all is imported.
            try:
                worker.wait(_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        for fresh in tuple(self._workers):
            self._forget(fresh)
        self.is_busy = False

    def _forget(self, fresh: bool) -> None:
        """A worker has ended: close what connected us."""
        worker = self._workers.pop(fresh)
        with suppress(BrokenPipeError):
            _pipe(worker.stdin).close()
        _pipe(worker.stdout).close()
        self._readers.pop(fresh).close()

    def _worker(self, fresh: bool) -> _Worker:
        worker = self._workers.get(fresh)
        if worker is not None and worker.poll() is not None:
            self._forget(fresh)
            worker = None
        if worker is None:
            complaints = tempfile.TemporaryFile()  # noqa: SIM115 - as long-lived as the worker
            with undisturbed():
                worker = self._workers[fresh] = _begun(self, complaints)
                self._readers[fresh] = _Lines(_pipe(worker.stdout).fileno(), complaints)
        return worker


class _Lines:
    """Whole lines from a pipe as they come: `select` knows nothing of a text wrapper's buffer."""

    def __init__(self, handle: int, complaints: IO[bytes]) -> None:
        self.handle = handle
        self._complaints = complaints
        self._rest = b""

    def read(self) -> tuple[list[Said], bool]:
        """What was said until now, and whether the pipe has ended. Blocks for the first."""
        chunk = os.read(self.handle, 1 << 20)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [said for line in lines if (said := _event_in(line))], not chunk

    def complaints(self) -> str:
        """The end of what the worker wrote to standard error."""
        size = self._complaints.seek(0, os.SEEK_END)
        self._complaints.seek(max(0, size - _LAST_WORDS))
        return self._complaints.read().decode(errors="replace")

    def close(self) -> None:
        """Nobody asks any more."""
        self._complaints.close()


def _event_in(line: bytes) -> Said | None:
    """The event in a line, None where something else than the worker wrote it.

    What a library prints before the worker has standard output to itself may end without a line
    feed: an event is looked for behind it.
    """
    begin = line.find(_EVENT)
    try:
        # As text: of bytes, the encoding would be guessed for every line.
        said: Any = json.loads(line[max(begin, 0) :].decode("utf-8", "replace"))
    except ValueError:
        return None
    return cast(Said, said) if isinstance(said, dict) and "event" in said else None


def _pipe(pipe: Any) -> Any:
    if pipe is None:
        raise TypeError("a worker has pipes")
    return pipe


def _begun(slot: _Slot, complaints: IO[bytes]) -> _Worker:
    environment = {
        **LARGE_PAGES,
        **os.environ,
        "LAB_COMPILATION_CACHE": str(cache_folder() / "programs"),
    }
    if slot.graphics:
        environment["CUDA_VISIBLE_DEVICES"] = ",".join(slot.graphics)
    worker = nursery.forked(environment, slot.cores, complaints) if slot.cores else None
    if worker is not None:
        return worker
    command = [sys.executable, "-m", "lab.runtime.worker"]
    if slot.cores is not None:
        command.append(",".join(map(str, slot.cores)))
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=complaints,
        env=environment,
        # Ctrl-C is for this process to handle; it ends its workers itself.
        start_new_session=True,
    )
