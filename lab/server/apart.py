"""Work in a process of its own, which ends when nobody waits for its answer any more.

A plan is a second of pure Python. A thread would take turns with the check that answers the next
key press; a forked process knows all that is known here, runs on another core, and can be ended.
"""

import asyncio
import os
import pickle
import signal
from collections.abc import Callable
from typing import NoReturn, TypeVar

Answer = TypeVar("Answer")


async def apart(work: Callable[[], Answer]) -> Answer:
    """The answer of some work; where this system cannot fork, or the work fails, of a thread."""
    if hasattr(os, "fork"):
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(read)
            _answer(work, write)
        os.close(write)
        data = await _read_from(child, read)
        if data:
            return pickle.loads(data)
    return await asyncio.get_running_loop().run_in_executor(None, work)


def _answer(work: Callable[[], object], write: int) -> NoReturn:
    """What the child does: no more than the work, and nothing when it leaves."""
    try:
        data = pickle.dumps(work())
        with os.fdopen(write, "wb") as pipe:
            pipe.write(data)
    finally:
        os._exit(0)


async def _read_from(child: int, read: int) -> bytes:
    """All that a child writes; it is ended when this is cancelled."""
    stream = asyncio.StreamReader()
    pipe = os.fdopen(read, "rb")
    connect = asyncio.get_running_loop().connect_read_pipe
    try:
        transport, _ = await connect(lambda: asyncio.StreamReaderProtocol(stream), pipe)
        try:
            return await stream.read()
        finally:
            transport.close()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        pipe.close()
