"""A plan that grows as results come in: searches, then replicates until intervals are narrow.

    rounds:  plan -> execute -> outcome -> plan -> ...

Whoever executes knows nothing of searches or intervals, and what decides on the next round knows
nothing of engines. What is decided is read from the store each time, so a growing plan that was
stopped anywhere goes on from there, and `known_plan` says at any time what it has grown to.
"""

from collections.abc import Generator
from pathlib import Path
from typing import TYPE_CHECKING

from lab.compiler.build import Refusal
from lab.compiler.plan import Plan
from lab.compiler.planner import Planner
from lab.compiler.searches import Decisions, ready
from lab.runtime.errors import LabError
from lab.runtime.journal import journal_of
from lab.spec.records import record

if TYPE_CHECKING:
    from lab.runtime.execution import Outcome
    from lab.runtime.store import Store

#: Yields plans to be executed, and is sent what came of each.
Rounds = Generator[Plan, "Outcome", None]


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


def growing(planner: Planner, store: "Store", *, workers: int) -> Rounds:
    """All that a study asks for, round by round.

    Args:
        planner: the study. `store`: where results are and go.
        workers: how many trials of a search are in flight together, unless its journal says.
    """
    from lab.runtime.replicates import replicate_rounds
    from lab.runtime.searching import search_rounds

    known = known_plan(planner, store.root)
    for place in range(len(known.plan.searches)):
        search, decided = known.plan.searches[place], known.decided
        if not journal_of(search, store.root).is_over(search):
            yield from search_rounds(planner, search, store, decided=decided, workers=workers)
            known = known_plan(planner, store.root)
    yield from replicate_rounds(ready(known.plan), store)
