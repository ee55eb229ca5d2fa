"""Points that several grids ask for, where one of them waits for an interval: what the others ask.

A point that two grids share is one run, and stands in the plan with the grid that comes first. It
gets no fewer replicates than any of them asks for.
"""

from lab.compiler.plan import Plan
from lab.compiler.points import Scope, expand
from lab.spec.records import replaced


def with_floors(plan: Plan, scope: Scope) -> Plan:
    """A plan whose waiting grids know what other grids ask of their points."""
    if not plan.adaptive or len(scope.study.grids) < 2:
        return plan
    owners = {run.point: run.grid for run in reversed(plan.runs)}
    floors: dict[str, dict[str, int]] = {one.grid: {} for one in plan.adaptive}
    for grid in scope.study.grids:
        repeat = grid.repeat or scope.study.repeat
        count = len(repeat.seeds) if repeat.until is None else repeat.until.least
        for point in expand(scope, grid).points:
            name = point.identity(repeat.vary)
            owner = owners.get(name, grid.name)
            if owner != grid.name and owner in floors:
                floors[owner][name] = max(count, floors[owner].get(name, 0))
    adaptive = tuple(replaced(one, floors=floors[one.grid]) for one in plan.adaptive)
    return replaced(plan, adaptive=adaptive)
