"""A part of a plan that a condition chooses, as `keep` would in every grid.

Only runs are chosen: what a run means, and so its keys, is what the whole study makes of it. A
claim stays where its evidence is all of chosen runs.
"""

from collections.abc import Sequence

from lab.compiler.parts import keys_in, part_of, trees_of
from lab.compiler.plan import AxisSummary, ClaimPlan, Plan, Run
from lab.compiler.points import Scope, expand
from lab.spec import core
from lab.spec.records import replaced


def only(plan: Plan, scope: Scope, filters: Sequence[core.Filter]) -> Plan:
    """The part of a plan that filters leave. Raises Problem where a condition means nothing."""
    if not filters:
        return plan
    chosen: set[str] = set()
    for grid in scope.study.grids:
        vary = (grid.repeat or scope.study.repeat).vary
        left = expand(scope, replaced(grid, filters=(*grid.filters, *filters))).points
        chosen |= {point.identity(vary) for point in left}
    runs = [run for run in plan.runs if run.point in chosen]
    part = part_of(plan, runs, ())
    there = {node.key for node in part.nodes}
    claims = [one for one in plan.claims if _needs(one) <= there]
    axes = tuple(_left(axis, runs) for axis in plan.axes)
    return replaced(part_of(plan, runs, claims), axes=axes)


def _needs(claim: ClaimPlan) -> set[str]:
    trees = (tree for case in claim.cases for tree in trees_of(case.condition))
    return {key for tree in trees for key in keys_in(tree)}


def _left(axis: AxisSummary, runs: Sequence[Run]) -> AxisSummary:
    here = {run.settings.get(axis.path) for run in runs if run.grid == axis.grid}
    here |= {run.arm for run in runs if run.grid == axis.grid and axis.path == "method"}
    return replaced(axis, values=tuple(value for value in axis.values if value in here))
