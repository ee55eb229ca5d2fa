"""What a report says of what was decided on the way: trials of searches, and replicates."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.compiler.plan import Plan, SearchPlan
from lab.runtime import numbers
from lab.runtime.evidence import Values
from lab.runtime.figure import Heading, Table
from lab.runtime.journal import Entry, Journal, journal_of
from lab.runtime.replicates import Replicates, counted
from lab.spec.records import made_by, record

__all__ = ["NOTHING_GREW", "Grown", "grown"]

#: Trials that a table shows; the others are in `results.json`.
_ROWS = 30


@record
class Grown:
    """Tables for people, and the same for programs."""

    tables: tuple[Table, ...] = ()
    data: Mapping[str, Any] = made_by(default_factory=dict[str, Any])


NOTHING_GREW = Grown()


def grown(plan: Plan, root: Path, values: Values, failed: frozenset[str]) -> Grown:
    """What was decided on the way to a plan.

    Args:
        plan: with all the replicates that there may be. `root`: the store's folder.
        values: what was measured. `failed`: keys of what failed when it was last tried.
    """
    journals = [(one, journal_of(one, root)) for one in plan.searches]
    replicates = counted(plan, values, failed)
    tables = [trials_table(one, journal) for one, journal in journals if journal.entries]
    if replicates:
        tables.append(replicates_table(plan, replicates))
    data: dict[str, Any] = {}
    if journals:
        data["searches"] = [_search(one, journal) for one, journal in journals]
    if replicates:
        data["replicates"] = [_point(one) for one in replicates]
    return Grown(tuple(tables), data)


def trials_table(search: SearchPlan, journal: Journal) -> Table:
    """The trials of a search, the best first; those that break the constraint and failed ones last.

    Its goal is on validation: that of the winner is too good by the luck of having won.
    """
    trials, best = journal.trials(search), journal.best(search)
    arms = {one.arm for one in trials}
    paths = [
        path
        for path in search.space
        if any(path in one.settings for one in trials) and (path != "method" or len(arms) > 1)
    ]
    goals = [one.told.goal for one in trials if one.told and one.told.goal is not None]
    scale = numbers.scale_of(search.unit, *goals)
    arrow = " ↓" if search.direction == "minimize" else " ↑"
    unit = f" ({scale.suffix})" if scale.suffix else ""
    head = [Heading("trial", "right"), *map(Heading, paths)]
    head += [Heading(f"{search.goal}{unit}{arrow}", "right"), Heading("outcome")]
    head.append(Heading("key", is_detail=True))
    shown = sorted(trials, key=lambda one: _rank(one, search))
    rows = [
        (
            str(one.number),
            *(one.settings.get(path, "–") for path in paths),
            _goal(one, scale),
            "best" if one == best else _outcome(one),
            one.keys[0][:8] if one.keys else "–",
        )
        for one in shown[:_ROWS]
    ]
    title = f"Trials of `{search.name}`" + (f": {search.title}" if search.title else "")
    return Table(title, tuple(head), tuple(rows), tuple(_notes(search, journal, len(shown))))


def _rank(one: Entry, search: SearchPlan) -> tuple[float, ...]:
    sign = 1 if search.direction == "minimize" else -1
    number = float(one.number or 0)
    if one.told is None or one.told.goal is None:
        return (2, 0, number)
    excess = sum(max(0.0, part) for part in one.told.violations)
    return (1, excess, number) if excess else (0, sign * one.told.goal, number)


def _goal(one: Entry, scale: numbers.Scale) -> str:
    return "–" if one.told is None or one.told.goal is None else scale.certain(one.told.goal)


def _outcome(one: Entry) -> str:
    if one.told is None:
        return "not run"
    if one.told.failure is not None:
        return one.told.failure.split(":", 1)[0]
    return "" if one.told.is_feasible else "breaks the constraint"


def _notes(search: SearchPlan, journal: Journal, count: int) -> list[str]:
    said = f"{search.direction} {search.goal}"
    said += f" subject to {search.constraint}" if search.constraint else ""
    known = sum(one.told is not None for one in journal.trials(search))
    each = f", means of {search.replicates} replicates each" if search.replicates > 1 else ""
    notes = [f"{known} of {search.trials} trials to {said}, measured on validation{each}."]
    rejected = sum(one.rejected is not None for one in journal.entries)
    if rejected:
        notes.append(f"{rejected} more proposals were left out by the filters.")
    if count > _ROWS:
        notes.append(f"The other {count - _ROWS} trials are in `results.json`.")
    return notes


def replicates_table(plan: Plan, replicates: Sequence[Replicates]) -> Table:
    """How many replicates each point got, and how narrow its interval became."""
    listed = [path for axis in plan.axes for path in (axis.path,) if path != "method"]
    paths = [p for p in dict.fromkeys(listed) if any(p in one.settings for one in replicates)]
    head = [Heading("grid"), Heading("method"), *map(Heading, paths)]
    head += [Heading("replicates", "right"), Heading("half-width", "right"), Heading("outcome")]
    columns = {c.label: c for f in plan.figures for cs in f.columns.values() for c in cs}
    rows = []
    for one in replicates:
        column = columns.get(_inside(one.adaptive.metric))
        scale = numbers.scale_of(column.unit if column else None, one.adaptive.width)
        half = "–" if one.half is None else scale.certain(one.half) + scale.after
        cells = [one.settings.get(path, "–") for path in paths]
        arm = one.settings.get("method", one.arm)
        got = (str(one.total), half, _reached(one))
        rows.append((one.adaptive.grid, arm, *cells, *got))
    texts = dict.fromkeys(
        f"`{one.adaptive.grid}`: {one.adaptive.least} to {one.adaptive.most} replicates of each "
        f"point, until {one.adaptive.text}."
        for one in replicates
    )
    return Table("Replicates", tuple(head), tuple(rows), tuple(texts))


def _inside(text: str) -> str:
    """The metric of `ci95(drop) < 0.2%`."""
    return text.partition("(")[2].rpartition(")")[0]


def _reached(one: Replicates) -> str:
    if not one.is_known:
        return "not run yet"
    if one.is_enough:
        return "narrow enough" if one.half is not None else "nothing random to average"
    return "the most there may be"


def _search(search: SearchPlan, journal: Journal) -> dict[str, Any]:
    best = journal.best(search)
    return {
        "name": search.name,
        "key": search.key,
        "direction": search.direction,
        "goal": search.goal,
        "constraint": search.constraint,
        "unit": search.unit,
        "best": None if best is None else best.number,
        "trials": [_trial(one) for one in journal.trials(search)],
    }


def _trial(one: Entry) -> dict[str, Any]:
    told = one.told
    return {
        "trial": one.number,
        "arm": one.arm,
        "settings": dict(one.settings),
        "keys": list(one.keys),
        "goal": None if told is None else told.goal,
        "replicates": [] if told is None else list(told.replicates),
        "violations": [] if told is None else list(told.violations),
        "failure": None if told is None else told.failure,
    }


def _point(one: Replicates) -> dict[str, Any]:
    return {
        "grid": one.adaptive.grid,
        "point": one.point,
        "arm": one.arm,
        "until": one.adaptive.text,
        "replicates": one.total,
        "half_width": one.half,
        "is_known": one.is_known,
        "is_enough": one.is_enough,
    }
