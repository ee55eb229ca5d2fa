"""A search, trial by trial: Optuna proposes, we run, it is told.

    propose batch -> plan of its trials -> execute -> tell -> propose the next

A proposal depends on the study's seed, its own number, what came of all batches before its own, and
where its siblings are. Nothing else: no clock, no state of a process. So a search that was killed
goes on as if it had not been, and the trials of a finished one are found again without Optuna.

A batch has as many trials as there are workers; the journal keeps that number and every proposal,
so another machine or version of Optuna goes on with the trials there are. Trials that fail are told
as failed; proposals that a filter leaves out are drawn again and count for nothing. A constraint is
checked on means over replicates. The best trial keeps to it; of equals the first one wins.
"""

import math
from collections.abc import Generator, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from lab.compiler.build import Refusal
from lab.compiler.plan import Comparison, Junction, Plan, SearchPlan, Tree
from lab.compiler.planner import Planner, plan_of_trials
from lab.compiler.searches import Decisions, waiting
from lab.compiler.trials import Ask, Asked, Domain, Number, Trial, replay
from lab.runtime.errors import CorruptFile, LabError
from lab.runtime.evidence import Lookup
from lab.runtime.journal import Entry, Journal, Told, journal_of
from lab.runtime.proposing import asking_for

if TYPE_CHECKING:
    from lab.runtime.execution import Outcome
    from lab.runtime.store import Store

#: Proposals in a row that a search's filters may leave out.
_MOST_REJECTED = 100
#: What a strict comparison falls short by where both sides are equal.
_JUST_NOT = 1e-12


def search_rounds(
    planner: Planner, search: SearchPlan, store: "Store", *, decided: Decisions, workers: int
) -> Generator[Plan, "Outcome", None]:
    """The plans of a search's batches, each yielded to be executed and sent what came of it.

    Ends when the search is over, or when an execution left something undone.
    """
    running = _Search(planner, search, store, decided=decided)
    size = running.journal.begin(workers)
    while not running.journal.is_over(search):
        batch = running.batch(size)
        plan = plan_of_trials(running.plan, [trial for _, trial in batch])
        if waiting(plan):
            return
        outcome = yield plan
        have = store.keys()
        if not all([running.tell(*one, outcome=outcome, have=have) for one in batch]):
            return


class _Search:
    """A search at work."""

    def __init__(
        self, planner: Planner, search: SearchPlan, store: "Store", *, decided: Decisions
    ) -> None:
        plan = planner.plan(decided)
        if isinstance(plan, Refusal):
            raise LabError(plan.message)
        self.plan = plan
        self.planner = planner
        self.search = search
        self.store = store
        self.decided = decided
        self.journal: Journal = journal_of(search, store.root)

    def batch(self, size: int) -> list[tuple[Entry, Trial]]:
        """The trials of the first batch that is not over, proposed as far as they were not."""
        known = self.journal.trials(self.search)
        over = sum(one.told is not None for one in known)
        first = next((i for i, one in enumerate(known) if one.told is None), over)
        first -= first % size
        last = min(first + size, self.search.trials)
        for number in range(len(known), last):
            self._propose(number, first)
        return [
            (one, self._again(one))
            for one in self.journal.trials(self.search)[first:last]
            if one.told is None
        ]

    def _propose(self, number: int, first: int) -> None:
        """Draw a trial that the search's filters leave in."""
        for _ in range(_MOST_REJECTED):
            ask = len(self.journal.entries)
            asking = asking_for(self.journal.entries, self.search, ask=ask, first=first)
            entry, refused = self._drawn(asking, ask, number)
            self.journal.propose(entry)
            if refused is not None:
                self.journal.tell(ask, Told(None, failure=f"refused: {refused}"))
            if entry.rejected is None:
                return
        raise LabError(
            f"the filters of the search `{self.search.name}` left out {_MOST_REJECTED} proposals "
            "in a row: make its axes such that more of them are kept"
        )

    def _drawn(self, asking: Ask, ask: int, number: int) -> tuple[Entry, str | None]:
        """The trial that is proposed, and why it cannot be, where it cannot."""
        taken: list[Asked] = []

        def noting(name: str, domain: Domain) -> Number:
            taken.append(Asked(name, domain, asking(name, domain)))
            return taken[-1].value

        trial = self.planner.trial(self.search.name, noting, self.decided)
        if isinstance(trial, Refusal):
            return Entry(ask, number, "", tuple(taken), {}, ()), trial.message
        made = Entry(
            ask=ask,
            number=None if trial.rejected else number,
            arm=trial.arm,
            asked=trial.asked,
            settings=trial.settings,
            keys=tuple(run.stages[-1] for run in trial.runs),
            rejected=trial.rejected,
        )
        return made, None

    def _again(self, entry: Entry) -> Trial:
        """The trial of a proposal that was kept."""
        try:
            trial = self.planner.trial(self.search.name, replay(entry.values), self.decided)
        except KeyError as lacking:
            raise CorruptFile(f"{self.journal.path} has no value for {lacking}") from lacking
        if isinstance(trial, Refusal):
            raise CorruptFile(f"{self.journal.path} has a trial that cannot be: {trial.message}")
        return trial

    def tell(self, entry: Entry, trial: Trial, *, outcome: "Outcome", have: frozenset[str]) -> bool:
        """Keep what came of a trial; False where some of it was left undone."""
        keys = [node.key for node in trial.nodes if node.role == "measurement"]
        lost = next((key for node in trial.nodes if (key := node.key) in outcome.failed), None)
        if lost is not None:
            why = outcome.failed[lost]
            told = Told(None, failure=f"{why.get('cause', 'failed')}: {why.get('message', '')}")
        elif not have.issuperset(keys):
            return False
        else:
            values = {key: self.store.record(key)["values"] for key in keys}
            known = {key: one for key, one in values.items() if one}
            told = measured(trial, Lookup(plan_of_trials(self.plan, [trial]), known))
        self.journal.tell(entry.ask, told)
        return True


def measured(trial: Trial, lookup: Lookup) -> Told:
    """What the measurements of a trial say of its goal and its constraint."""
    if lookup.missing(trial.goal):
        return Told(None, failure="not measured: the goal does not apply to it")
    sample = tuple(lookup.value(tree) for tree in trial.goal)
    goal = float(np.mean(sample))
    if not math.isfinite(goal):
        return Told(None, failure=f"no number: its goal is {goal}")
    try:
        violations = () if trial.constraint is None else tuple(_parts(trial.constraint, lookup))
    except KeyError:
        return Told(goal, (1.0,), sample)
    return Told(goal, tuple(one if math.isfinite(one) else 1e300 for one in violations), sample)


def _parts(condition: Comparison | Junction, lookup: Lookup) -> Iterator[float]:
    """How much each part of a constraint is violated by; at most zero where it holds."""
    if isinstance(condition, Junction) and condition.op == "and":
        for one in condition.operands:
            yield from _parts(one, lookup)
    else:
        yield _violation(condition, lookup)


def _violation(condition: Comparison | Junction, lookup: Lookup, *, negated: bool = False) -> float:
    if isinstance(condition, Comparison):
        op = _NEGATED[condition.op] if negated else condition.op
        left, right = (_mean(side, lookup) for side in (condition.left, condition.right))
        return _beyond(op, left - right)
    if condition.op == "not":
        return _violation(condition.operands[0], lookup, negated=not negated)
    parts = [_violation(one, lookup, negated=negated) for one in condition.operands]
    return max(parts) if (condition.op == "and") != negated else min(parts)


_NEGATED: Mapping[str, str] = {
    "<": ">=",
    "<=": ">",
    ">": "<=",
    ">=": "<",
    "==": "!=",
    "!=": "==",
}


def _beyond(op: str, difference: float) -> float:
    match op:
        case "<" | "<=":
            found = difference
        case ">" | ">=":
            found = -difference
        case "==":
            return abs(difference)
        case _:
            return 0.0 if difference else _JUST_NOT
    return found if op.endswith("=") or found else _JUST_NOT


def _mean(side: Sequence[Tree], lookup: Lookup) -> float:
    return float(np.mean([lookup.value(tree) for tree in side]))
