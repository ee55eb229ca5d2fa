"""`lab plan` as a person reads it: what there is, what is new and why, what it costs, in the end
how much it is."""

from collections.abc import Iterator, Sequence

from lab.cli.growth import adaptive_lines, search_lines
from lab.cli.plan_tables import axes, removed, schedules, stages
from lab.cli.planned import STATES, Planned, State
from lab.cli.tables import table
from lab.compiler.plan import Run
from lab.compiler.strands import repeats_of
from lab.runtime.contents import missing_files
from lab.runtime.descent import accepted_texts

#: Reasons that are told one by one.
_MOST_REASONS = 20


def as_text(one: Planned) -> str:
    """The plan in sections, the summary last."""
    sections = (
        [_head(one)],
        table(list(axes(one.plan))),
        list(removed(one.plan)),
        [*search_lines(one.plan, one.store), *adaptive_lines(one.plan)],
        list(schedules(one)),
        table(list(stages(one))) if one.plan.nodes else [],
        list(_reasons(one)),
        _points(one) if one.options.verbose else [],
        _costs(one),
        list(accepted_texts(one.standing)),
        list(_missing_files(one)),
        list(summary(one)),
    )
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def _head(one: Planned) -> str:
    plan = one.plan
    profile = f" (profile {plan.profile})" if plan.profile else ""
    only = f", only {one.options.only}" if one.options.only else ""
    title = f": {plan.title}" if plan.title else ""
    return f"{plan.study}{profile}{title}{only}"


def _reasons(one: Planned) -> Iterator[str]:
    if not one.have and one.has_new:
        yield "why new: nothing is stored yet"
        return
    told = one.reasons[:_MOST_REASONS]
    if told:
        from lab.cli.because import reason_line

        yield "why new:"
        yield from (f"  {reason_line(reason, one.loaded)}" for reason in told)
    rest = one.reasons[_MOST_REASONS:]
    if rest:
        nodes = sum(len(reason.nodes) + len(reason.follow) for reason in rest)
        yield f"  {len(rest)} more reasons: {nodes}"


def _points(one: Planned) -> list[str]:
    """Every point with its settings, its replicates and the states of its last stages."""
    points: dict[tuple[str, str], list[Run]] = {}
    for run in one.plan.runs:
        points.setdefault((run.grid, run.point), []).append(run)
    paths = list(dict.fromkeys(path for run in one.plan.runs for path in run.settings))
    rows = [("grid", *paths, "seeds", "state")]
    for (grid, _), runs in points.items():
        cells = (runs[0].settings.get(path, "") for path in paths)
        seeds = ", ".join(str(run.seed) for run in runs)
        rows.append((grid, *cells, seeds, _state(one, runs)))
    return table(rows)


def _state(one: Planned, runs: Sequence[Run]) -> str:
    """The states of the stages that runs end with; one word where they are all the same."""
    found = [one.states[run.stages[-1]] for run in runs]
    counts = {state: found.count(state) for state in STATES if state in found}
    if len(counts) == 1:
        return next(iter(counts))
    return ", ".join(f"{count} {state}" for state, count in counts.items())


def _costs(one: Planned) -> list[str]:
    from lab.cli.costs import lines

    return lines(one.prices) if one.has_new else []


def _missing_files(one: Planned) -> Iterator[str]:
    for name in missing_files(one.plan, one.folder):
        yield f"`{name}` is not in {one.folder} yet: `lab run` needs it, and keys depend on it"


def summary(one: Planned) -> Iterator[str]:
    """How much a plan is: the last lines of `lab plan`, the first of `lab run`."""
    plan, totals = one.plan, one.totals
    points = sum(grid.points for grid in repeats_of(plan).values())
    yield f"{_count(len(plan.runs), 'run')} of {_count(points, 'point')}, " + _count(
        len(plan.claims), "claim"
    )
    told: list[State] = [state for state in STATES if state in ("have", "new") or totals[state]]
    states = ", ".join(f"{totals[state]} {_WORDS[state]}" for state in told)
    yield f"{len(plan.nodes)} stages and measurements: {states}"


_WORDS: dict[State, str] = {
    "have": "have",
    "resume": "to be gone on with",
    "new": "new",
    "failed": "failed when last tried",
    "waits": "wait for a search",
    "not needed": "not needed",
}


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("" if number == 1 else "s")
