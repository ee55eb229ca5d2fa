"""`pareto(x: ratio, y: accuracy, by: method)`: every point of the study, and which are not beaten.

Error bars are 95 % intervals over replicates. The line joins the points that no other point beats
on both axes (by their means), in steps: between two of them nothing was measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lab.runtime.figure import Drawing, Figure, Plot
from lab.runtime.report import plotting
from lab.runtime.report.clouds import Cloud, Mark, cloud_of, frontier
from lab.runtime.results import Results
from lab.spec.declare import Metric, PathName, component, parameter

_LABELED = 8


@component("pareto", kind="figure")
class Pareto(Figure):
    """Two metrics against each other, with the points that nothing beats."""

    x: Metric = parameter(doc="the metric along")
    y: Metric = parameter(doc="the metric upward")
    by: tuple[PathName, ...] = parameter((), "paths that have a color each")

    def draw(self, results: Results) -> Sequence[Drawing]:
        """One plot; nothing where no point has both metrics."""
        cloud = cloud_of(results, self.x, self.y, tuple(self.by) or ("method",))
        if not cloud.marks:
            return []
        title = f"{self.y.label} against {self.x.label}"
        caption = (
            "Every point of the study: means over replicates with 95 % intervals. "
            "The line joins the points that no other point beats on both axes."
        )
        plane = _Plane(cloud, frontier(cloud))
        width = 9.6 if plane.needs_a_closer_look else 6.4
        name = f"pareto-{self.x.label}-{self.y.label}"
        return [Plot(title, name, (width, 4.0), plane.draw, caption)]


@dataclass(frozen=True)
class _Plane:
    cloud: Cloud
    best: list[Mark]

    def draw(self, figure: Any) -> None:
        panels = 2 if self.needs_a_closer_look else 1
        axes = figure.subplots(1, panels, squeeze=False)[0]
        for place in axes:
            self._panel(place, labeled=place is axes[-1])
        if panels == 2:
            axes[0].set_title("every point")
            axes[1].set_title("the upper end" if self._is_upward else "the lower end")
            axes[1].set_ylim(*self._closer_limits())
            axes[1].set_ylabel("")
        plotting.legend_outside(figure, axes[0], self.cloud.by)

    def _panel(self, axes: Any, *, labeled: bool) -> None:
        self.cloud.plot(axes)
        xs, ys = zip(*(self.cloud.at(mark) for mark in self.best), strict=True)
        line = {"color": plotting.GRAY, "linewidth": 1.1, "zorder": 2}
        axes.plot(xs, ys, drawstyle=_steps(self.cloud), **line)
        labels = [(mark, text) for mark in self.best[-_LABELED:] if (text := _departure(mark))]
        for mark, text in labels if labeled else ():
            plotting.label_beside(axes, self.cloud.at(mark), text)
        plotting.room_on_the_right(axes, 0.18 if labels and labeled else 0.0)

    @property
    def needs_a_closer_look(self) -> bool:
        """Whether points far off squeeze those that matter into a corner."""
        low, high = self._span(self.best)
        every = [self.cloud.at(mark)[1] for mark in self.cloud.marks]
        return len(self.best) > 1 and high - low < 0.2 * (max(every) - min(every))

    @property
    def _is_upward(self) -> bool:
        return self.cloud.y.better != "lower"

    def _closer_limits(self) -> tuple[float, float]:
        """Around the points that nothing beats, and those that are nearly as good."""
        low, high = self._span(self.best)
        reach = high - low
        near = [m for m in self.cloud.marks if low - reach < self.cloud.at(m)[1] < high + reach]
        low, high = self._span(near)
        margin = 0.12 * (high - low)
        return low - margin, high + margin

    def _span(self, marks: Sequence[Mark]) -> tuple[float, float]:
        down, up = plotting.errors_of([mark.y for mark in marks], self.cloud.y_scale)
        ys = [self.cloud.at(mark)[1] for mark in marks]
        low = min(y - d for y, d in zip(ys, down, strict=True))
        return low, max(y + u for y, u in zip(ys, up, strict=True))


def _steps(cloud: Cloud) -> str:
    """The side of a step on which nothing better was seen."""
    return "steps-pre" if cloud.x.better != "lower" else "steps-post"


def _departure(mark: Mark) -> str:
    """How a point differs from its arm, in few words."""
    settings = mark.point.settings
    return ", ".join(
        f"{path.rsplit('.', 1)[-1]} {settings[path]}"
        for path in sorted(mark.point.departs)
        if path in settings and path not in ("method", "model", "data")
    )
