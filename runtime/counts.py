"""How many replicates points got, noted for `lab plan`, which imports no statistics.

    results/store/replicates.jsonl

A line for each point, named by all that decides the number: the measurements of its replicates, and
when they are enough. The file is a note and no evidence: reports work the numbers out again, and it
may be removed at any time.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from lab.compiler.canonical import digest
from lab.compiler.plan import Adaptive, Plan, Run

NAME = "replicates.jsonl"
Place = tuple[str, str]


def known_counts(plan: Plan, root: Path) -> dict[Place, int]:
    """What is noted of the points of a plan, by grid and point."""
    if not plan.adaptive:
        return {}
    noted = _noted(root / NAME)
    named = {place: _name(one, runs) for place, one, runs in _points(plan)} if noted else {}
    return {place: noted[name] for place, name in named.items() if name in noted}


def keep_counts(plan: Plan, counts: Mapping[Place, int], root: Path) -> None:
    """Note how many replicates some points got."""
    noted = _noted(root / NAME)
    fresh = {
        name: counts[place]
        for place, one, runs in _points(plan)
        if place in counts and noted.get(name := _name(one, runs)) != counts[place]
    }
    if not fresh:
        return
    lines = [json.dumps({"point": name, "replicates": n}) + "\n" for name, n in fresh.items()]
    with (root / NAME).open("a", encoding="utf-8") as file:
        file.write("".join(lines))


def _points(plan: Plan) -> Iterator[tuple[Place, Adaptive, list[Run]]]:
    waiting = {one.grid: one for one in plan.adaptive}
    found: dict[Place, list[Run]] = {}
    for run in plan.runs:
        if run.grid in waiting:
            found.setdefault((run.grid, run.point), []).append(run)
    for place, runs in found.items():
        yield place, waiting[place[0]], runs


def _name(one: Adaptive, runs: list[Run]) -> str:
    forest = [dict(run.metrics[one.metric]) for run in runs]
    floor = one.floors.get(runs[0].point, 0)
    return digest([one.least, one.most, one.level, one.width, floor, forest])[:32]


def _noted(path: Path) -> dict[str, int]:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return {}
    noted: dict[str, int] = {}
    for line in lines:
        with suppress(ValueError, KeyError, TypeError):  # a line that a crash cut short is no line
            found = json.loads(line)
            noted[found["point"]] = int(found["replicates"])
    return noted
