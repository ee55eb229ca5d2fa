"""A part of a plan: some of its runs and claims, with the nodes that these need and no others."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import cast

from lab.compiler.plan import Case, ClaimPlan, Comparison, Junction, Plan, Run, Tree
from lab.spec.records import replaced


def part_of(plan: Plan, runs: Iterable[Run], claims: Iterable[ClaimPlan]) -> Plan:
    """The plan of some runs and claims of a plan."""
    runs, claims = tuple(runs), tuple(claims)
    wanted = {key for run in runs for key in run.stages}
    wanted |= {key for run in runs for one in run.metrics.values() for key in keys_in(one)}
    for claim in claims:
        for case in claim.cases:
            wanted |= {key for tree in trees_of(case.condition) for key in keys_in(tree)}
    for node in reversed(plan.nodes):
        if node.key in wanted:
            wanted.update(node.inputs.values())
    nodes = tuple(node for node in plan.nodes if node.key in wanted)
    return replaced(plan, nodes=nodes, runs=runs, claims=claims)


def downstream(plan: Plan, keys: Collection[str]) -> frozenset[str]:
    """Some nodes and all that is made of them."""
    found = set(keys)
    for node in plan.nodes:
        if not found.isdisjoint(node.inputs.values()):
            found.add(node.key)
    return frozenset(found)


def with_replicates(plan: Plan, wanted: Mapping[tuple[str, str], int]) -> Plan:
    """A plan with so many replicates of some points, by grid and point; of the others, all.

    What only the replicates that are left out need is gone; a claim has those that all its arms
    have.
    """
    kept: list[Run] = []
    left: list[Run] = []
    counts: dict[tuple[str, str], int] = {}
    for run in plan.runs:
        place = (run.grid, run.point)
        counts[place] = counts.get(place, 0) + 1
        (kept if counts[place] <= wanted.get(place, counts[place]) else left).append(run)
    if not left:
        return plan
    used = {key for run in kept for key in run.stages}
    dead = downstream(plan, {key for run in left for key in run.stages} - used)
    claims = [
        replaced(one, cases=tuple(without_replicates(case, dead) for case in one.cases))
        for one in plan.claims
    ]
    return part_of(plan, kept, claims)


def without_replicates(case: Case, lost: Collection[str]) -> Case:
    """A case with the replicates for which none of some nodes is needed."""
    rows = [
        row
        for row in range(len(case.seeds))
        if not any(key in lost for one in trees_of(case.condition, row) for key in keys_in(one))
    ]
    if len(rows) == len(case.seeds):
        return case
    seeds = tuple(case.seeds[row] for row in rows)
    return replaced(case, seeds=seeds, condition=_at(case.condition, rows))


def keys_in(tree: Tree) -> Iterator[str]:
    """Keys of the measurements that a tree needs."""
    if "node" in tree:
        yield str(tree["node"])
    for operand in cast(list[Mapping[str, object]], tree.get("of", [])):
        yield from keys_in(cast(Tree, operand))


def trees_of(condition: Comparison | Junction, row: int | None = None) -> list[Tree]:
    """The trees of a condition, or those of one replicate."""
    if isinstance(condition, Junction):
        return [tree for one in condition.operands for tree in trees_of(one, row)]
    if row is None:
        return [*condition.left, *condition.right]
    return [condition.left[row], condition.right[row]]


def _at(condition: Comparison | Junction, rows: list[int]) -> Comparison | Junction:
    if isinstance(condition, Junction):
        return replaced(condition, operands=tuple(_at(one, rows) for one in condition.operands))
    left, right = (tuple(side[row] for row in rows) for side in (condition.left, condition.right))
    return replaced(condition, left=left, right=right)
