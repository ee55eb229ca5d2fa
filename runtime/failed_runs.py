"""Which runs of a plan failed and which finished, and where on the axes the failed ones lie."""

from collections.abc import Collection, Mapping

from lab.compiler.plan import Node, Plan, Run
from lab.runtime.failure_region import Region, Tried, failure_regions
from lab.runtime.trees import node_keys

#: The path under which a run's seed stands among its settings.
SEED = "seed"


def regions(plan: Plan, *, done: Collection[str], failed: Collection[str]) -> tuple[Region, ...]:
    """Where the failures of a plan's runs lie, in settings; in seeds only where these say nothing.

    Args:
        plan: whose runs. `done`, `failed`: keys of nodes that are stored, and that failed.
    """
    fallen = _fallen(plan, failed)
    if not fallen:
        return ()
    alone: list[Tried] = []
    seeded: list[Tried] = []
    nodes = {node.key: node for node in plan.nodes}
    for run in plan.runs:
        own = _own(run, nodes)
        is_failed = not fallen.isdisjoint(own)
        if is_failed or all(key in done for key in own):
            alone.append((run.settings, is_failed))
            seeded.append(({**run.settings, SEED: str(run.seed)}, is_failed))
    return failure_regions(alone) or failure_regions(seeded)


def region_texts(found: Collection[Region]) -> list[str]:
    """A sentence for each region."""
    return [
        f"all {one.runs} runs with {one} failed" if one.runs > 1 else f"the run with {one} failed"
        for one in found
    ]


def _fallen(plan: Plan, failed: Collection[str]) -> frozenset[str]:
    """What failed, and what was not made for it."""
    fallen = {node.key for node in plan.nodes if node.key in failed}
    for node in plan.nodes:
        if not fallen.isdisjoint(node.inputs.values()):
            fallen.add(node.key)
    return frozenset(fallen)


def _own(run: Run, nodes: Mapping[str, Node]) -> set[str]:
    """A run's stages, and the measurements of them: not what it is compared with."""
    stages = set(run.stages)
    measured = {key for tree in run.metrics.values() for key in node_keys(tree)}
    return stages | {key for key in measured if stages & set(nodes[key].inputs.values())}
