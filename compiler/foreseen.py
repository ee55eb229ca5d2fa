"""What the trials of a search may be like, before any is proposed: for what a plan costs.

A few trials spread over the space stand for all, each as often as its share of them. What all of
these have in common is there once, as it is in the search; everything else once for each trial.
"""

from collections.abc import Iterator, Sequence

from lab.compiler.canonical import digest
from lab.compiler.plan import Node, Plan, SearchPlan
from lab.compiler.planner import Planner
from lab.compiler.searches import Decisions
from lab.compiler.trials import Between, Domain, Number, Trial
from lab.spec.records import replaced

#: Trials that stand for all of a search.
_SAMPLES = 8
#: Multiples of the golden ratio spread evenly, however many there are.
_GOLDEN = 0.6180339887498949


def with_trials(
    plan: Plan, planner: Planner, *, left: dict[str, int], decided: Decisions | None = None
) -> Plan:
    """A plan with nodes like those of its searches' trials.

    Args:
        plan: of the study. `planner`: plans it.
        left: how many trials are still to be run, by search. `decided`: as for a plan.
    """
    made: dict[str, Node] = {node.key: node for node in plan.nodes}
    for search in plan.searches:
        count = left.get(search.name, 0)
        if count:
            trials = _sampled(planner, search, min(count, _SAMPLES), decided)
            for node in _repeated(trials, count):
                made.setdefault(node.key, node)
    return replaced(plan, nodes=tuple(made.values()))


def _sampled(
    planner: Planner, search: SearchPlan, count: int, decided: Decisions | None
) -> list[Trial]:
    found: list[Trial] = []
    for i in range(3 * count):
        trial = planner.trial(search.name, _Spread(i), decided)
        if isinstance(trial, Trial) and trial.rejected is None:
            found.append(trial)
        if len(found) == count:
            break
    return found


class _Spread:
    """Proposals spread over every site, the i-th of them."""

    def __init__(self, i: int) -> None:
        self._i = i

    def __call__(self, name: str, domain: Domain) -> Number:
        start = int(digest(name)[:8], 16) / 16**8
        share = (start + self._i * _GOLDEN) % 1.0
        if not isinstance(domain, Between):
            return int(share * domain.count)
        low, high = domain.low, domain.high
        found = low * (high / low) ** share if domain.log else low + (high - low) * share
        return round(found) if domain.whole else found


def _repeated(trials: Sequence[Trial], count: int) -> Iterator[Node]:
    """The nodes of so many trials; those of a repetition have keys of their own."""
    if not trials:
        return
    shared: set[str] = set()
    if len(trials) > 1:
        shared = {node.key for node in trials[0].nodes}
        for one in trials[1:]:
            shared &= {node.key for node in one.nodes}
    for i in range(count):
        trial, time = trials[i % len(trials)], i // len(trials)
        for node in trial.nodes:
            yield node if time == 0 or node.key in shared else _again(node, time, shared)


def _again(node: Node, time: int, shared: set[str]) -> Node:
    def named(key: str) -> str:
        return key if key in shared else f"{key}+{time}"

    inputs = {role: named(key) for role, key in node.inputs.items()}
    return replaced(node, key=named(node.key), inputs=inputs)
