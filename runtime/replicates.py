"""Replicates that go on until an interval is narrow: how many each point gets.

    n(point) = min { n in least .. most : half-width of the interval of its first n values < width }

Each point of a grid is looked at for itself, and gets its replicates one by one, in the order of
their seeds. How many it gets is a function of what was measured and of nothing else: that more
results are stored, or that a run was stopped in between, changes no count. A point at which nothing
random happens has enough at once. A replicate that failed counts, and says nothing of the interval.

What only replicates beyond these need is not run. A claim is tested on the replicates that all its
arms have.
"""

from collections.abc import Collection, Generator, Mapping, Sequence
from typing import TYPE_CHECKING

from lab.compiler.parts import with_replicates
from lab.compiler.plan import Adaptive, Plan, Run, Tree
from lab.runtime import trees
from lab.runtime.counts import keep_counts
from lab.runtime.evidence import Lookup, Values
from lab.spec.records import record

if TYPE_CHECKING:
    from lab.runtime.execution import Outcome
    from lab.runtime.store import Store


@record
class Replicates:
    """The replicates of a point: `wanted` of those of the grid that waits, so far as is known.

    `total` counts those that a grid before it has of the point, too.
    `half` is the half-width of the interval of those, None where there is none. `is_known`: the
    number will not change. `is_enough`: the interval is narrow, or there is nothing random.
    """

    adaptive: Adaptive
    arm: str
    point: str
    settings: Mapping[str, str]
    wanted: int
    total: int
    half: float | None
    is_known: bool
    is_enough: bool


def counted(plan: Plan, values: Values, failed: Collection[str] = ()) -> tuple[Replicates, ...]:
    """How many replicates each point of the grids that wait for an interval gets.

    Args:
        plan: with all the replicates that there may be. `values`: what was measured.
        failed: keys of nodes of which there will be no value.
    """
    waiting = {one.grid: one for one in plan.adaptive}
    points: dict[tuple[str, str], list[Run]] = {}
    fixed: dict[str, list[Run]] = {}
    for run in plan.runs:
        if run.grid in waiting:
            points.setdefault((run.grid, run.point), []).append(run)
        else:
            fixed.setdefault(run.point, []).append(run)
    lookup = Lookup(plan, values)
    return tuple(
        _counted(waiting[grid], runs, lookup, failed=failed, fixed=fixed.get(point, ()))
        for (grid, point), runs in points.items()
    )


def _counted(
    adaptive: Adaptive,
    runs: Sequence[Run],
    lookup: Lookup,
    *,
    failed: Collection[str],
    fixed: Sequence[Run],
) -> Replicates:
    """The count of one point, of which another grid has the `fixed` runs whatever is found."""
    forest = [run.metrics[adaptive.metric] for run in (*fixed, *runs)]
    first, half = runs[0], None
    least = max(adaptive.least, adaptive.floors.get(first.point, 0), len(fixed))

    def found(n: int, *, is_known: bool, is_enough: bool) -> Replicates:
        own = n - len(fixed)
        args = (adaptive, first.arm, first.point, first.settings, own, n, half)
        return Replicates(*args, is_known=is_known, is_enough=is_enough)

    for n in range(min(least, len(forest)), len(forest) + 1):
        lost = [lookup.missing([tree]) for tree in forest[:n]]
        if any(keys and not any(key in failed for key in keys) for keys in lost):
            return found(n, is_known=False, is_enough=False)
        measured = [tree for tree, keys in zip(forest[:n], lost, strict=True) if not keys]
        half, is_enough = _half(measured, adaptive, lookup)
        if is_enough:
            return found(n, is_known=True, is_enough=True)
    return found(len(forest), is_known=True, is_enough=False)


def _half(forest: Sequence[Tree], adaptive: Adaptive, lookup: Lookup) -> tuple[float | None, bool]:
    """The half-width of an interval, and whether it is narrow."""
    if not forest:
        return None, False
    estimate = lookup.estimate(forest, level=adaptive.level)
    if estimate.basis != "replicates":
        return None, estimate.is_finite
    if estimate.interval is None:
        return None, False
    half = (estimate.interval.high - estimate.interval.low) / 2
    return half, half < adaptive.width


def narrowed(plan: Plan, replicates: Collection[Replicates]) -> Plan:
    """A plan with the replicates that are wanted, and with what they and its claims need."""
    return with_replicates(plan, {(one.adaptive.grid, one.point): one.wanted for one in replicates})


def replicate_rounds(plan: Plan, store: "Store") -> Generator[Plan, "Outcome", None]:
    """What of a plan is to be executed, round by round, each sent what came of it.

    Ends when every point has the replicates it gets, or when an execution left something undone.
    """
    failed: set[str] = set()
    part = narrowed(plan, counted(plan, stored_values(plan, store)))
    while True:
        outcome = yield part
        failed |= outcome.failed.keys()
        found = counted(plan, stored_values(plan, store), failed)
        grown = narrowed(plan, found)
        if len(grown.runs) == len(part.runs):
            known = {(o.adaptive.grid, o.point): o.wanted for o in found if o.is_known}
            keep_counts(plan, known, store.root)
            return
        part = grown


def stored_values(plan: Plan, store: "Store") -> Values:
    """What is stored of the metrics that replicates wait for."""
    waited = {one.grid: one.metric for one in plan.adaptive}
    keys = {
        key
        for run in plan.runs
        if run.grid in waited
        for key in trees.node_keys(run.metrics[waited[run.grid]])
    }
    found = {key: store.record(key)["values"] for key in keys & store.keys()}
    return {key: values for key, values in found.items() if values}
