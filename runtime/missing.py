"""What of a plan is still to be run."""

from lab.compiler.plan import Node, Plan


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
