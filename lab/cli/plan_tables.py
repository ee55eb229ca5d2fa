"""The tables of `lab plan`: axes, filters, schedules and stages."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from lab.cli.planned import STATES, Planned, State
from lab.cli.sparkline import knots, schedules_in, sparkline, value_at
from lab.cli.tables import Row, table
from lab.compiler.parts import keys_in
from lab.compiler.plan import Node, Plan
from lab.spec.values import Value

#: Values of an axis, and schedules of a stage, that are shown.
_MOST_VALUES = 12
_MOST_SCHEDULES = 12


def axes(plan: Plan) -> Iterator[Row]:
    """What each grid varies, and its replicates."""
    yield ("grid", "axis", "number", "values")
    grids = dict.fromkeys([axis.grid for axis in plan.axes] + [run.grid for run in plan.runs])
    for grid in grids:
        for axis in plan.axes:
            if axis.grid == grid:
                yield (grid, axis.path, str(len(axis.values)), _values(axis.values))
        seeds = dict.fromkeys(run.seed for run in plan.runs if run.grid == grid)
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
    looked: set[tuple[str, int]] = set()
    for node in one.plan.nodes:
        seen = (node.label, id(node.arguments))
        if seen not in looked:
            looked.add(seen)  # what replicates share is looked at once
            rows |= dict.fromkeys(_drawn(group(node), node.arguments))
    shown = list(rows)[:_MOST_SCHEDULES]
    if shown:
        yield from table([("stage", "schedule", "from beginning to end", "knots"), *shown])
    if len(rows) > len(shown):
        yield f"{len(rows) - len(shown)} more schedules"


def _drawn(where: str, arguments: Mapping[str, Value]) -> Iterator[Row]:
    whole = arguments.get("for")
    for path, schedule in schedules_in(dict(arguments)):
        places = [0.0, *knots(schedule, whole), 1.0]
        said = ", ".join(f"{value_at(schedule, at, whole):.4g} at {at:.0%}" for at in places)
        yield (where, path, sparkline(schedule, whole), said)


def stages(one: Planned) -> Iterator[Row]:
    """Stages and measurements by what they are: how often used, how many, and what is there."""
    uses = _uses(one.plan)
    used: Counter[str] = Counter()
    states: Counter[tuple[str, State]] = Counter()
    nodes: Counter[str] = Counter()
    for node in one.plan.nodes:
        name = group(node)
        nodes[name] += 1
        used[name] += uses[node.key] or 1
        states[name, one.states[node.key]] += 1
    shown: list[State] = [kind for kind in STATES if kind in ("have", "new") or one.totals[kind]]
    yield ("stage", "uses", "nodes", "shared", *shown)
    for name, number in nodes.items():
        counts = [str(states[name, state]) for state in shown]
        yield (name, str(used[name]), str(number), f"{used[name] / number:.3g}x", *counts)


def group(node: Node) -> str:
    """What nodes of one line have in common: the arm, and the component."""
    return node.label.partition("(")[0]


def _uses(plan: Plan) -> Counter[str]:
    """How many runs use each node, by itself or by what is measured of it."""
    inputs = {node.key: tuple(node.inputs.values()) for node in plan.nodes}
    counts: Counter[str] = Counter()
    for run in plan.runs:
        waiting = [*run.stages, *(key for tree in run.metrics.values() for key in keys_in(tree))]
        seen: set[str] = set()
        while waiting:
            key = waiting.pop()
            if key not in seen:
                seen.add(key)
                waiting += inputs[key]
        counts.update(seen)
    return counts
