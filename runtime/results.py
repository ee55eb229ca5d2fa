"""Results of a study, as its figures and its report see them: points, cells, provenance."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from lab.compiler.plan import ColumnPlan, Node, Plan, Run, Tree
from lab.runtime.evidence import Estimate, Lookup, Values
from lab.runtime.failed_runs import regions
from lab.runtime.failure_region import Region

__all__ = ["POSITIONS", "Cell", "Point", "Records", "Results"]

#: Curves that say where the points of the others stand.
POSITIONS = ("step", "epoch")
#: What the store keeps of a node: `lab.runtime.perform` says what stands in a record.
Records = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a grid with its replicates. Always holds: at least one run."""

    identity: str
    runs: tuple[Run, ...]

    @property
    def arm(self) -> str:
        """The method that was run."""
        return self.runs[0].arm

    @property
    def settings(self) -> Mapping[str, str]:
        """What the point chose, by path."""
        return self.runs[0].settings

    @property
    def departs(self) -> frozenset[str]:
        """Paths at which it departs from its arm as defined."""
        return frozenset(self.runs[0].departs)

    @property
    def key(self) -> str:
        """The key of the last stage of its first replicate."""
        return self.runs[0].stages[-1]


@dataclass(frozen=True, slots=True)
class Cell:
    """A metric at a point: the estimate from the replicates there are, None where there is none.

    `planned` is 0 where the metric means nothing at the point. `failure` is what kept some
    replicate from being measured, if anything did.
    """

    estimate: Estimate | None
    made: int
    planned: int
    failure: str | None = None


#: What stands where a measurement was made and does not apply.
NOT_APPLICABLE = "–"


class Results:
    """A plan with what was measured of it.

    `failures` holds, by node, the records of what failed: `cause` in a word or two and `message`.
    """

    def __init__(
        self, plan: Plan, values: Values, records: Records, failures: Records | None = None
    ) -> None:
        self.plan = plan
        self.records = records
        self.failures: Records = failures or {}
        self.lookup = Lookup(plan, values)
        self._cells: dict[tuple[str, str], Cell] = {}

    @cached_property
    def points(self) -> tuple[Point, ...]:
        """All points, in the plan's order."""
        runs: dict[str, list[Run]] = {}
        for run in self.plan.runs:
            runs.setdefault(run.point, []).append(run)
        return tuple(Point(identity, tuple(group)) for identity, group in runs.items())

    @cached_property
    def failure_regions(self) -> tuple[Region, ...]:
        """Where on the axes the runs lie that failed."""
        done = {*self.records, *self.lookup.values}
        return regions(self.plan, done=done, failed=self.failures)

    @cached_property
    def columns(self) -> tuple[ColumnPlan, ...]:
        """Every column of the study's figures, once."""
        found: dict[str, ColumnPlan] = {}
        for figure in self.plan.figures:
            for columns in figure.columns.values():
                for column in columns:
                    found.setdefault(column.label, column)
        return tuple(found.values())

    def within(self, paths: Iterable[str], *, having: Iterable[str] = ()) -> list[Point]:
        """Points that depart from their arm at `paths` at most, with a value at each `having`."""
        allowed, needed = frozenset(paths) | {"method", "model", "data"}, frozenset(having)
        return [p for p in self.points if p.departs <= allowed and needed <= p.settings.keys()]

    def cell(self, point: Point, column: str) -> Cell:
        """A metric at a point."""
        key = (point.identity, column)
        if key not in self._cells:
            self._cells[key] = self._measured(point, column)
        return self._cells[key]

    def _measured(self, point: Point, column: str) -> Cell:
        trees = [run.metrics[column] for run in point.runs if column in run.metrics]
        made = [tree for tree in trees if not self.lookup.missing([tree])]
        estimate = self.lookup.estimate(made) if made else None
        return Cell(estimate, len(made), len(trees), self._failure(trees))

    def _failure(self, trees: Sequence[Tree]) -> str | None:
        for key in self.lookup.missing(trees):
            for upstream in self._upstream(key):
                if upstream in self.failures:
                    return str(self.failures[upstream].get("cause", "failed"))
            if self._was_made(key):
                return NOT_APPLICABLE
        return None

    def is_measured(self, run: Run) -> bool:
        """Whether every measurement of a run was made, those that do not apply included."""
        return all(self._was_made(key) for key in self.lookup.missing(run.metrics.values()))

    def _was_made(self, key: str) -> bool:
        return self.records.get(key, {}).get("values") == {}

    def _upstream(self, key: str) -> Iterator[str]:
        """A node and all that it needs, the first made last."""
        yield key
        for before in self.node(key).inputs.values():
            yield from self._upstream(before)

    def values_of(self, path: str, points: Sequence[Point]) -> list[str]:
        """Values of a path at some points: numbers in order, anything else as the study has it."""
        from lab.runtime.ordering import in_order

        listed = [v for axis in self.plan.axes if axis.path == path for v in axis.values]
        present = [p.settings[path] for p in points if path in p.settings]
        return in_order([v for v in dict.fromkeys((*listed, *present)) if v in set(present)])

    def node(self, key: str) -> Node:
        """A node of the plan."""
        return self.lookup.nodes[key]

    def along(self, stage: str, points: int) -> tuple[str, list[float]]:
        """Where a curve's points stand along a stage: the unit, and positions.

        As the stage recorded them (`step`, `epoch`), else spread evenly over its length.
        """
        history = self.history(stage)
        for name in POSITIONS:
            if len(history.get(name, ())) == points:
                return name, [float(x) for x in history[name]]
        duration = self.node(stage).arguments.get("for")
        if not isinstance(duration, Mapping) or duration.get("unit") == "share":
            return "recorded point", [float(i + 1) for i in range(points)]
        total = float(str(duration["duration"]))
        return str(duration["unit"]), [total * (i + 1) / points for i in range(points)]

    def history(self, stage: str) -> Mapping[str, Sequence[float]]:
        """Curves that a stage recorded, by name."""
        return self.records.get(stage, {}).get("history") or {}

    def measured_of(self, stage: str, component: str) -> Mapping[str, Any] | None:
        """What the first measurement of a kind found of a stage, if one was made."""
        return self._measured_of.get((stage, component))

    @cached_property
    def _measured_of(self) -> Mapping[tuple[str, str], Mapping[str, Any]]:
        found: dict[tuple[str, str], Mapping[str, Any]] = {}
        for node in self.plan.nodes:
            if "of" in node.inputs and node.key in self.lookup.values:
                place = node.inputs["of"], node.component
                found.setdefault(place, self.lookup.values[node.key])
        return found

    def wall_seconds(self, point: Point) -> float | None:
        """Time its stages took, shared ones included, mean over replicates; None if unknown."""
        totals = [
            sum(float(self.records[key].get("wall_seconds") or 0.0) for key in run.stages)
            for run in point.runs
            if all(key in self.records for key in run.stages)
        ]
        return sum(totals) / len(totals) if totals else None

    def accuracy_before(self, point: Point) -> float | None:
        """Accuracy of the same checkpoint before it was compressed, mean over replicates."""
        found = [self._accuracy_before(run) for run in point.runs]
        known = [value for value in found if value is not None]
        return sum(known) / len(known) if known else None

    def _accuracy_before(self, run: Run) -> float | None:
        stages = [self.node(key) for key in run.stages]
        compressed = next((stage for stage in stages if _compresses(stage)), None)
        if compressed is None or "before" not in compressed.inputs:
            return None
        return self._accuracies.get(compressed.inputs["before"])

    @cached_property
    def _accuracies(self) -> Mapping[str, float]:
        """Accuracy on the test set by stage, where it was measured."""
        return {
            node.inputs["of"]: self.lookup.number(node.key)
            for node in self.plan.nodes
            if node.component == "accuracy"
            and node.key in self.lookup.values
            and node.arguments.get("on", "test") == "test"
        }


def _compresses(stage: Node) -> bool:
    through = stage.arguments.get("through")
    return isinstance(through, Mapping) and through.get("component") not in (None, "plain")
