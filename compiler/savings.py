"""What to cut of a plan that costs too much: whose removal saves most."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

from lab.compiler.plan import Run
from lab.compiler.prices import Prices
from lab.spec.records import record


@record
class Saving:
    """Something that may be cut, and the seconds of wall time that it costs."""

    what: str
    seconds: float


#: Names each run's part in a cut; None for a run that no such cut touches.
_Labels = Sequence[str | None]


def savings(prices: Prices) -> list[Saving]:
    """Values of axes, grids and replicates, the most expensive first.

    A cut saves what no run uses that is left. What claims alone ask for is saved by none.
    """
    cost = _seconds(prices)
    whole = sum(cost.values())
    runs = prices.plan.runs
    used = [[key for key in _nodes(run) if key in cost] for run in runs]
    found: dict[str, float] = {}
    for labels in _cuts(prices):
        found |= _saved(labels, used, cost)
    made = [Saving(what, prices.wall * part / whole) for what, part in found.items() if part]
    return sorted(made, key=lambda one: (-one.seconds, one.what))


def _seconds(prices: Prices) -> dict[str, float]:
    """What each missing node costs, its share of the compilation included."""
    return {key: price.seconds / len(price.todo) for price in prices.missing for key in price.todo}


def _nodes(run: Run) -> Iterator[str]:
    yield from run.stages
    for tree in run.metrics.values():
        yield from _leaves(tree)


def _leaves(tree: Mapping[str, Any]) -> Iterator[str]:
    if "node" in tree:
        yield cast(str, tree["node"])
    for part in cast(Sequence[Mapping[str, Any]], tree.get("of", ())):
        yield from _leaves(part)


def _cuts(prices: Prices) -> Iterator[_Labels]:
    """Ways to cut: each tells runs apart by something."""
    plan = prices.plan
    grids = {run.grid for run in plan.runs}
    if len(grids) > 1:
        yield [f"grid `{run.grid}`" for run in plan.runs]
    for axis in plan.axes:
        if len(axis.values) > 1:
            at = f"`{axis.grid}` over `{axis.path}`"
            yield [
                f"{at} = {run.settings[axis.path]}"
                if run.grid == axis.grid and axis.path in run.settings
                else None
                for run in plan.runs
            ]
    seeds = list(dict.fromkeys(run.seed for run in plan.runs))
    if len(seeds) > 1:
        last = f"the last of {len(seeds)} replicates"
        yield [last if run.seed == seeds[-1] else None for run in plan.runs]


def _saved(
    labels: _Labels, used: Sequence[Sequence[str]], cost: Mapping[str, float]
) -> dict[str, float]:
    """By label: the cost of the nodes that only runs of this label use."""
    of: dict[str, str | None] = {}
    for label, keys in zip(labels, used, strict=True):
        for key in keys:
            of[key] = label if of.get(key, label) == label else None
    found: dict[str, float] = {}
    for key, label in of.items():
        if label is not None:
            found[label] = found.get(label, 0.0) + cost[key]
    return found
