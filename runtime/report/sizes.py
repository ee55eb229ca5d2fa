"""Real bytes, nominal bits and entropy side by side, for every point whose size was measured."""

from lab.runtime import numbers
from lab.runtime.figure import Heading, Table
from lab.runtime.report.tables import distinguishing
from lab.runtime.results import Point, Results

__all__ = ["sizes_table"]

_KINDS = {
    "value": "file on disk",
    "state": "float32 state",
    "nominal": "nominal bits",
    "entropy": "entropy estimate",
}


def sizes_table(results: Results) -> Table | None:
    """A row for each point with the sizes of what it ships; None where no size was measured."""
    found = {point.identity: _sizes(results, point) for point in results.points}
    points = [point for point in results.points if found[point.identity]]
    if not points:
        return None
    paths = ["method", *distinguishing(points, ("method",))]
    scale = numbers.scale_of("bytes", min(sizes["value"] for sizes in found.values() if sizes))
    heads = [Heading(path) for path in paths]
    heads += [Heading(f"{text} ({scale.suffix})", "right") for text in _KINDS.values()]
    heads.append(Heading("float32 state / file", "right"))
    rows = []
    for point in points:
        sizes = found[point.identity]
        row = [point.settings.get(path, "–") for path in paths]
        row += [numbers.plain(sizes[k] / scale.factor) if k in sizes else "–" for k in _KINDS]
        ratio = sizes["state"] / sizes["value"] if "state" in sizes else None
        row.append("–" if ratio is None else f"{ratio:.2f}")
        rows.append(tuple(row))
    notes = ("Nominal bits and entropy leave out headers; only the file is a size on disk.",)
    return Table("Sizes", tuple(heads), tuple(rows), notes)


def _sizes(results: Results, point: Point) -> dict[str, float]:
    """Means over replicates of the sizes measured of what a point ships."""
    measured = [results.measured_of(run.stages[-1], "bytes") for run in point.runs]
    there = [values for values in measured if values is not None]
    return {
        kind: sum(float(values[kind]) for values in there) / len(there)
        for kind in _KINDS
        if there and all(kind in values for values in there)
    }
