"""The tables of `lab plan`: axes, filters, schedules and stages."""

from collections.abc import Iterator, Mapping, Sequence

from lab.cli.planned import STATES, Planned, State
from lab.cli.sparkline import drawn, knots, schedules_in, value_at, values_of
from lab.cli.tables import Row, table
from lab.compiler.facts import Asking, UnknownError
from lab.compiler.plan import Plan
from lab.compiler.strands import line_of, notable_kinds, repeats_of
from lab.runtime.arithmetic import asking
from lab.spec.values import Value

#: Values of an axis, and schedules of a stage, that are shown.
_MOST_VALUES = 12
_MOST_SCHEDULES = 12


def axes(plan: Plan) -> Iterator[Row]:
    """What each grid varies, and its replicates."""
    yield ("grid", "axis", "number", "values")
    repeated = repeats_of(plan)
    grids = dict.fromkeys([axis.grid for axis in plan.axes] + list(repeated))
    for grid in grids:
        for axis in plan.axes:
            if axis.grid == grid:
                yield (grid, axis.path, str(len(axis.values)), _values(axis.values))
        seeds = repeated[grid].seeds if grid in repeated else ()
        yield (grid, "replicates", str(len(seeds)), _values([str(seed) for seed in seeds], ", "))


def _values(values: Sequence[str], between: str = " | ") -> str:
    shown = between.join(values[:_MOST_VALUES])
    rest = len(values) - _MOST_VALUES
    return shown if rest <= 0 else f"{shown}{between}… ({rest} more)"


def removed(plan: Plan) -> Iterator[str]:
    """What filters took away, and why."""
    for one in plan.removed:
        because = f", because {one.reason}" if one.reason else ""
        yield f"{one.grid}: {one.text} removed {one.runs} runs{because}; {one.left} are left"


def schedules(one: Planned) -> Iterator[str]:
    """Numbers that change over a stage: how they go, and where their pieces meet."""
    rows: dict[Row, None] = {}
    looked: dict[int, bool] = {}
    facts = asking(one.catalog)
    for kind in notable_kinds(one.plan):
        if _may_change(kind.arguments, looked):
            rows |= dict.fromkeys(_drawn(line_of(kind), kind.arguments, facts))
    shown = list(rows)[:_MOST_SCHEDULES]
    if shown:
        yield from table([("stage", "schedule", "from beginning to end", "knots"), *shown])
    if len(rows) > len(shown):
        yield f"{len(rows) - len(shown)} more schedules"


def _may_change(value: Mapping[str, Value], looked: dict[int, bool]) -> bool:
    """Whether a schedule is inside. Stages share most of their values: each is looked at once."""
    known = looked.get(id(value))
    if known is None:
        known = "schedule" in value or value.get("kind") == "schedule"
        for one in value.values():
            if isinstance(one, dict) and _may_change(one, looked):
                known = True
        looked[id(value)] = known
    return known


def _drawn(where: str, arguments: Mapping[str, Value], facts: Asking) -> Iterator[Row]:
    whole = arguments.get("for")
    for path, schedule in schedules_in(dict(arguments)):
        places = [0.0, *knots(schedule, whole), 1.0]
        try:
            known = [(at, value_at(schedule, at, whole, facts)) for at in places]
            line = drawn(values_of(schedule, whole, facts))
        except UnknownError as unknown:
            yield (where, path, "", f"`{unknown.name}` does not tell its curve")
            continue
        yield (where, path, line, ", ".join(f"{value:.4g} at {at:.0%}" for at, value in known))


def stages(one: Planned) -> Iterator[Row]:
    """Stages and measurements by what they are: how often used, how many, and what is there."""
    shown: list[State] = [kind for kind in STATES if kind in ("have", "new") or one.totals[kind]]
    yield ("stage", "uses", "nodes", "shared", *shown)
    for name, line in one.lines.items():
        counts = [str(line.states[state]) for state in shown]
        number = line.nodes
        yield (name, str(line.uses), str(number), f"{line.uses / number:.3g}x", *counts)
