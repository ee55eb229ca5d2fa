"""Points as rows of text."""

from collections.abc import Sequence

from lab.compiler.plan import ColumnPlan
from lab.runtime import numbers, statistics
from lab.runtime.evidence import Estimate
from lab.runtime.figure import Heading, Table
from lab.runtime.results import Cell, Point, Results

__all__ = ["ONE_VALUE", "distinguishing", "heading_of", "scale_for", "table_of"]

ONE_VALUE = "†"
NOTHING = "–"
_ARROWS = {"higher": " ↑", "lower": " ↓"}


def table_of(
    results: Results,
    points: Sequence[Point],
    columns: Sequence[ColumnPlan],
    *,
    paths: Sequence[str],
    title: str,
) -> Table:
    """A row for each point: settings, metrics, and what it takes to judge them."""
    extra = distinguishing(points, paths)
    shown = [path for path in (*paths, *extra) if any(path in p.settings for p in points)]
    scales = [scale_for(results, points, column) for column in columns]
    before = [results.accuracy_before(point) for point in points]
    head = [Heading(path) for path in shown]
    head += [heading_of(c, s) for c, s in zip(columns, scales, strict=True)]
    head.append(Heading("n", "right"))
    if any(value is not None for value in before):
        head.append(Heading("accuracy before (%)", "right", is_detail=True))
    head += [Heading("wall time", "right", is_detail=True), Heading("key", is_detail=True)]
    rows = []
    for point, accuracy in zip(points, before, strict=True):
        cells = [results.cell(point, column.label) for column in columns]
        row = [point.settings.get(path, NOTHING) for path in shown]
        row += [_shown(cell, scale) for cell, scale in zip(cells, scales, strict=True)]
        row.append(_count(cells, point))
        if any(value is not None for value in before):
            row.append(NOTHING if accuracy is None else f"{accuracy * 100:.2f}")
        seconds = results.wall_seconds(point)
        row += [NOTHING if seconds is None else numbers.clock(seconds), point.key[:8]]
        rows.append(tuple(row))
    return Table(title, tuple(head), tuple(rows), tuple(_notes(results, points, columns)))


def distinguishing(points: Sequence[Point], paths: Sequence[str]) -> list[str]:
    """Further paths that are needed to tell the points apart, fewest first come."""
    chosen: list[str] = []
    every = list(dict.fromkeys(path for point in points for path in point.settings))
    for path in every:
        if path in paths or _classes(points, (*paths, *chosen)) == len(points):
            continue
        if _classes(points, (*paths, *chosen, path)) > _classes(points, (*paths, *chosen)):
            chosen.append(path)
    return chosen


def _classes(points: Sequence[Point], paths: Sequence[str]) -> int:
    return len({tuple(point.settings.get(path) for path in paths) for point in points})


def heading_of(column: ColumnPlan, scale: numbers.Scale) -> Heading:
    """A metric's label with its unit and the direction in which it gets better."""
    unit = f" ({scale.suffix})" if scale.suffix else ""
    return Heading(f"{column.label}{unit}{_ARROWS.get(column.better or '', '')}", "right")


def scale_for(results: Results, points: Sequence[Point], column: ColumnPlan) -> numbers.Scale:
    """One scale for all of a column."""
    means = [_mean(results.cell(point, column.label)) for point in points]
    return numbers.scale_of(column.unit, *(mean for mean in means if mean is not None))


def _mean(cell: Cell) -> float | None:
    return None if cell.estimate is None else cell.estimate.mean


def _shown(cell: Cell, scale: numbers.Scale) -> str:
    estimate = cell.estimate
    if estimate is None:
        return cell.failure or ("not run" if cell.planned else NOTHING)
    mark = f" {ONE_VALUE}" if estimate.basis in ("deterministic", "identical") else ""
    over_examples = ""
    if estimate.examples is not None:
        half = numbers.signed_half(estimate.examples, estimate.mean, scale=scale)
        over_examples = f" [{half}]"
    partly = f" ({cell.made} of {cell.planned})" if cell.made < cell.planned else ""
    return numbers.text(estimate, scale) + mark + over_examples + partly


def _count(cells: Sequence[Cell], point: Point) -> str:
    """Independent measurements behind the row; "2 of 3" where replicates are missing."""
    made = max((cell.made for cell in cells), default=0)
    if made < len(point.runs):
        return f"{made} of {len(point.runs)}"
    return str(max(cell.estimate.n for cell in cells if cell.estimate is not None))


def _notes(results: Results, points: Sequence[Point], columns: Sequence[ColumnPlan]) -> list[str]:
    found = [
        cell.estimate
        for point in points
        for cell in (results.cell(point, column.label) for column in columns)
        if cell.estimate is not None
    ]
    notes = [_note_on_intervals(found)] if any(e.interval for e in found) else []
    if any(e.basis == "replicates" and e.interval is None for e in found):
        notes.append("No interval below three replicates.")
    if any(e.basis in ("deterministic", "identical") for e in found):
        notes.append(
            f"{ONE_VALUE} deterministic given the checkpoint, or the same in every replicate: "
            "there is no interval over replicates."
        )
    if any(e.examples for e in found):
        notes.append(
            "In brackets, the 95 % interval over test examples (bootstrap, paired by example)."
        )
    return notes


def _note_on_intervals(found: Sequence[Estimate]) -> str:
    counts = sorted({e.n for e in found if e.interval is not None})
    methods = {e.interval.method for e in found if e.interval is not None}
    names = {"student t": "Student t", "studentized bootstrap": "studentized bootstrap"}
    coverage = statistics.skewed_coverage(counts[0])
    skewed = "" if coverage is None else f"; it covers {coverage:.0%} where replicates are skewed"
    made = " and ".join(sorted(names.get(method, method) for method in methods))
    return (
        f"± is the 95 % interval of the mean over n = {_span(counts)} replicates ({made}{skewed})."
    )


def _span(counts: Sequence[int]) -> str:
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]}–{counts[-1]}"
