"""Points of a study as marks in a plane: what Pareto and scatter plots share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lab.compiler.plan import ColumnPlan
from lab.runtime import numbers
from lab.runtime.evidence import Estimate
from lab.runtime.report import plotting
from lab.runtime.report.tables import scale_for
from lab.runtime.results import Point, Results

__all__ = ["Cloud", "Mark", "cloud_of", "frontier", "log_if_wide"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A point with both its coordinates. Always holds: both means are finite."""

    point: Point
    x: Estimate
    y: Estimate
    series: str


@dataclass(frozen=True, slots=True)
class Cloud:
    """Marks with the scales and names of their axes."""

    marks: tuple[Mark, ...]
    x: ColumnPlan
    y: ColumnPlan
    x_scale: numbers.Scale
    y_scale: numbers.Scale
    by: str

    @property
    def series(self) -> dict[str, list[Mark]]:
        """Marks by series, in the study's order."""
        found: dict[str, list[Mark]] = {}
        for mark in self.marks:
            found.setdefault(mark.series, []).append(mark)
        return found

    def at(self, mark: Mark) -> tuple[float, float]:
        """Where a mark stands."""
        return mark.x.mean / self.x_scale.factor, mark.y.mean / self.y_scale.factor

    def plot(self, axes: Any) -> None:
        """Marks with error bars, a color and a marker for each series, axes labeled."""
        for index, (name, marks) in enumerate(self.series.items()):
            xs, ys = zip(*(self.at(mark) for mark in marks), strict=True)
            axes.errorbar(
                xs,
                ys,
                xerr=plotting.errors_of([m.x for m in marks], self.x_scale),
                yerr=plotting.errors_of([m.y for m in marks], self.y_scale),
                linestyle="none",
                elinewidth=0.9,
                capsize=2,
                markeredgecolor="white",
                markeredgewidth=0.7,
                label=name,
                zorder=3,
                **plotting.series_style(index),
            )
        log_if_wide(axes, "x", [self.at(mark)[0] for mark in self.marks])
        axes.set_xlabel(plotting.axis_label(self.x, self.x_scale))
        axes.set_ylabel(plotting.axis_label(self.y, self.y_scale))
        axes.margins(0.09)


def cloud_of(results: Results, x: ColumnPlan, y: ColumnPlan, by: Sequence[str]) -> Cloud:
    """Every point of the study that has both metrics."""
    marks = []
    for point in results.points:
        there = results.cell(point, x.label).estimate, results.cell(point, y.label).estimate
        if all(e is not None and np.isfinite(e.mean) for e in there):
            marks.append(Mark(point, *there, series=_name(point.settings, by)))
    points = [mark.point for mark in marks]
    return Cloud(
        marks=tuple(marks),
        x=x,
        y=y,
        x_scale=scale_for(results, points, x),
        y_scale=scale_for(results, points, y),
        by=", ".join(by),
    )


def _name(settings: Mapping[str, str], by: Sequence[str]) -> str:
    return ", ".join(settings[path] for path in by if path in settings)


def frontier(cloud: Cloud) -> list[Mark]:
    """Marks that no other mark beats on both axes, from worst x to best.

    Means are compared, not intervals: a mark on the frontier may owe it to chance.
    """
    toward = {"higher": 1.0, "lower": -1.0}
    sign_x = toward.get(cloud.x.better or "", 1.0)
    sign_y = toward.get(cloud.y.better or "", 1.0)
    best, kept = -np.inf, []
    ordered = sorted(cloud.marks, key=lambda m: (-sign_x * m.x.mean, -sign_y * m.y.mean))
    for mark in ordered:
        if sign_y * mark.y.mean > best:
            best = sign_y * mark.y.mean
            kept.append(mark)
    return kept[::-1]


def log_if_wide(axes: Any, which: str, values: Sequence[float]) -> None:
    """A logarithmic axis with plain ticks, for values that are geometric or span a factor of 8."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    if not values or min(values) <= 0:
        return
    if max(values) / min(values) < 8 and not _are_geometric(values):
        return
    getattr(axes, f"set_{which}scale")("log")
    axis = getattr(axes, f"{which}axis")
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _are_geometric(values: Sequence[float]) -> bool:
    ordered = np.sort(np.asarray(values))
    if len(ordered) < 3 or len(set(values)) < len(values):
        return False
    ratios = ordered[1:] / ordered[:-1]
    return bool(np.allclose(ratios, ratios[0], rtol=0.02))
