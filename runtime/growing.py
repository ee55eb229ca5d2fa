"""A plan that grows as results come in: searches, then replicates until intervals are narrow.

    rounds:  plan -> execute -> outcome -> plan -> ...

Whoever executes knows nothing of searches or intervals, and what decides on the next round knows
nothing of engines. What is decided is read from the store each time, so a growing plan that was
stopped anywhere goes on from there, and `known_plan` says at any time what it has grown to.
"""

from collections.abc import Callable, Generator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lab.compiler.build import Refusal
from lab.compiler.plan import Plan
from lab.compiler.planner import Planner
from lab.compiler.searches import Decisions, ready
from lab.runtime.errors import LabError
from lab.runtime.journal import journal_of
from lab.runtime.missing import missing
from lab.spec.records import record

if TYPE_CHECKING:
    from lab.runtime.execution import Outcome
    from lab.runtime.store import Store

T = TypeVar("T")


@record
class Round:
    """A plan to be executed: of trials of a `search`, or of what the study asks for itself."""

    plan: Plan
    search: str | None = None


#: Yields what is to be executed, and is sent what came of it.
Rounds = Generator[Round, "Outcome", None]


@record
class Known:
    """What is known of a plan that grows: with the winners of the searches that are over."""

    plan: Plan
    decided: Decisions


def known_plan(planner: Planner, root: Path) -> Known:
    """The plan with the winner of every search whose journal in a store says that it is over.

    Raises LabError where the study has no plan. Imports no numerics, for `lab plan`.
    """
    decided: dict[str, dict[str, int | float]] = {}
    plan = _planned(planner, decided)
    for place in range(len(plan.searches)):
        search = plan.searches[place]
        best = journal_of(search, root).best(search)
        if best is not None:
            decided[search.name] = best.values
            plan = _planned(planner, decided)
    return Known(plan, decided)


def _planned(planner: Planner, decided: Decisions) -> Plan:
    plan = planner.plan(decided)
    if isinstance(plan, Refusal):
        raise LabError(plan.message)
    return plan


def growing(
    planner: Planner,
    store: "Store",
    *,
    workers: int,
    stands: Callable[[Plan], Plan] = lambda plan: plan,
) -> Rounds:
    """All that a study asks for, round by round.

    Args:
        planner: the study. `store`: where results are and go.
        workers: how many trials of a search are in flight together, unless its journal says.
        stands: a plan with what older code made and what was accepted in its place.
    """
    from lab.runtime.replicates import replicate_rounds
    from lab.runtime.searching import search_rounds

    known = known_plan(planner, store.root)
    for place in range(len(known.plan.searches)):
        search, decided = known.plan.searches[place], known.decided
        if planner.filters and not _is_waited_for(known.plan, place):
            break
        if not journal_of(search, store.root).is_over(search):
            plans = search_rounds(planner, search, store, decided=decided, workers=workers)
            yield from _labeled(plans, search.name)
            known = known_plan(planner, store.root)
    yield from _labeled(replicate_rounds(stands(ready(known.plan)), store), None)


def _is_waited_for(plan: Plan, place: int) -> bool:
    """Whether runs wait for a search, or for a later one that may take its winner."""
    names = {f"{search.name}.best" for search in plan.searches[place:]}
    return any(node.label.partition(":")[0] in names for node in plan.nodes)


def run_rounds(
    rounds: Rounds,
    store: "Store",
    run: Callable[[Plan, int | None], "Outcome"],
    *,
    limit: int | None = None,
) -> dict[str, Mapping[str, Any]]:
    """Execute round after round, as far as a limit and failures let it go on.

    Args:
        rounds: from `growing`. `store`: where results go.
        run: executes what is missing of a plan, and at most so many nodes of it.
        limit: nodes to run at most, in all.

    Returns the failures by key, those of trials left out: a search is told of them.
    """
    failed: dict[str, Mapping[str, Any]] = {}
    left = limit
    one = next(rounds, None)
    while one is not None:
        outcome = run(one.plan, left)
        if left is not None:
            left = max(0, left - len(outcome.made) - len(outcome.failed))
        if one.search is None or outcome.stopped:
            failed.update(outcome.failed)
        undone = {node.key for node in missing(one.plan, store.keys())} - outcome.failed.keys()
        if undone or left == 0:
            rounds.close()
            break
        one = _next(rounds, outcome)
    return failed


def _labeled(plans: Generator[Plan, "Outcome", None], search: str | None) -> Rounds:
    plan = next(plans, None)
    while plan is not None:
        outcome = yield Round(plan, search)
        plan = _next(plans, outcome)


def _next(generator: Generator[T, "Outcome", None], outcome: "Outcome") -> T | None:
    try:
        return generator.send(outcome)
    except StopIteration:
        return None
