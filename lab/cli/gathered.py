"""What a store holds of a plan, as reports and results read it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lab.cli.growth import settled
from lab.compiler.plan import Plan
from lab.compiler.standing import Standing
from lab.runtime.descent import accepted_texts, stale_texts
from lab.runtime.layout import failures_in, keys_in
from lab.runtime.report.growth import Grown, grown
from lab.runtime.store import Store
from lab.spec.records import record


@record
class Gathered:
    """A plan with the replicates that its points get, and what there is of it, by key.

    `stale` says of a node what of its code changed since there was a result of it, `accepted` what
    results of older code stand and why.
    """

    plan: Plan
    values: Mapping[str, Any]
    records: Mapping[str, Any]
    failures: Mapping[str, Any]
    growth: Grown
    stale: Mapping[str, str]
    accepted: list[str]


def gathered(stands: Standing, root: Path) -> Gathered:
    """What a store's folder, which need not exist, holds of a plan."""
    plan, have, failed = stands.plan, keys_in(root), failures_in(root)
    records: dict[str, Any] = {}
    failures: dict[str, Any] = {}
    if root.is_dir():
        store = Store(root)
        records = {one.key: store.record(one.key) for one in plan.nodes if one.key in have}
        failures = {one.key: store.failure(one.key) for one in plan.nodes if one.key in failed}
    values = {key: record["values"] for key, record in records.items() if record["values"]}
    growth = grown(plan, root, values, failed)
    return Gathered(
        plan=settled(plan, values, failed),
        values=values,
        records=records,
        failures=failures,
        growth=growth,
        stale=stale_texts(stands, root),
        accepted=accepted_texts(stands),
    )
