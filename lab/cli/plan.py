"""`lab plan`: what would run, and what is there already."""

import json
from collections import Counter
from pathlib import Path

from lab.cli import exits
from lab.cli.load import Loaded, load, results_folder, show_diagnostics
from lab.cli.options import Options
from lab.compiler.plan import Node, Plan
from lab.compiler.serial import to_json
from lab.runtime.contents import missing_files
from lab.runtime.missing import missing
from lab.runtime.store import failures_in, keys_in


def plan(options: Options) -> int:
    """Print the plan of each study; run nothing."""
    worst = exits.DONE
    for file in options.files:
        loaded = load(file, profile=options.profile, sets=options.sets)
        show_diagnostics(loaded)
        if loaded.plan is None:
            worst = exits.STUDY_IS_WRONG
            continue
        store = results_folder(file, options.results) / "store"
        if options.json:
            print(json.dumps(as_json(loaded, loaded.plan, store), indent=1))
        else:
            print(as_text(loaded, loaded.plan, store))
    return worst


def as_json(loaded: Loaded, plan: Plan, store: Path) -> dict[str, object]:
    """The plan and what of it is in a store."""
    have, new = keys_in(store), {node.key for node in missing(plan, keys_in(store))}
    states = {node.key: state(node, have, new) for node in plan.nodes}
    totals = Counter(states.values())
    return {"file": str(loaded.file), "totals": totals, "states": states, "plan": to_json(plan)}


def state(node: Node, have: frozenset[str], new: set[str]) -> str:
    """`have`, `new`, or `not needed`: gone, while all that is measured of it is there."""
    if node.key in have:
        return "have"
    return "new" if node.key in new else "not needed"


def as_text(loaded: Loaded, plan: Plan, store: Path) -> str:
    """The plan as a person reads it: axes, what filters removed, stages, totals last."""
    have = keys_in(store)
    new = {node.key for node in missing(plan, have)}
    lines = [_head(plan), ""]
    lines += _axes(plan)
    lines += _removed(plan)
    lines += _later(plan)
    lines += _stages(plan, have, new)
    lines += _totals(plan, have, new, failures_in(store))
    lines += [
        f"`{name}` is not in {loaded.file.parent} yet: `lab run` needs it, and keys depend on it"
        for name in missing_files(plan, loaded.file.parent)
    ]
    return "\n".join(lines)


def _head(plan: Plan) -> str:
    profile = f" (profile {plan.profile})" if plan.profile else ""
    title = f": {plan.title}" if plan.title else ""
    return f"{plan.study}{profile}{title}"


def _axes(plan: Plan) -> list[str]:
    rows = [("grid", "axis", "values")]
    for axis in plan.axes:
        rows.append((axis.grid, axis.path, f"{len(axis.values)}: " + " | ".join(axis.values)))
    replicates = sorted({run.seed for run in plan.runs})
    rows.append(("", "replicates", f"{len(replicates)}: " + ", ".join(map(str, replicates))))
    return [*table(rows), ""]


def _removed(plan: Plan) -> list[str]:
    lines = [
        f"{one.grid}: {one.text} removed {one.runs} runs ({one.reason})"
        if one.reason
        else f"{one.grid}: {one.text} removed {one.runs} runs"
        for one in plan.removed
    ]
    return [*lines, ""] if lines else []


def _later(plan: Plan) -> list[str]:
    """What is decided as the study runs: searches, and replicates that may not be needed."""
    lines = [
        f"search {one.name}: {one.runs} runs, {one.trials} trials of "
        f"{one.replicates} replicate{'' if one.replicates == 1 else 's'}"
        for one in plan.searches
    ]
    lines += [
        f"grid {one.grid}: {one.least} to {one.most} replicates, until {one.text}; "
        f"counted and run at their most"
        for one in plan.adaptive
    ]
    return [*lines, ""] if lines else []


def _stages(plan: Plan, have: frozenset[str], new: set[str]) -> list[str]:
    groups: dict[str, list[Node]] = {}
    for node in plan.nodes:
        groups.setdefault(_group(node), []).append(node)
    rows = [("stage", "nodes", "have", "new")]
    for name, nodes in groups.items():
        there = sum(node.key in have for node in nodes)
        fresh = sum(node.key in new for node in nodes)
        rows.append((name, str(len(nodes)), str(there), str(fresh)))
    return [*table(rows), ""]


def _group(node: Node) -> str:
    owner, _, what = node.label.partition(": ")
    return f"{owner}: {what.partition('(')[0]}"


def _totals(plan: Plan, have: frozenset[str], new: set[str], failures: frozenset[str]) -> list[str]:
    there = sum(node.key in have for node in plan.nodes)
    failed = sum(node.key in failures for node in plan.nodes)
    tail = f", {failed} failed when last tried" if failed else ""
    points = len({run.point for run in plan.runs})
    return [
        f"{len(plan.runs)} runs of {points} points, {len(plan.claims)} claims",
        f"{len(plan.nodes)} stages and measurements: {there} have, {len(new)} new{tail}",
    ]


def table(rows: list[tuple[str, ...]]) -> list[str]:
    """Rows with their columns aligned; the first row is the head."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]
