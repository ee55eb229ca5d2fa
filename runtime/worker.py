"""A process that does batches of tasks: one JSON line in for each, JSON lines out for what happens.

The parent speaks on standard input and listens on standard output; what a library prints goes to
standard error. A thread watches standard input, so that a worker ends with its parent even when it
is killed: no orphan is left at work.

Workers on other machines are spoken to through a folder instead (`lab.runtime.mailbox`).
"""

import json
import os
import queue
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn, TextIO


def main() -> NoReturn:
    """Serve tasks until standard input ends, on the cores named by the first argument."""
    work([int(core) for core in sys.argv[1].split(",")] if len(sys.argv) > 1 else [])


def work(cores: Sequence[int]) -> NoReturn:
    """Serve tasks until standard input ends, on some cores; on all where none are named."""
    if cores:
        os.sched_setaffinity(0, cores)
    send = sender(_own_stdout())
    batches: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(batches,), daemon=True).start()
    from lab.runtime.serving import configure, serve
    from lab.runtime.task import batch_from_json

    configure(len(cores))
    while True:
        serve(batch_from_json(batches.get()), send)


def sender(events: TextIO) -> Callable[[Mapping[str, Any]], None]:
    """Says events as lines, whole ones whichever thread says them."""
    lock = threading.Lock()

    def send(event: Mapping[str, Any]) -> None:
        with lock:
            events.write(json.dumps(event) + "\n")
            events.flush()

    return send


def _own_stdout() -> TextIO:
    """Standard output for events alone; prints go to standard error."""
    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return events


def _listen(batches: "queue.SimpleQueue[str]") -> None:
    for line in sys.stdin:
        batches.put(line)
    # The parent is gone or done with us; whatever is under way is not wanted any more.
    os._exit(0)


if __name__ == "__main__":
    main()
