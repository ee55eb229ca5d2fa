"""How far something is that is counted: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lab.cli.units import duration_text

if TYPE_CHECKING:
    from rich.progress import Progress

#: What is over sooner than this is not worth a line.
_SECONDS_BEFORE_A_LINE, _SECONDS_BETWEEN_LINES = 2.0, 10.0


@contextmanager
def counting(what: str) -> Generator[Callable[[int, int], None]]:
    """Somebody to tell how many are done, of how many; what is seen goes away on a terminal."""
    told = _Bar(what) if sys.stderr.isatty() else _Lines(what)
    try:
        yield told.tell
    finally:
        told.end()


class _Bar:
    """A bar, there from the first word on."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._bars: Progress | None = None

    def tell(self, done: int, total: int) -> None:
        """So many are done."""
        if self._bars is None:
            self._bars = _bars()
            self._bars.add_task(self._what)
            self._bars.start()
        self._bars.update(self._bars.task_ids[0], completed=done, total=total)

    def end(self) -> None:
        """Take it away."""
        if self._bars is not None:
            self._bars.stop()


def _bars() -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Left

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Left())
    return Progress(*columns, console=Console(stderr=True), transient=True)


class _Lines:
    """Lines, for what reads no bars."""

    def __init__(self, what: str) -> None:
        self._what = what
        #: When the first were done, and how many these were: what comes before is a start.
        self._first: tuple[float, int] | None = None
        self._next = 0.0

    def tell(self, done: int, total: int) -> None:
        """So many are done."""
        now = time.monotonic()
        if self._first is None and done:
            self._first, self._next = (now, done), now + _SECONDS_BEFORE_A_LINE
        if self._first is None or now < self._next or done >= total:
            return
        self._next = now + _SECONDS_BETWEEN_LINES
        began, first = self._first
        left = duration_text((now - began) / max(done - first, 1) * (total - done))
        print(f"{self._what}: {done}/{total}, about {left} left", file=sys.stderr, flush=True)

    def end(self) -> None:
        """There is nothing to take away."""
