"""Trackers: places that show runs to people, filled from our own records.

A tracker is a projection. The store is the truth, a tracker may be thrown away and filled again,
and no run waits for one or fails because of one.
"""

import hashlib
import json
import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from lab.compiler.plan import Plan, Run
from lab.runtime.evidence import Values
from lab.runtime.results import POSITIONS, Records, Results
from lab.runtime.trees import node_keys

__all__ = ["Curve", "TrackedRun", "Tracker", "tracked_runs"]

#: A curve is thinned to this many points: no screen shows more, and trackers are slow.
MOST_POINTS = 200


@dataclass(frozen=True, slots=True)
class Curve:
    """What a stage recorded while it worked. Always holds: steps ascend; values are finite."""

    name: str
    stage: str
    steps: tuple[int, ...]
    values: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class TrackedRun:
    """A run as a tracker shows it. `params` is JSON; metrics are final values."""

    name: str
    study: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    curves: tuple[Curve, ...]

    @property
    def identity(self) -> str:
        """Equal for the same run of the same study, whatever has since been found out about it."""
        about = [self.study, self.params["key"], self.params["point"], self.params["seed"]]
        return _digest(about)

    @property
    def digest(self) -> str:
        """Equal where there is nothing new to show."""
        return _digest(asdict(self))


class Tracker(ABC):
    """Somewhere to show runs."""

    @abstractmethod
    def project(self, runs: Sequence[TrackedRun]) -> None:
        """Show these runs: new ones are added, changed ones replaced, the rest left alone.

        Never raises for trouble with the tracker: it warns.
        """

    @abstractmethod
    def rebuild(self, runs: Sequence[TrackedRun]) -> None:
        """Forget all that was projected here, and show these runs."""


def tracked_runs(
    plan: Plan, values: Values, records: Records, older: Mapping[str, str] | None = None
) -> list[TrackedRun]:
    """The runs of a plan that have results, as trackers show them.

    Args:
        plan, values, records: what was planned, measured, and recorded.
        older: by node, of results of older code, what was accepted and why.
    """
    results = Results(plan, values, records)
    finished = [run for run in plan.runs if run.stages[-1] in records]
    return [_tracked(results, run, older or {}) for run in finished]


def _tracked(results: Results, run: Run, older: Mapping[str, str]) -> TrackedRun:
    metrics = {
        label: results.lookup.value(tree)
        for label, tree in run.metrics.items()
        if not results.lookup.missing([tree])
    }
    finite = {label: value for label, value in metrics.items() if math.isfinite(value)}
    departs = [f"{path}={run.settings[path]}" for path in run.departs if path in run.settings]
    params = {
        "key": run.stages[-1],
        "point": run.point,
        "grid": run.grid,
        "arm": run.arm,
        "seed": run.seed,
        "profile": results.plan.profile or "default",
        "settings": nested(run.settings),
        "results": finite,
    }
    accepted = {older[key] for key in _nodes(run) if key in older}
    if accepted:
        params["older code"] = "; ".join(sorted(accepted))
    return TrackedRun(
        name=" ".join([run.arm, *departs, f"seed={run.seed}"]),
        study=results.plan.study,
        params=params,
        metrics=finite,
        curves=tuple(_curves(results, run)),
    )


def _nodes(run: Run) -> Iterator[str]:
    """Keys of its stages and of all that is measured of it."""
    yield from run.stages
    for tree in run.metrics.values():
        yield from node_keys(tree)


def _curves(results: Results, run: Run) -> Iterator[Curve]:
    seen: dict[str, int] = {}
    for key in run.stages:
        label = _short(results.node(key).label)
        seen[label] = seen.get(label, 0) + 1
        if seen[label] > 1:
            label = f"{label} {seen[label]}"
        for name, values in results.history(key).items():
            if name in POSITIONS:
                continue
            _, positions = results.along(key, len(values))
            points = [
                (round(positions[i]), float(values[i]))
                for i in _thinned(len(values))
                if values[i] is not None and math.isfinite(values[i])
            ]
            if points:
                steps, kept = zip(*points, strict=True)
                yield Curve(name, label, steps, kept)


def _short(label: str) -> str:
    """A stage's name without its arm and arguments, equal for all runs that are to be compared."""
    return label.split(": ", 1)[-1].split("(", 1)[0]


def _thinned(length: int) -> list[int]:
    """Indices of at most `MOST_POINTS` points, evenly spread, with the first and the last."""
    if length <= MOST_POINTS:
        return list(range(length))
    return [round(i * (length - 1) / (MOST_POINTS - 1)) for i in range(MOST_POINTS)]


def nested(settings: Mapping[str, str]) -> dict[str, Any]:
    """Settings by path as a tree, numbers as numbers, so that a tracker can sort and filter.

    Example:
        >>> nested({"method": "field", "field.width": "64"})
        {'method': 'field', 'field': {'width': 64}}
    """
    tree: dict[str, Any] = {}
    for path, value in settings.items():
        *branches, leaf = path.split(".")
        place = tree
        for branch in branches:
            inner = place.get(branch)
            if not isinstance(inner, dict):
                inner = place[branch] = {} if inner is None else {"value": inner}
            place = inner
        place[leaf] = _number_or_text(value)
    return tree


def _number_or_text(value: str) -> Any:
    try:
        number = float(value)
    except ValueError:
        return value
    if not math.isfinite(number):
        return value
    return int(number) if number == int(number) and "e" not in value.lower() else number


def _digest(value: Any) -> str:
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()[:32]
