"""Work in a process of its own: its answer, its failure, and its end when nobody waits."""

import asyncio
import os
import time
from pathlib import Path

import pytest

from lab.server.apart import apart


def test_an_answer_comes_back() -> None:
    assert asyncio.run(apart(lambda: (os.getpid() != _HERE, "x" * 1_000_000))) == (
        True,
        "x" * 1_000_000,
    )


def test_a_failure_is_raised_here() -> None:
    def fail() -> None:
        raise KeyError("gone")

    with pytest.raises(KeyError, match="gone"):
        asyncio.run(apart(fail))


def test_nothing_goes_on_when_nobody_waits() -> None:
    async def given_up() -> None:
        task = asyncio.create_task(apart(lambda: time.sleep(60)))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    before = children()
    asyncio.run(given_up())
    assert children() <= before


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text("utf-8").split())


_HERE = os.getpid()
