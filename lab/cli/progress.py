"""Progress and estimate of a run: a live display on a terminal, quiet lines elsewhere."""

import sys
import time
from collections import Counter
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from lab.cli.estimate import Estimate
from lab.cli.units import duration_text
from lab.cli.whereabouts import Whereabouts
from lab.compiler.plan import Node, Plan
from lab.compiler.prices import Prices
from lab.runtime.execution import Event
from lab.runtime.results import POSITIONS

if TYPE_CHECKING:
    from lab.cli.bars import Bars

#: Elsewhere than on a terminal, a line about progress is printed this often.
_SECONDS_BETWEEN_LINES = 10.0
_SECONDS_BETWEEN_LOOKS = 0.1


class Display:
    """Listens to an execution and says how far it is. A context manager.

    `prices` say how long what is run should take, where that is known.
    """

    def __init__(self, plan: Plan, nodes: Sequence[Node], prices: Prices | None = None) -> None:
        self.plan = plan
        self.total = len(nodes)
        self.done = 0
        self.failed = 0
        self.skipped = 0
        self.began = time.monotonic()
        expected = prices and prices.expected
        lanes = prices.device.workers if prices else 1
        self._left = Estimate(nodes, self.began, expected=expected, lanes=lanes)
        self._last_line = self.began
        self._last_look, self._last_estimate = 0.0, ""
        self._kinds = Counter(node.component for node in nodes)
        self._where = Whereabouts(plan)
        self._bars: Bars | None = None

    def __enter__(self) -> "Display":
        if sys.stderr.isatty():
            from lab.cli.bars import Bars

            self._bars = Bars(self.plan.study, self._kinds)
            self._bars.say(self._estimate(), failed="")
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
        counts = ", ".join(filter(None, (f"{self.done} of {self.total} done", self._failures())))
        self._say(f"{self.plan.study}: {counts} in {took}")

    def more(self, nodes: Sequence[Node]) -> None:
        """More is to be done than was known: the plan has grown."""
        self.total += len(nodes)
        self._left.more(nodes)
        kinds = Counter(node.component for node in nodes)
        self._kinds += kinds
        if self._bars is not None:
            self._bars.more(kinds)

    def listen(self, event: Event) -> None:
        """Take note of an event."""
        node = event.node
        if event.kind in {"done", "failed", "skipped"}:
            self.done += event.kind == "done"
            self.failed += event.kind == "failed"
            self.skipped += event.kind == "skipped"
            self._left.ended(node.key, time.monotonic(), worked=event.kind == "done")
            self._finished(node)
        if event.kind == "failed":
            again = " before" if "again" in event.detail else ""
            name = f"{node.label}{self._where.of(node.key)}"
            self._say(f"failed{again}: {name}: {event.detail['message']}")
        elif event.kind == "started":
            self._started(node)
        elif event.kind == "progress":
            self._advanced(node, event.detail)

    def _started(self, node: Node) -> None:
        self._left.started(node.key, time.monotonic())
        if self._bars is not None:
            self._bars.started(node.key, f"{node.label}{self._where.of(node.key)}")

    def _advanced(self, node: Node, detail: Any) -> None:
        step, total = detail["step"], detail["total"]
        self._left.advanced(node.key, step / max(total, 1), time.monotonic())
        note = " ".join(
            f"{name} {value:.4g}"
            for name, value in detail["values"].items()
            if name not in POSITIONS
        )
        if self._bars is not None:
            self._bars.advanced(node.key, step=step, total=total, note=note)
            self._bars.say(self._estimate(), failed=self._failures())
        else:
            self._now_and_then(f"  {node.label}: step {step} of {total} {note}")

    def _finished(self, node: Node) -> None:
        if self._bars is not None:
            self._bars.ended(node.key, node.component)
            self._bars.say(self._estimate(), failed=self._failures())
        else:
            self._now_and_then("")

    def _now_and_then(self, text: str) -> None:
        now = time.monotonic()
        if now - self._last_line >= _SECONDS_BETWEEN_LINES:
            self._last_line = now
            self._say(f"  {self._counts()}{text}")

    def _count(self) -> str:
        return f"{self.done + self.failed + self.skipped}/{self.total}"

    def _failures(self) -> str:
        told = ((self.failed, "failed"), (self.skipped, "not run"))
        return ", ".join(f"{count} {what}" for count, what in told if count)

    def _counts(self) -> str:
        return ", ".join(filter(None, (self._count(), self._failures(), self._estimate())))

    def _estimate(self) -> str:
        """It looks at all that waits: not for each of many that end at once."""
        now = time.monotonic()
        if now - self._last_look >= _SECONDS_BETWEEN_LOOKS:
            left = self._left.seconds_left(now)
            self._last_look = now
            self._last_estimate = "" if left is None else f"about {duration_text(left)} left"
        return self._last_estimate

    def _say(self, text: str) -> None:
        print(text, file=sys.stderr, flush=True)
