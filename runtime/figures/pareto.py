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
        name = f"pareto-{self.x.label}-{self.y.label}"
        return [Plot(title, name, (6.4, 4.0), _Plane(cloud).draw, caption)]


@dataclass(frozen=True)
class _Plane:
    cloud: Cloud

    def draw(self, figure: Any) -> None:
        axes = figure.subplots()
        best = frontier(self.cloud)
        self.cloud.plot(axes)
        xs, ys = zip(*(self.cloud.at(mark) for mark in best), strict=True)
        axes.plot(
            xs, ys, drawstyle=_steps(self.cloud), color=plotting.GRAY, linewidth=1.1, zorder=2
        )
        labels = [(mark, text) for mark in best[-_LABELED:] if (text := _departure(mark))]
        for mark, text in labels:
            plotting.label_beside(axes, self.cloud.at(mark), text)
        plotting.room_on_the_right(axes, 0.18 if labels else 0.0)
        plotting.legend_outside(figure, axes, self.cloud.by)


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
