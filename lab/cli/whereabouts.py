"""Which point of a study a stage belongs to, as a person says it."""

from lab.compiler.plan import Plan, Run
from lab.runtime.trees import node_keys


def where(plan: Plan, key: str) -> str:
    """The settings that tell a node's runs from the others, in parentheses; "" if none do.

    A node that several runs share has the settings that they have in common.
    """
    runs = [run for run in plan.runs if key in run.stages]
    if not runs:
        runs = [run for run in plan.runs if key in _measured(run)]
    if not runs:
        return ""
    told = [
        f"{path} {value}"
        for path, value in runs[0].settings.items()
        if all(run.settings.get(path) == value for run in runs)
        and any(run.settings.get(path) != value for run in plan.runs)
    ]
    seeds = {run.seed for run in runs}
    if len(seeds) == 1 and len({run.seed for run in plan.runs}) > 1:
        told.append(f"seed {runs[0].seed}")
    return f" ({', '.join(told)})" if told else ""


def _measured(run: Run) -> set[str]:
    return {key for tree in run.metrics.values() for key in node_keys(tree)}
