"""What of a plan is still to be run."""

from collections.abc import Sequence

from lab.compiler.plan import Node, Plan
from lab.compiler.strands import Strand, Woven


def missing(plan: Plan, have: frozenset[str]) -> tuple[Node, ...]:
    """Nodes to run, inputs first: what measurements still ask for, and what that needs.

    A stage that is gone while everything measured of it is there is not made again.
    """
    by_key = {node.key: node for node in plan.nodes}
    wanted: dict[str, None] = {}

    def want(key: str) -> None:
        if key in have or key in wanted:
            return
        for upstream in by_key[key].inputs.values():
            want(upstream)
        wanted[key] = None

    for node in plan.nodes:
        if node.role == "measurement" or not plan.runs:
            want(node.key)
    for run in plan.runs:
        if not run.metrics:
            want(run.stages[-1])
    return tuple(node for node in plan.nodes if node.key in wanted)


#: Replicates of a strand.
Seeds = Sequence[int | None]


def missing_of(woven: Woven, have: frozenset[str]) -> dict[Strand, tuple[Seeds, Seeds]]:
    """The same of a plan that is woven: which replicates of each strand are to be run, and which
    are not there and are not needed."""
    everything = not woven.grids
    wanted: dict[Strand, set[int | None]] = {}
    whole = set(woven.strands if everything else woven.ends)
    found: dict[Strand, tuple[Seeds, Seeds]] = {}
    for strand in reversed(woven.strands):
        lacking = _lacking(strand, have)
        if strand.role == "measurement" or strand in whole:
            needed, rest = lacking, ()
        else:
            asked = wanted.get(strand, ())
            needed = [seed for seed in lacking if seed in asked]
            rest = [seed for seed in lacking if seed not in asked]
        found[strand] = needed, rest
        for one in strand.inputs.values() if needed else ():
            if one.seeds is needed or one.seeds == (None,):
                whole.add(one)
            else:
                wanted.setdefault(one, set()).update(needed)
    return {strand: found[strand] for strand in woven.strands}


def _lacking(strand: Strand, have: frozenset[str]) -> Seeds:
    if not have:
        return strand.seeds
    keys = strand.keys()
    if have.issuperset(keys):
        return ()
    return [seed for seed, key in zip(strand.seeds, keys, strict=True) if key not in have]
