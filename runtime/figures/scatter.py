"""`scatter(x: r2, y: accuracy, by: model)`: every point of the study in a plane of two metrics."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lab.runtime.figure import Drawing, Figure, Plot
from lab.runtime.report import plotting
from lab.runtime.report.clouds import Cloud, cloud_of
from lab.runtime.results import Results
from lab.spec.declare import Metric, PathName, component, parameter


@component("scatter", kind="figure")
class Scatter(Figure):
    """Two metrics against each other."""

    x: Metric = parameter(doc="the metric along")
    y: Metric = parameter(doc="the metric upward")
    by: tuple[PathName, ...] = parameter((), "paths that have a color each")

    def draw(self, results: Results) -> Sequence[Drawing]:
        """One plot; nothing where no point has both metrics."""
        cloud = cloud_of(results, self.x, self.y, tuple(self.by) or ("method",))
        if not cloud.marks:
            return []
        title = f"{self.y.label} against {self.x.label}"
        caption = "Every point of the study: means over replicates with 95 % intervals."
        name = f"scatter-{self.x.label}-{self.y.label}"
        return [Plot(title, name, (6.4, 4.0), _Plane(cloud).draw, caption)]


@dataclass(frozen=True)
class _Plane:
    cloud: Cloud

    def draw(self, figure: Any) -> None:
        axes = figure.subplots()
        self.cloud.plot(axes)
        plotting.legend_outside(figure, axes, self.cloud.by)
