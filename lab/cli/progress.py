"""Progress and estimate of a run: a live display on a terminal, quiet lines elsewhere."""

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from lab.cli.estimate import Estimate
from lab.cli.units import duration_text
from lab.cli.whereabouts import where
from lab.compiler.plan import Node, Plan
from lab.runtime.execution import Event
from lab.runtime.results import POSITIONS

#: Elsewhere than on a terminal, a line about progress is printed this often.
_SECONDS_BETWEEN_LINES = 10.0


class Display:
    """Listens to an execution and says how far it is. A context manager."""

    def __init__(self, plan: Plan, nodes: Sequence[Node]) -> None:
        self.plan = plan
        self.total = len(nodes)
        self.done = 0
        self.failed = 0
        self.began = time.monotonic()
        self._left = Estimate(nodes, self.began)
        self._last_line = self.began
        self._active: dict[str, Any] = {}
        self._bars: Any = None
        self._overall: Any = None

    def __enter__(self) -> "Display":
        if sys.stderr.isatty():
            self._open_bars()
        else:
            self._say(f"{self.plan.study}: {self.total} stages and measurements to run")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars is not None:
            self._bars.stop()
        took = duration_text(time.monotonic() - self.began)
        failures = f", {self.failed} failed" if self.failed else ""
        self._say(f"{self.plan.study}: {self.done} of {self.total} done{failures} in {took}")

    def more(self, nodes: Sequence[Node]) -> None:
        """More is to be done than was known: the plan has grown."""
        self.total += len(nodes)
        self._left.more(nodes)
        if self._bars is not None:
            self._bars.update(self._overall, total=self.total, count=self._count())

    def listen(self, event: Event) -> None:
        """Take note of an event."""
        key, label = event.node.key, event.node.label
        if event.kind in {"done", "failed", "skipped"}:
            self.done += event.kind == "done"
            self.failed += event.kind != "done"
            self._left.ended(key, time.monotonic(), worked=event.kind == "done")
            self._finished(key)
        if event.kind == "failed":
            self._say(f"failed: {label}{where(self.plan, key)}: {event.detail['message']}")
        elif event.kind == "started":
            self._started(key, label)
        elif event.kind == "progress":
            self._advanced(key, label, event.detail)

    def _open_bars(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn
        from rich.table import Column

        self._bars = Progress(
            TextColumn("{task.description}", table_column=Column(ratio=2, no_wrap=True)),
            BarColumn(bar_width=None, table_column=Column(ratio=1)),
            TextColumn("{task.fields[count]}", justify="right"),
            TextColumn("{task.fields[note]}", table_column=Column(ratio=1, no_wrap=True)),
            expand=True,
            console=Console(stderr=True),
            transient=True,
        )
        self._overall = self._bars.add_task(
            self.plan.study, total=self.total, note="", count=f"0/{self.total}"
        )
        self._bars.start()

    def _started(self, key: str, label: str) -> None:
        self._left.started(key, time.monotonic())
        if self._bars is not None:
            self._active[key] = self._bars.add_task(
                f"  {label}", total=None, count="", note="starting"
            )

    def _advanced(self, key: str, label: str, detail: Any) -> None:
        share = detail["step"] / max(detail["total"], 1)
        self._left.advanced(key, share, time.monotonic())
        note = " ".join(
            f"{name} {value:.4g}"
            for name, value in detail["values"].items()
            if name not in POSITIONS
        )
        if self._bars is not None:
            step, total = detail["step"], detail["total"]
            self._bars.update(
                self._active[key], completed=step, total=total, note=note, count=f"{step}/{total}"
            )
            self._bars.update(self._overall, note=self._estimate())
            return
        now = time.monotonic()
        if now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            at = f"step {detail['step']} of {detail['total']}"
            self._say(f"  {self._counts()}  {label}: {at} {note}")

    def _finished(self, key: str) -> None:
        if self._bars is not None:
            self._bars.remove_task(self._active.pop(key)) if key in self._active else None
            self._bars.update(
                self._overall,
                completed=self.done + self.failed,
                note=self._estimate(),
                count=self._count(),
            )
            return
        now = time.monotonic()
        if now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            self._say(f"  {self._counts()}")

    def _count(self) -> str:
        return f"{self.done + self.failed}/{self.total}"

    def _counts(self) -> str:
        return ", ".join(filter(None, (self._count(), self._estimate())))

    def _estimate(self) -> str:
        left = self._left.seconds_left(time.monotonic())
        return "" if left is None else f"about {duration_text(left)} left"

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)
