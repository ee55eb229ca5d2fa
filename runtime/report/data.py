"""Results as JSON: everything in a report, for programs, in an order that never changes."""

import hashlib
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from lab.compiler.plan import Plan, Run
from lab.compiler.serial import to_json
from lab.runtime import trees
from lab.runtime.comparisons import CaseEvidence
from lab.runtime.evidence import Estimate
from lab.runtime.files import json_by_line
from lab.runtime.results import Point, Results
from lab.runtime.statistics import Interval
from lab.runtime.verdicts import Verdict

__all__ = ["SCHEMA", "plan_digest", "results_file", "run_files"]

#: Version of the layout of `results.json` and of the runs' records.
SCHEMA = 1


def plan_digest(plan: Plan) -> str:
    """A plan's name: the hash of all that it asks for."""
    if not _named or _named[-1][0] is not plan:
        text = json.dumps(to_json(plan), sort_keys=True, separators=(",", ":"))
        _named[:] = [(plan, hashlib.sha256(text.encode()).hexdigest())]
    return _named[-1][1]


#: The plan that was named last: every run of a report says the name of the same one.
_named: list[tuple[Plan, str]] = []


def results_file(
    results: Results, verdicts: Sequence[Verdict], more: Mapping[str, Any] | None = None
) -> bytes:
    """`results.json`: columns, points with their estimates, verdicts, runs, and `more`."""
    plan = results.plan
    return _bytes(
        {
            "schema": SCHEMA,
            "study": plan.study,
            "title": plan.title,
            "profile": plan.profile,
            "plan": plan_digest(plan),
            "columns": [
                {"label": c.label, "unit": c.unit, "better": c.better} for c in results.columns
            ],
            "points": [_point(results, point) for point in results.points],
            "verdicts": [_verdict(verdict) for verdict in verdicts],
            "runs": [
                {
                    "file": _run_name(i, run, len(plan.runs)),
                    "point": run.point,
                    "seed": run.seed,
                    "key": run.stages[-1],
                    "metrics": _metrics(results, run),
                }
                for i, run in enumerate(plan.runs, 1)
            ],
            **_failure_regions(results),
            **(more or {}),
        }
    )


def _failure_regions(results: Results) -> dict[str, Any]:
    """Where the failed runs lie, if any failed."""
    if not results.failures:
        return {}
    found = results.failure_regions
    return {"failure_regions": [{"conditions": one.conditions, "runs": one.runs} for one in found]}


def run_files(results: Results) -> dict[str, bytes]:
    """One record for each run: configuration, environment, history, metrics."""
    runs = results.plan.runs
    return {
        _run_name(i, run, len(runs)): json_by_line(
            _clean(_run(results, run)), ensure_ascii=False, allow_nan=False
        )
        for i, run in enumerate(runs, 1)
    }


def _run_name(index: int, run: Run, count: int) -> str:
    return f"runs/{index:0{len(str(count))}d}-{run.stages[-1][:8]}.json"


def _point(results: Results, point: Point) -> dict[str, Any]:
    metrics = {}
    for column in results.columns:
        cell = results.cell(point, column.label)
        metrics[column.label] = {
            "replicates": cell.made,
            "planned": cell.planned,
            **(_estimate(cell.estimate) if cell.estimate is not None else {"mean": None}),
        }
    return {
        "point": point.identity,
        "arm": point.arm,
        "grid": point.runs[0].grid,
        "settings": dict(point.settings),
        "departs": sorted(point.departs),
        "seeds": [run.seed for run in point.runs],
        "keys": [run.stages[-1] for run in point.runs],
        "accuracy_before": results.accuracy_before(point),
        "wall_seconds": results.wall_seconds(point),
        "metrics": metrics,
    }


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {
        "mean": estimate.mean,
        "n": estimate.n,
        "basis": estimate.basis,
        "interval": _interval(estimate.interval),
        "over_examples": _interval(estimate.examples),
        "values": list(estimate.values),
    }


def _interval(found: Interval | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {"low": found.low, "high": found.high, "level": found.level, "method": found.method}


def _verdict(verdict: Verdict) -> dict[str, Any]:
    return {
        "claim": verdict.name,
        "title": verdict.title,
        "text": verdict.text,
        "source": verdict.source,
        "verdict": verdict.outcome,
        "level": verdict.level,
        "p_pass": verdict.p_pass,
        "p_fail": verdict.p_fail,
        "adjusted": verdict.adjusted,
        "replicates": verdict.replicates,
        "more_replicates": verdict.more_replicates,
        "more_examples": verdict.more_examples,
        "missing": list(verdict.missing),
        "sentence": verdict.sentence,
        "cases": [_case(case) for case in verdict.cases],
    }


def _case(case: CaseEvidence) -> dict[str, Any]:
    return {
        "setting": dict(case.setting),
        "group": dict(case.group),
        "seeds": list(case.seeds),
        "p_holds": case.belief.holds,
        "p_fails": case.belief.fails,
        "comparisons": [
            {
                "text": f"{one.left_text} {one.op} {one.right_text}",
                "tested_on": one.tested_on,
                "p_holds": one.belief.holds,
                "p_fails": one.belief.fails,
                "left": None if one.left is None else _estimate(one.left),
                "right": None if one.right is None else _estimate(one.right),
                "difference": None if one.difference is None else _estimate(one.difference),
            }
            for one in case.comparisons
        ],
    }


def _run(results: Results, run: Run) -> dict[str, Any]:
    measurements = dict.fromkeys(
        key for tree in run.metrics.values() for key in trees.node_keys(tree)
    )
    return {
        "schema": SCHEMA,
        "study": results.plan.study,
        "plan": plan_digest(results.plan),
        "grid": run.grid,
        "point": run.point,
        "arm": run.arm,
        "seed": run.seed,
        "settings": dict(run.settings),
        "key": run.stages[-1],
        "metrics": _metrics(results, run),
        "stages": [_node(results, key) for key in run.stages],
        "measurements": [_node(results, key) for key in measurements],
    }


def _metrics(results: Results, run: Run) -> dict[str, float | None]:
    return {
        label: None if results.lookup.missing([tree]) else results.lookup.value(tree)
        for label, tree in run.metrics.items()
    }


def _node(results: Results, key: str) -> dict[str, Any]:
    """A node's configuration and, where it was done, its record without per-example results."""
    node = results.node(key)
    record = results.records.get(key, {})
    kept = ("wall_seconds", "finished_at", "environment", "history", "notes", "failure")
    found = results.lookup.values.get(key, {})
    return {
        "key": key,
        "label": node.label,
        "component": node.component,
        "version": node.version,
        "arguments": node.arguments,
        "inputs": dict(node.inputs),
        "seed": node.seed,
        "done": key in results.records or key in results.lookup.values,
        **{name: record[name] for name in kept if name in record},
        "values": {name: value for name, value in found.items() if _is_scalar(value)},
    }


def _is_scalar(value: Any) -> bool:
    return isinstance(value, int | float | str) or value is None


def _bytes(data: Any) -> bytes:
    text = json.dumps(_clean(data), indent=1, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def _clean(data: Any) -> Any:
    """JSON has no infinities: what is no number is null."""
    if isinstance(data, float) and not math.isfinite(data):
        return None
    if isinstance(data, Mapping):
        return {str(key): _clean(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_clean(value) for value in data]
    return data
