"""Plans that grow: what `plan`, `run` and `report` do about searches and waiting replicates."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lab.cli.load import Loaded
from lab.cli.options import Options
from lab.cli.standing import as_it_stands
from lab.compiler.parts import with_replicates
from lab.compiler.plan import Plan, SearchPlan
from lab.runtime.counts import known_counts
from lab.runtime.growing import known_plan
from lab.runtime.journal import journal_of
from lab.runtime.missing import missing

if TYPE_CHECKING:
    from lab.runtime.execution import Limits
    from lab.runtime.store import Store

#: Failures by key: why something was not made.
Failures = Mapping[str, Mapping[str, Any]]


def grows(plan: Plan) -> bool:
    """Whether what a plan asks for is decided as its results come in."""
    return bool(plan.searches or plan.adaptive)


def as_known(loaded: Loaded, root: Path, *, at_most: bool = False) -> Plan | None:
    """A study's plan with the winners of the searches that are over in a store.

    And with the replicates that its points got, unless it shall have all there may be (`at_most`).
    """
    plan = loaded.plan
    if plan is not None and loaded.planner is not None and plan.searches:
        plan = known_plan(loaded.planner, root).plan
    if plan is None or at_most or not plan.adaptive:
        return plan
    return with_replicates(plan, known_counts(plan, root))


def with_foreseen(loaded: Loaded, plan: Plan, root: Path) -> Plan:
    """A plan with nodes like those of the trials that its searches have still to run."""
    if loaded.planner is None or not plan.searches:
        return plan
    from lab.compiler.foreseen import with_trials

    left: dict[str, int] = {}
    for one in plan.searches:
        known = journal_of(one, root).trials(one)
        left[one.name] = one.trials - sum(trial.told is not None for trial in known)
    decided = known_plan(loaded.planner, root).decided
    return with_trials(plan, loaded.planner, left=left, decided=decided)


def adaptive_lines(plan: Plan) -> Iterator[str]:
    """What `lab plan` says of replicates that go on until an interval is narrow."""
    for one in plan.adaptive:
        points: dict[str, int] = {}
        for run in plan.runs:
            if run.grid == one.grid:
                points[run.point] = points.get(run.point, 0) + 1
        counts = sorted({min(points.values(), default=one.most), max(points.values(), default=0)})
        got = " to ".join(map(str, counts))
        counted = "counted at their most" if min(counts) >= one.most else f"{got} were needed"
        most = f"{one.least} to {one.most} replicates, until {one.text}"
        yield f"grid {one.grid}: {most}; {counted}"


def search_lines(plan: Plan, root: Path) -> Iterator[str]:
    """What `lab plan` says of each search."""
    for one in plan.searches:
        count = f"{one.runs} runs, {one.trials} trials of {one.replicates} replicate"
        yield f"search {one.name}: {count}{'' if one.replicates == 1 else 's'}{_state(one, root)}"


def _state(search: SearchPlan, root: Path) -> str:
    if search.best is not None:
        found = ", ".join(f"{path} {value}" for path, value in search.best.items())
        return f"; over: `{search.name}.best` has {found}"
    journal = journal_of(search, root)
    told = sum(one.told is not None for one in journal.trials(search))
    if told == search.trials:
        return f"; over, and no trial can be `{search.name}.best`"
    done = f"; {told} trials done" if told else ""
    return f"{done}; `{search.name}.best` waits for it"


def lost_searches(plan: Plan, root: Path) -> Iterator[str]:
    """Of each search that is over without a winner: that it is, and what to do."""
    for one in plan.searches:
        journal = journal_of(one, root)
        if journal.is_over(one) and one.best is None:
            failed = sum(bool(t.told and t.told.failure) for t in journal.trials(one))
            yield (
                f"search `{one.name}` has no winner: of {one.trials} trials {failed} failed, and "
                f"none of the others keeps to {one.constraint}; loosen it or give it more `trials`"
                if failed < one.trials
                else f"search `{one.name}` has no winner: all of its {one.trials} trials failed; "
                f"remove {journal.path} to have it begin again"
            )


def run_growing(
    loaded: Loaded, store: "Store", options: Options, *, limits: "Limits"
) -> tuple[Failures, str | None]:
    """Run what a growing plan says is missing, round by round, on one set of workers.

    Returns the failures, and why it was stopped where it was.
    """
    from lab.cli.progress import Display
    from lab.runtime.engine import Opening, open_engine
    from lab.runtime.execution import Outcome, execute, widest
    from lab.runtime.growing import growing, run_rounds

    planner, plan = loaded.planner, loaded.plan
    stopped: list[str] = []
    if plan is None or planner is None:
        return {}, None
    most = max(widest(plan), sum(one.runs for one in plan.searches))
    opening = Opening(store.root, most, options.jobs, options.devices or 1)
    workers = open_engine(options.engine, opening)
    display = Display(plan, ())
    with ExitStack() as shown:
        shown.callback(workers.stop)

        def run(part: Plan, limit: int | None) -> Outcome:
            todo = missing(part, store.keys())[:limit]
            if not todo:
                return Outcome((), {})
            display.more(todo)
            if display.total == len(todo):
                shown.enter_context(display)
            folder, listen = loaded.file.resolve().parent, display.listen
            outcome = execute(
                part,
                store,
                folder=folder,
                listener=listen,
                limit=limit,
                engine=workers,
                limits=limits,
            )
            stopped.extend([outcome.stopped] if outcome.stopped else [])
            return outcome

        def stands(part: Plan) -> Plan:
            return as_it_stands(loaded, part, store.root, tells_stale=False).plan

        rounds = growing(planner, store, workers=workers.places, stands=stands)
        failed = run_rounds(rounds, store, run, limit=options.limit)
    if not display.total:
        print(f"{plan.study}: everything is there already, nothing to run", file=sys.stderr)
    return failed, next(iter(stopped), None)


def settled(plan: Plan, values: Mapping[str, Any], failed: frozenset[str]) -> Plan:
    """A plan with the replicates that its points get by what is stored."""
    if not plan.adaptive:
        return plan
    from lab.runtime.replicates import counted, narrowed

    return narrowed(plan, counted(plan, values, failed))
