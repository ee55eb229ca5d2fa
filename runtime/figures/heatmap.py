"""`heatmap(drop, rows: field.width, columns: field.layers)`: a metric over two paths.

A cell is the mean over replicates with half its 95 % interval below. The points are those that
depart from their arm at the two paths only; where they still differ (in the model, say), each
setting has a panel of its own. A combination without a result is blank and says "not run".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lab.compiler.plan import ColumnPlan
from lab.runtime import numbers
from lab.runtime.evidence import Estimate
from lab.runtime.figure import Drawing, Figure, Plot
from lab.runtime.report import plotting
from lab.runtime.report.tables import distinguishing, scale_for
from lab.runtime.results import Point, Results
from lab.runtime.sentences import setting_text
from lab.spec.declare import Metric, PathName, component, parameter


@component("heatmap", kind="figure")
class Heatmap(Figure):
    """A metric as color over two paths."""

    metric: Metric = parameter(doc="what the color shows", positional=True)
    rows: PathName = parameter(doc="the path whose values are rows")
    columns: PathName = parameter(doc="the path whose values are columns")

    def draw(self, results: Results) -> Sequence[Drawing]:
        """One plot; nothing where no point has both paths."""
        column: ColumnPlan = self.metric
        paths = (str(self.rows), str(self.columns))
        points = results.within(paths, having=paths)
        if not points:
            return []
        grid = _Grid(
            column=column,
            scale=scale_for(results, points, column),
            paths=paths,
            values=(results.values_of(paths[0], points), results.values_of(paths[1], points)),
            panels=_panels(results, points, column, paths),
        )
        down, across = plotting.panels(len(grid.panels))
        size = (
            across * max(3.0, 1.6 + 0.85 * len(grid.values[1])) + 1.2,
            down * max(2.2, 1.1 + 0.55 * len(grid.values[0])),
        )
        title = f"{column.label} by {paths[0]} and {paths[1]}"
        caption = "Mean over replicates, ± half the 95 % interval."
        name = f"heatmap-{column.label}-{paths[0]}-{paths[1]}"
        return [Plot(title, name, size, grid.draw, caption)]


def _panels(
    results: Results, points: Sequence[Point], column: ColumnPlan, paths: tuple[str, str]
) -> dict[str, dict[tuple[str, str], Estimate]]:
    """Estimates by panel and cell; a panel's name is what sets its points apart."""
    extra = distinguishing(points, paths)
    panels: dict[str, dict[tuple[str, str], Estimate]] = {}
    for point in points:
        name = setting_text({p: point.settings[p] for p in extra if p in point.settings})
        cells = panels.setdefault(name, {})
        estimate = results.cell(point, column.label).estimate
        if estimate is not None and np.isfinite(estimate.mean):
            cells[point.settings[paths[0]], point.settings[paths[1]]] = estimate
    return panels


@dataclass(frozen=True)
class _Grid:
    column: ColumnPlan
    scale: numbers.Scale
    paths: tuple[str, str]
    values: tuple[list[str], list[str]]
    panels: dict[str, dict[tuple[str, str], Estimate]]

    def draw(self, figure: Any) -> None:
        down, across = plotting.panels(len(self.panels))
        axes = figure.subplots(down, across, squeeze=False, sharex=True, sharey=True)
        means = [e.mean / self.scale.factor for c in self.panels.values() for e in c.values()]
        limits = (min(means), max(means)) if means else (0.0, 1.0)
        image = None
        for place, (name, cells) in zip(axes.flat, self.panels.items(), strict=False):
            image = self._panel(place, cells, limits)
            place.set_title(name, fontsize=9)
        for unused in axes.flat[len(self.panels) :]:
            unused.set_visible(False)
        bar = figure.colorbar(image, ax=axes, shrink=0.9, pad=0.02)
        bar.set_label(plotting.axis_label(self.column, self.scale))
        bar.outline.set_visible(False)

    def _panel(
        self, axes: Any, cells: dict[tuple[str, str], Estimate], limits: tuple[float, float]
    ) -> Any:
        rows, columns = self.values
        table = np.full((len(rows), len(columns)), np.nan)
        for (row, column), estimate in cells.items():
            table[rows.index(row), columns.index(column)] = estimate.mean / self.scale.factor
        colors = "cividis_r" if self.column.better == "lower" else "cividis"
        image = axes.imshow(table, cmap=colors, vmin=limits[0], vmax=limits[1], aspect="auto")
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        axes.set_xticks(range(len(columns)), columns)
        axes.set_yticks(range(len(rows)), rows)
        axes.set_xlabel(self.paths[1])
        axes.set_ylabel(self.paths[0])
        for edge in range(1, len(columns)):
            axes.axvline(edge - 0.5, color="white", linewidth=2)
        for edge in range(1, len(rows)):
            axes.axhline(edge - 0.5, color="white", linewidth=2)
        for i, row in enumerate(rows):
            for j, column in enumerate(columns):
                self._annotate(axes, (j, i), cells.get((row, column)), image)
        return image

    def _annotate(
        self, axes: Any, at: tuple[int, int], estimate: Estimate | None, image: Any
    ) -> None:
        if estimate is None:
            axes.text(*at, "not run", ha="center", va="center", fontsize=8, color=plotting.GRAY)
            return
        red, green, blue, _ = image.cmap(image.norm(estimate.mean / self.scale.factor))
        is_dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        text = numbers.text(estimate, self.scale)
        mean, _, half = text.partition(" ")
        shown = f"{mean}\n{half}" if half else mean
        color = "white" if is_dark else "#1A1A1A"
        axes.text(*at, shown, ha="center", va="center", fontsize=8.5, color=color)
