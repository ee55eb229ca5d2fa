"""Which point of a study a stage belongs to, as a person says it."""

from collections import defaultdict
from functools import cached_property

from lab.compiler.plan import Plan, Run
from lab.runtime.trees import node_keys


class Whereabouts:
    """The points that the nodes of a plan belong to."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def of(self, key: str) -> str:
        """The settings that tell a node's runs from the others, in parentheses; "" if none do.

        A node that several runs share has the settings that they have in common.
        """
        runs = self._of_stages.get(key) or self._of_measurements.get(key)
        if not runs:
            return ""
        told = [
            f"{path} {value}"
            for path, value in runs[0].settings.items()
            if path in self._varied and all(run.settings.get(path) == value for run in runs)
        ]
        if len({run.seed for run in runs}) == 1 and self._has_replicates:
            told.append(f"seed {runs[0].seed}")
        return f" ({', '.join(told)})" if told else ""

    @cached_property
    def _of_stages(self) -> dict[str, list[Run]]:
        found: dict[str, list[Run]] = defaultdict(list)
        for run in self._plan.runs:
            for key in run.stages:
                found[key].append(run)
        return found

    @cached_property
    def _of_measurements(self) -> dict[str, list[Run]]:
        """Of runs of the stages that are measured: others only compare themselves with them."""
        found: dict[str, list[Run]] = {}
        inputs = {node.key: node.inputs for node in self._plan.nodes}
        for run in self._plan.runs:
            for key in (key for tree in run.metrics.values() for key in node_keys(tree)):
                if key not in found:
                    measured = inputs[key].values()
                    found[key] = [one for of in measured for one in self._of_stages.get(of, ())]
        return found

    @cached_property
    def _varied(self) -> frozenset[str]:
        values: dict[str, set[str | None]] = defaultdict(set)
        paths = {path for run in self._plan.runs for path in run.settings}
        for run in self._plan.runs:
            for path in paths:
                values[path].add(run.settings.get(path))
        return frozenset(path for path, there in values.items() if len(there) > 1)

    @cached_property
    def _has_replicates(self) -> bool:
        return len({run.seed for run in self._plan.runs}) > 1
