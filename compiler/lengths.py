"""Durations in steps: how much a stage's length changes when it is made a whole number of them."""

from collections.abc import Iterator, Mapping
from typing import cast

from lab.compiler.plan import Node, Plan
from lab.compiler.remark import Remark
from lab.compiler.strands import Strand, kinds
from lab.spec import core
from lab.spec.signature import Catalog
from lab.spec.values import Value

#: A change by more than this share is worth a word.
NOTABLE = 0.01


def rounded_lengths(study: core.Study, plan: Plan, catalog: Catalog) -> Iterator[Remark]:
    """A warning for every place whose duration rounds to notably other than what it says."""
    told: set[core.Core] = set()
    for node in kinds(plan):
        steps = steps_of(node, catalog)
        if steps is None or not _is_notable(steps):
            continue
        owner = node.label.partition(": ")[0]
        place = _written(study, owner, node.component)
        if place is None or place in told:
            continue
        told.add(place)
        whole = int(steps + 0.5)
        message = f"this duration is {steps:.4g} steps, which are rounded to {whole}"
        remedy = "write it in steps, or choose a batch that divides the examples"
        yield Remark("W0808", message, place.span, owner, (remedy,))


def steps_of(node: Node | Strand, catalog: Catalog) -> float | None:
    """The length of a stage in steps before rounding, where it can be known from the plan."""
    lasting = node.arguments.get("for")
    if node.role != "stage" or not isinstance(lasting, dict) or "duration" not in lasting:
        return None
    amount, batch = cast(float, lasting["duration"]), node.arguments.get("batch")
    if lasting["unit"] == "steps":
        return amount
    if not isinstance(batch, int):
        return None
    if lasting["unit"] == "samples":
        return amount / batch
    examples = _examples(node.arguments.get("data"), catalog)
    if lasting["unit"] != "epochs" or examples is None:
        return None
    return amount * (examples // min(batch, examples))


def _examples(data: Value, catalog: Catalog) -> int | None:
    if not isinstance(data, dict):
        return None
    signature = catalog.get("data", str(data["component"]))
    aside = cast(Mapping[str, Value], data["args"]).get("validation")
    if signature is None or signature.examples is None:
        return None
    left = signature.examples - (aside if isinstance(aside, int) else 0)
    return left if left > 0 else None


def _is_notable(steps: float) -> bool:
    whole = int(steps + 0.5)
    return steps > 0 and (whole == 0 or abs(whole - steps) > NOTABLE * steps)


def _written(study: core.Study, owner: str, component: str) -> core.Core | None:
    """Where a method says how long a stage lasts; the method itself where it does not."""
    definition = study.definitions.get(owner)
    if definition is None:
        return None
    value = definition.value
    parts = value.parts if isinstance(value, core.Pipeline) else (value,)
    for part in parts:
        if isinstance(part, core.Build) and part.component == component:
            return part.arguments.get("for", part)
    return value
