"""A process that does batches of tasks: one JSON line in for each, JSON lines out for what happens.

The parent speaks on standard input and listens on standard output; what a library prints goes to
standard error. A thread watches standard input, so that a worker ends with its parent even when it
is killed: no orphan is left at work.

Events, each with the `key` of its task: `{"event": "started"}`, `{"event": "progress", "step",
"total", "values"}`, `{"event": "done", "record"}`, `{"event": "failed", "cause", "message",
"traceback"}`; at the end of a batch `{"event": "idle"}`.
"""

import json
import os
import queue
import sys
import threading
import time
import traceback
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

if TYPE_CHECKING:
    from lab.runtime.task import Task

#: Progress events are not sent more often than this.
_SECONDS_BETWEEN_EVENTS = 0.2


def main() -> NoReturn:
    """Serve tasks until standard input ends, on the cores named by the first argument."""
    if len(sys.argv) > 1:
        os.sched_setaffinity(0, {int(core) for core in sys.argv[1].split(",")})
    events = _own_stdout()
    tasks: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(tasks,), daemon=True).start()
    _configure()
    while True:
        _serve(tasks.get(), events)


def _own_stdout() -> TextIO:
    """Standard output for events alone; prints go to standard error."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return events


def _listen(tasks: "queue.SimpleQueue[str]") -> None:
    for line in sys.stdin:
        tasks.put(line)
    # The parent is gone or done with us; whatever is under way is not wanted any more.
    os._exit(0)


def _configure() -> None:
    import jax

    jax.config.update("jax_default_matmul_precision", "highest")
    cache = os.environ.get("LAB_COMPILATION_CACHE")
    if cache:
        jax.config.update("jax_compilation_cache_dir", cache)
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def _serve(line: str, events: TextIO) -> None:
    from lab.runtime.task import batch_from_json

    for task in batch_from_json(line).tasks:
        _send(events, {"event": "started", "key": task.key})
        with _printing_to(task.log):
            ended = _ended(task, events)
        _send(events, {**ended, "key": task.key})
    _send(events, {"event": "idle"})


@contextmanager
def _printing_to(log: str) -> Generator[None]:
    """What is printed on the way goes to a file of its own, which is there if anything was."""
    if not log:
        yield
        return
    path = Path(log)
    path.parent.mkdir(parents=True, exist_ok=True)
    before = os.dup(2)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(handle, 2)
    os.dup2(handle, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os.dup2(before, 2)
        os.dup2(before, 1)
        is_empty = os.fstat(handle).st_size == 0
        os.close(handle)
        os.close(before)
        if is_empty:
            path.unlink(missing_ok=True)


def _ended(task: "Task", events: TextIO) -> dict[str, Any]:
    from lab.runtime.errors import Diverged, LabError
    from lab.runtime.perform import perform

    try:
        return {"event": "done", "record": perform(task, _reporter(task.key, events))}
    except Diverged as failure:
        return _failed("diverged", failure)
    except LabError as failure:
        return _failed("refused", failure)
    except MemoryError as failure:
        return _failed("out of memory", failure)
    except Exception as failure:  # noqa: BLE001 - the one place where any defect becomes a result
        return _failed("defect", failure)


def _failed(cause: str, failure: BaseException) -> dict[str, Any]:
    text = "".join(traceback.format_exception(failure))
    return {"event": "failed", "cause": cause, "message": str(failure), "traceback": text}


def _reporter(key: str, events: TextIO) -> Any:
    last = 0.0

    def report(step: int, total: int, values: Mapping[str, float]) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _SECONDS_BETWEEN_EVENTS:
            last = now
            plain = {name: float(value) for name, value in values.items()}
            said = {"event": "progress", "key": key, "step": step, "total": total}
            _send(events, {**said, "values": plain})

    return report


def _send(events: TextIO, event: Mapping[str, Any]) -> None:
    events.write(json.dumps(event) + "\n")
    events.flush()


if __name__ == "__main__":
    main()
