"""What a training measures of its own network on the way: metrics, and the accuracy on a split."""

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from lab.runtime import registry
from lab.runtime.artifact import Artifact
from lab.runtime.dataset import Data
from lab.runtime.work import Measurement, Work

_OPERATIONS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b if b else float("nan"),
}


def measured(metric: Any, artifact: Artifact, work: Work, data: Data | None) -> float:
    """The value of a metric of a network.

    Args:
        metric: a measurement, a resolved value of one, a number, or `{"op", "of"}` over these.
        artifact: the network. `work`: of the stage that trains it. `data`: its data.
    """
    if isinstance(metric, int | float):
        return float(metric)
    if isinstance(metric, Mapping) and "op" in metric:
        left, right = (measured(part, artifact, work, data) for part in metric["of"])
        return _OPERATIONS[metric["op"]](left, right)
    one: Any = registry.instantiate(metric) if isinstance(metric, Mapping) else metric
    if "data" in {field.name for field in fields(one)} and one.data is None:
        one = replace(one, data=data)
    measurement: Measurement = one
    found = measurement.measure(replace(work, inputs={"of": artifact}))
    return float(found["value"])  # type: ignore[arg-type] - `value` is the one number


def is_better_lower(metric: Any) -> bool:
    """Whether small values of a metric are the good ones; arithmetic is as its first operand."""
    if isinstance(metric, Mapping) and "op" in metric:
        return is_better_lower(metric["of"][0])
    if isinstance(metric, Mapping):
        return _signature_of(metric["component"]).better == "lower"
    about = getattr(type(metric), "component", None)
    return about is not None and about["better"] == "lower"


def _signature_of(name: str) -> Any:
    return registry.catalog().signatures["measurement", name]
