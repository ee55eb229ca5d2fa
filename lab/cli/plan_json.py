"""`lab plan --json`: everything that the plan says, as data.

One document: that of a study, or `{"schema": 2, "files": [...]}` for several. The plan in it
round-trips (`lab.compiler.serial`). docs/plan.md says what each part is; a part that changes its
meaning changes `SCHEMA`.
"""

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from lab.cli.because import where
from lab.cli.planned import STATES, Planned
from lab.cli.sparkline import knots, schedules_in, value_at, values_of
from lab.compiler.facts import UnknownError
from lab.compiler.reasons import Reason
from lab.compiler.serial import to_json
from lab.runtime.arithmetic import asking
from lab.runtime.contents import missing_files

#: Version of the document.
SCHEMA = 2


def document(studies: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """One document for one study or several."""
    return studies[0] if len(studies) == 1 else {"schema": SCHEMA, "files": list(studies)}


def as_json(one: Planned) -> dict[str, Any]:
    """A study's plan beside its store."""
    from lab.cli.costs import as_json as costs

    plan, options = one.plan, one.options
    return {
        "schema": SCHEMA,
        "file": str(one.loaded.file),
        "results": os.path.relpath(one.results),
        "given": {"profile": options.profile, "set": list(options.sets), "only": options.only},
        "counts": {
            "runs": len(plan.runs),
            "points": len({(run.grid, run.point) for run in plan.runs}),
            "claims": len(plan.claims),
            "nodes": len(plan.nodes),
        },
        "totals": {state: one.totals[state] for state in STATES},
        "states": dict(one.states),
        "order": [node.key for node in one.todo],
        "reasons": [reason_json(reason, one) for reason in one.reasons],
        "schedules": _schedules(one),
        "accepted": [asdict(adoption) for adoption in one.standing.adopted],
        "missing_files": list(missing_files(plan, one.folder)),
        "costs": costs(one.prices),
        "plan": to_json(plan),
    }


def reason_json(one: Reason, planned: Planned) -> dict[str, Any]:
    """A reason, its places with how a person says them."""
    places = [{**asdict(place), "where": where(place, planned.loaded)} for place in one.places]
    return {**asdict(one), "text": one.text, "places": places}


def _schedules(one: Planned) -> list[dict[str, Any]]:
    """Every schedule: the first node that has it, where, its knots and values on the way."""
    found: dict[str, dict[str, Any]] = {}
    facts = asking(one.catalog)
    for node in one.plan.nodes:
        whole = node.arguments.get("for")
        for path, schedule in schedules_in(dict(node.arguments)):
            places = [0.0, *knots(schedule, whole), 1.0]
            said = {"path": path, "label": node.label, "schedule": schedule}
            try:
                values = values_of(schedule, whole, facts)
                knotted = [[at, value_at(schedule, at, whole, facts)] for at in places]
            except UnknownError:
                values, knotted = [], [[at, None] for at in places]
            found.setdefault(
                repr((said, whole)), {"node": node.key, **said, "knots": knotted, "values": values}
            )
    return list(found.values())
