"""`table(ratio, drop, by: method)`: a row for each point, with everything one needs to judge it.

The points are those that depart from their arm nowhere but at the paths of `by`; where `method` is
not among these, only those that have a value at all of them. A row has the means over replicates
with their 95 % intervals, the number of replicates, the accuracy of the same checkpoint before
compression, the time its stages took, and its key.
"""

from collections.abc import Sequence

from lab.compiler.plan import ColumnPlan
from lab.runtime.figure import Drawing, Figure
from lab.runtime.report.tables import table_of
from lab.runtime.results import Point, Results
from lab.spec.declare import Metric, PathName, component, parameter


@component("table", kind="figure")
class TableFigure(Figure):
    """Numbers with their intervals, a row for each point."""

    metrics: tuple[Metric, ...] = parameter(doc="the columns", positional=True)
    by: tuple[PathName, ...] = parameter((), "paths that tell the rows apart")

    def draw(self, results: Results) -> Sequence[Drawing]:
        """One table."""
        paths = tuple(self.by) or ("method",)
        columns: tuple[ColumnPlan, ...] = self.metrics
        title = f"{_listed([column.label for column in columns])} by {_listed(paths)}"
        having = () if "method" in paths else paths
        points = results.within(paths, having=having)
        if having:
            points = _ordered(results, points, paths)
        return [table_of(results, points, columns, paths=paths, title=title)]


def _ordered(results: Results, points: Sequence[Point], paths: Sequence[str]) -> list[Point]:
    """Points in the order of their values, numbers by size."""
    ranks = {
        path: {value: rank for rank, value in enumerate(results.values_of(path, points))}
        for path in paths
    }
    return sorted(points, key=lambda one: [ranks[path][one.settings[path]] for path in paths])


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))
