"""`curves("loss", "r2", x: "step", of: field)`: what was recorded while stages worked.

A line is the mean over replicates, its band their range. One panel for each curve. The points are
those of the arm that depart from it at the paths of `by` only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from lab.runtime.figure import Drawing, Figure, Plot
from lab.runtime.report import plotting
from lab.runtime.report.tables import distinguishing
from lab.runtime.results import Point, Results
from lab.runtime.sentences import setting_text
from lab.spec.declare import Arm, Curve, PathName, component, parameter

#: One curve of one series: where its points stand, and a row for each replicate.
Bundle = tuple[Float[np.ndarray, " points"], Float[np.ndarray, "replicates points"]]


@component("curves", kind="figure")
class Curves(Figure):
    """Recorded curves over the length of a stage."""

    names: tuple[Curve, ...] = parameter(doc="the curves, as stages record them", positional=True)
    x: Curve | None = parameter(None, "what is along: a recorded curve, or the stage's own unit")
    of: Arm | None = parameter(None, "the arm whose stages recorded them; all arms if left out")
    by: tuple[PathName, ...] = parameter((), "paths that have a line each")

    def draw(self, results: Results) -> Sequence[Drawing]:
        """One plot with a panel for each curve; nothing where none was recorded."""
        points = [p for p in results.within(self.by) if _is_of(p, self.of)]
        told = [*self.by, *distinguishing(points, self.by)]
        for path in reversed(told):
            values = results.values_of(path, points)
            points.sort(key=lambda p, path=path, values=values: _place(p, path, values))
        panels: dict[str, dict[str, Bundle]] = {}
        unit = ""
        for point in points:
            for name in self.names:
                found = _bundle(results, point, name, self.x)
                if found is None:
                    continue
                label = setting_text({p: point.settings[p] for p in told if p in point.settings})
                panels.setdefault(name, {})[label or point.arm] = found[1]
                unit = unit or found[0]
        if not panels:
            return []
        down, across = plotting.panels(len(panels))
        size = (3.4 * across + 1.6, 2.7 * down)
        caption = "Recorded while stages worked: mean over replicates, the band is their range."
        name = "curves-" + "-".join(panels)
        title = f"{', '.join(panels)} over the length of a stage"
        return [Plot(title, name, size, _Panels(panels, unit).draw, caption)]


def _is_of(point: Point, arm: Any) -> bool:
    if isinstance(arm, Mapping):
        return any(arm.get("arm") in run.stages for run in point.runs)
    return arm is None or point.arm == arm


def _place(point: Point, path: str, values: Sequence[str]) -> int:
    return values.index(point.settings[path]) if path in point.settings else -1


def _bundle(
    results: Results, point: Point, name: str, along: str | None
) -> tuple[str, Bundle] | None:
    """The unit along, and one curve of all replicates that recorded it at equal length."""
    rows, xs, unit = [], None, ""
    for run in point.runs:
        for key in reversed(run.stages):
            history = results.history(key)
            if len(history.get(name, ())):
                rows.append([float(y) for y in history[name]])
                unit, xs = _along(results, key, history, length=len(rows[-1]), name=along)
                break
    if not rows or xs is None:
        return None
    length = min(len(row) for row in rows)
    return unit, (np.asarray(xs[:length]), np.array([row[:length] for row in rows]))


def _along(
    results: Results, key: str, history: Mapping[str, Any], *, length: int, name: str | None
) -> tuple[str, list[float]]:
    """Positions of a curve's points: a recorded curve, else spread evenly over the stage."""
    if name is not None and len(history.get(name) or ()) >= length:
        return name, [float(x) for x in history[name][:length]]
    unit, positions = results.along(key, length)
    return name or unit, positions


@dataclass(frozen=True)
class _Panels:
    panels: Mapping[str, Mapping[str, Bundle]]
    unit: str

    def draw(self, figure: Any) -> None:
        down, across = plotting.panels(len(self.panels))
        axes = figure.subplots(down, across, squeeze=False)
        for place, (name, series) in zip(axes.flat, self.panels.items(), strict=False):
            for index, (label, (xs, rows)) in enumerate(series.items()):
                color = plotting.series_style(index)["color"]
                place.plot(xs, rows.mean(axis=0), color=color, label=label)
                if len(rows) > 1:
                    place.fill_between(
                        xs, rows.min(axis=0), rows.max(axis=0), color=color, alpha=0.18, linewidth=0
                    )
            place.set_xlabel(self.unit)
            place.set_ylabel(name)
            if _spans_decades(series):
                place.set_yscale("log")
        for unused in axes.flat[len(self.panels) :]:
            unused.set_visible(False)
        plotting.legend_outside(figure, axes.flat[0])


def _spans_decades(series: Mapping[str, Bundle]) -> bool:
    values = np.concatenate([rows.ravel() for _, rows in series.values()])
    values = values[np.isfinite(values)]
    return values.size > 0 and values.min() > 0 and values.max() / values.min() > 100
