"""`lines(x: field.width, y: drop, by: model)`: a metric along a path, a line for each model.

The points are those that depart from their arm at `x` and `by` only. Error bars are 95 % intervals
over replicates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lab.compiler.plan import ColumnPlan
from lab.runtime import numbers
from lab.runtime.evidence import Estimate
from lab.runtime.figure import Drawing, Figure, Plot
from lab.runtime.ordering import number_in
from lab.runtime.report import plotting
from lab.runtime.report.clouds import log_if_wide
from lab.runtime.report.tables import distinguishing, scale_for
from lab.runtime.results import Results
from lab.spec.declare import Metric, PathName, component, parameter


@component("lines", kind="figure")
class Lines(Figure):
    """A metric along a path."""

    x: PathName = parameter(doc="the path along")
    y: Metric = parameter(doc="the metric upward")
    by: tuple[PathName, ...] = parameter((), "paths that have a line each")

    def draw(self, results: Results) -> Sequence[Drawing]:
        """One plot; nothing where no point has the path."""
        path, column = str(self.x), self.y
        points = results.within((path, *self.by), having=(path,))
        extra = [*self.by, *distinguishing(points, (path, *self.by))]
        series: dict[str, dict[str, Estimate]] = {}
        for point in points:
            estimate = results.cell(point, column.label).estimate
            if estimate is not None and np.isfinite(estimate.mean):
                name = ", ".join(point.settings[p] for p in extra if p in point.settings)
                series.setdefault(name, {})[point.settings[path]] = estimate
        if not series:
            return []
        drawn = _Drawn(
            path=path,
            column=column,
            values=results.values_of(path, points),
            scale=scale_for(results, points, column),
            series=series,
            by=", ".join(extra),
        )
        title, caption = (
            f"{column.label} along {path}",
            "Means over replicates with 95 % intervals.",
        )
        return [Plot(title, f"lines-{column.label}-{path}", (5.6, 3.6), drawn.draw, caption)]


@dataclass(frozen=True)
class _Drawn:
    path: str
    column: ColumnPlan
    values: list[str]
    scale: numbers.Scale
    series: dict[str, dict[str, Estimate]]
    by: str

    def draw(self, figure: Any) -> None:
        axes = figure.subplots()
        numeric = [number_in(value) for value in self.values]
        along = [float(x) if x is not None else 0.0 for x in numeric]
        if any(x is None for x in numeric):
            along = [float(i) for i in range(len(self.values))]
        positions = dict(zip(self.values, along, strict=True))
        for index, (name, estimates) in enumerate(self.series.items()):
            self._line(axes, positions, estimates, name=name, index=index)
        if all(x is not None for x in numeric):
            log_if_wide(axes, "x", along)
        axes.set_xticks(along, self.values)
        axes.minorticks_off()
        axes.set_xlabel(self.path)
        axes.set_ylabel(plotting.axis_label(self.column, self.scale))
        axes.margins(0.07, 0.1)
        plotting.legend_outside(figure, axes, self.by)

    def _line(
        self,
        axes: Any,
        positions: dict[str, float],
        estimates: dict[str, Estimate],
        *,
        name: str,
        index: int,
    ) -> None:
        there = [value for value in self.values if value in estimates]
        found = [estimates[value] for value in there]
        axes.errorbar(
            [positions[value] for value in there],
            [estimate.mean / self.scale.factor for estimate in found],
            yerr=plotting.errors_of(found, self.scale),
            label=name,
            elinewidth=1.0,
            capsize=2.5,
            markeredgecolor="white",
            markeredgewidth=0.7,
            **plotting.series_style(index),
        )
