"""A run on a terminal: a bar for all of it, one for each kind of stage, one for each at work."""

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn
from rich.table import Column
from rich.text import Text

#: Kinds of stages with a bar of their own, those with the most to do.
_MOST_KINDS = 6
#: Letters of a bar: names need the room.
_WIDTH = 16


class Bars:
    """The bars of one execution. `kinds`: how many of each kind there are to do."""

    def __init__(self, study: str, kinds: Counter[str]) -> None:
        self._bars = Progress(
            TextColumn("{task.description}", table_column=Column(ratio=3, no_wrap=True)),
            BarColumn(bar_width=_WIDTH),
            TextColumn("{task.fields[count]}", justify="right"),
            _Note(table_column=Column(ratio=2, no_wrap=True, overflow="ellipsis")),
            expand=True,
            console=Console(stderr=True),
            transient=True,
        )
        self._left = Counter[str]()
        self._over = Counter[str]()
        self._overall = self._add(f"[bold]{study}[/bold]", 0)
        self._kinds: dict[str, TaskID] = {}
        self._active: dict[str, _Active] = {}
        self.more(kinds)
        self._bars.start()

    def more(self, kinds: Counter[str]) -> None:
        """More is to be done than was known."""
        self._left += kinds
        for kind, _ in self._left.most_common(_MOST_KINDS) if len(self._left) > 1 else ():
            if kind not in self._kinds:
                self._kinds[kind] = self._add(f"  {kind}", 0)
        self._count()

    def started(self, key: str, label: str) -> None:
        """Something begins to work."""
        self._active[key] = _Active(self._add(f"    {label}", None, note="starting"))

    def advanced(self, key: str, *, step: int, total: int, note: str) -> None:
        """Something at work says how far it is."""
        active = self._active[key]
        said = " ".join(filter(None, (active.rate(step), note)))
        self._bars.update(
            active.task, completed=step, total=total, note=said, count=f"{step}/{total}"
        )

    def ended(self, key: str, kind: str) -> None:
        """Something is over."""
        if key in self._active:
            self._bars.remove_task(self._active.pop(key).task)
        self._over[kind] += 1
        self._count()

    def say(self, note: str, *, failed: str) -> None:
        """How long it takes still, and what failed."""
        words = Text(f"{failed}  " if failed else "", style="bold red") + Text(note)
        self._bars.update(self._overall, note=words)

    def stop(self) -> None:
        """Take the bars away."""
        self._bars.stop()

    def _count(self) -> None:
        totals: Mapping[TaskID, tuple[int, int]] = {
            self._overall: (self._over.total(), self._left.total()),
            **{task: (self._over[kind], self._left[kind]) for kind, task in self._kinds.items()},
        }
        for task, (done, total) in totals.items():
            self._bars.update(task, completed=done, total=total, count=f"{done}/{total}")

    def _add(self, text: str, total: int | None, note: str = "") -> TaskID:
        return self._bars.add_task(text, total=total, count="", note=note)


class _Active:
    """Something at work: its bar, and when it first said how far it is."""

    def __init__(self, task: TaskID) -> None:
        self.task = task
        self._heard: tuple[float, int] | None = None

    def rate(self, step: int) -> str:
        """Steps a second, since it was first heard of."""
        now = time.monotonic()
        began, first = self._heard = self._heard or (now, step)
        if step <= first or now <= began:
            return ""
        rate = (step - first) / (now - began)
        return f"{rate:.0f}/s" if rate >= 10 else f"{rate:.2g}/s"


class _Note(ProgressColumn):
    """What a bar has to say, cut where it does not fit."""

    def render(self, task: Task) -> Text:
        note: Any = task.fields["note"]
        return note if isinstance(note, Text) else Text(str(note))
