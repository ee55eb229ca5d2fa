"""A batch done in this process, whatever engine the process belongs to.

What happens is said as events, each with the `key` of its task: `started`; `progress` with `step`,
`total`, `values`; `done` with the `record`; `failed` with `cause`, `message`, `traceback`; at the
end of the batch `idle`. What a trial leaves to others is `returned`.
"""

import errno
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from lab.runtime.errors import Diverged, LabError
from lab.runtime.task import Batch, Task
from lab.runtime.usage import Sampler

#: Progress events are sent no sooner than this, nor more often.
_SECONDS_BETWEEN_EVENTS = 0.2
#: What a trial does one after another takes about so long, before the rest is returned.
TRIAL_SECONDS = 2.0

#: In XLA_FLAGS, where a person says how many devices a processor is.
_OWN_DEVICES = "xla_force_host_platform_device_count"

Send = Callable[[Mapping[str, Any]], None]


def configure(cores: int = 1) -> None:
    """Set JAX up as every number of `lab` is made: once in a process, before anything else.

    Each of so many cores is a device, so that they can share the batches of a large training.
    """
    import jax

    from lab.runtime import kept_programs
    from lab.runtime.sharding import MOST_CORES

    if cores > 1 and _OWN_DEVICES not in os.environ.get("XLA_FLAGS", ""):
        jax.config.update("jax_num_cpu_devices", min(cores, MOST_CORES))

    jax.config.update("jax_default_matmul_precision", "highest")
    cache_folder = os.environ.get("LAB_COMPILATION_CACHE")
    if cache_folder:
        kept_programs.keep_in(Path(cache_folder))
        jax.config.update("jax_compilation_cache_dir", cache_folder)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def serve(batch: Batch, send: Send) -> None:
    """Do the tasks of a batch in programs that they share: together, or one after another."""
    left = list(_done_together(batch, send) if len(batch.tasks) > 1 else batch.tasks)
    begun = time.monotonic()
    while left:
        _do(left.pop(0), send)
        if batch.trial and time.monotonic() - begun > TRIAL_SECONDS:
            for task in left:
                send({"event": "returned", "key": task.key})
            break
    _empty_files.clear()
    send({"event": "idle"})


def _do(task: Task, send: Send) -> None:
    send({"event": "started", "key": task.key})
    _at_work.now, _at_work.send = task, send
    with _printing_to(task.log):
        ended = _done(task, send)
    with _at_work.lock:
        _at_work.now = None
    send({**ended, "key": task.key})


def _done_together(batch: Batch, send: Send) -> tuple[Task, ...]:
    """Do what is faster together; returns what is not."""
    from lab.runtime.together import serve_lanes

    # Where they exceed the limit on memory, the process ends and none of them is to blame yet.
    ended = _sampler().begin(batch.tasks[0].memory_bytes)

    def say(task: Task, outcome: Mapping[str, Any] | Exception) -> None:
        if isinstance(outcome, Exception):
            said = _failure(outcome)
        else:
            said = {"event": "done", "record": {**outcome, "usage": vars(ended())}}
        send({**said, "key": task.key})

    try:
        return serve_lanes(
            batch,
            say=say,
            started=lambda task: send({"event": "started", "key": task.key}),
            reporter=lambda task: _reporter(task.key, send),
            printing=lambda task: _printing_to(task.log, again=True),
        )
    finally:
        ended()


class _AtWork:
    """What this process is at, for the thread that holds the limit on memory."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.now: Task | None = None
        self.send: Send | None = None


_at_work = _AtWork()


@cache
def _sampler() -> Sampler:
    return Sampler(_end_for_memory)


def _end_for_memory(size: int) -> None:
    """Say what happened, and end: memory that a library holds cannot be taken from it."""
    with _at_work.lock:
        task, send = _at_work.now, _at_work.send
        if task is not None and send is not None:
            limit = task.memory_bytes or 0
            message = (
                f"it took {size / 1e9:.2f} GB of memory, and may have {limit / 1e9:.2f} GB: raise "
                "`budget` or --memory, or take a smaller batch or model"
            )
            said = {"event": "failed", "cause": "out of memory", "message": message}
            send({**said, "traceback": "", "key": task.key})
    os._exit(1)


def _done(task: Task, send: Send) -> dict[str, Any]:
    from lab.runtime.perform import perform

    ended = _sampler().begin(task.memory_bytes)
    try:
        record = perform(task, _reporter(task.key, send))
    except Exception as failure:  # noqa: BLE001 - the one place where any defect becomes a result
        ended()
        return _failure(failure)
    return {"event": "done", "record": {**record, "usage": vars(ended())}}


#: What failures are called. An input or output is something else than a mistake in a study.
_CAUSES = (
    (Diverged, "diverged"),
    (LabError, "refused"),
    (MemoryError, "out of memory"),
    (OSError, "input/output"),
)


def _failure(failure: Exception) -> dict[str, Any]:
    cause = next((cause for kind, cause in _CAUSES if isinstance(failure, kind)), "defect")
    said = _failed(cause, failure)
    return {**said, "message": _about_files(failure)} if isinstance(failure, OSError) else said


def _about_files(failure: OSError) -> str:
    if failure.errno in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full: make room, and run the same command again"
    return f"{failure.filename or 'input/output'}: {failure.strerror or failure}"


def _failed(cause: str, failure: BaseException) -> dict[str, Any]:
    text = "".join(traceback.format_exception(failure))
    return {"event": "failed", "cause": cause, "message": str(failure), "traceback": text}


def _reporter(key: str, send: Send) -> Any:
    last = time.monotonic()  # What is over sooner than that is not seen on its way.

    def report(step: int, total: int, values: Mapping[str, float]) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_EVENTS:
            last = now
            plain = {name: float(value) for name, value in values.items()}
            said = {"event": "progress", "key": key, "step": step, "total": total}
            send({**said, "values": plain})

    return report


@contextmanager
def _printing_to(log: str, *, again: bool = False) -> Generator[None]:
    """What is printed on the way goes to a file of its own, which is there if anything was."""
    if not log:
        yield
        return
    handle = _opened(log, os.O_APPEND) if again else _empty_files.opened(log)
    before = {stream: os.dup(stream) for stream in (1, 2)}
    for stream in before:
        os.dup2(handle, stream)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for stream, kept in before.items():
            os.dup2(kept, stream)
            os.close(kept)
        is_empty = os.fstat(handle).st_size == 0
        if is_empty and not again:
            _empty_files.leave(handle, log)
        else:
            os.close(handle)
        if is_empty and again:
            Path(log).unlink(missing_ok=True)


class _EmptyFiles:
    """The file of a task that printed nothing becomes that of the next one.

    Most print nothing, and a file that is made and removed for each costs more than one renamed.
    """

    def __init__(self) -> None:
        self._left: tuple[int, str] | None = None

    def opened(self, path: str) -> int:
        """An empty file at a path, open."""
        if self._left is not None:
            (handle, before), self._left = self._left, None
            try:
                os.rename(before, path)  # noqa: PTH104 - done for every run
            except OSError:
                os.close(handle)
            else:
                return handle
        return _opened(path, os.O_TRUNC)

    def leave(self, handle: int, path: str) -> None:
        """A file is empty, and not written to any more."""
        self.clear()
        self._left = handle, path

    def clear(self) -> None:
        """Nothing is to follow: no empty file stays."""
        if self._left is not None:
            (handle, path), self._left = self._left, None
            os.close(handle)
            Path(path).unlink(missing_ok=True)


_empty_files = _EmptyFiles()


def _opened(path: str, how: int) -> int:
    flags = os.O_WRONLY | os.O_CREAT | how
    try:
        return os.open(path, flags, 0o666)
    except FileNotFoundError:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        return os.open(path, flags, 0o666)
