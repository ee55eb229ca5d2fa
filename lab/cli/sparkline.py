"""Schedules in one line: how a number goes over a stage, and the knots of its pieces.

A plan is shown without what runs it: a component's curve is told by its facts, which its decorator
names (`lab.runtime.facts.schedules`). A component of one's own has none, and is not drawn.
"""

from collections.abc import Iterator
from math import prod
from typing import TYPE_CHECKING, cast

from lab.spec.values import Value

if TYPE_CHECKING:
    from lab.compiler.facts import Asking

_BARS = "▁▂▃▄▅▆▇█"
_POINTS = 16


def value_at(schedule: Value, share: float, whole: Value, asking: "Asking") -> float:
    """The value of a schedule after a share of its stage, whose length is `whole`.

    Raises UnknownError where a component tells nothing of its curve.
    """
    if not isinstance(schedule, dict):
        return float(cast(float, schedule))
    if schedule.get("schedule") == "pieces":
        return _in_pieces(schedule, share, whole, asking)
    if "schedule" in schedule:
        parts = [value_at(one, share, whole, asking) for one in cast(list[Value], schedule["of"])]
        return sum(parts) if schedule["schedule"] == "sum" else prod(parts)
    return float(asking.of(schedule)(min(max(share, 0.0), 1.0)))


def _in_pieces(schedule: Value, share: float, whole: Value, asking: "Asking") -> float:
    pieces = _pieces(schedule)
    edges = [0.0, *knots(schedule, whole), 1.0]
    at = max(i for i in range(len(pieces)) if share >= edges[i] or i == 0)
    begin, end = edges[at], edges[at + 1]
    inside = (share - begin) / (end - begin) if end > begin else 1.0
    return value_at(pieces[at]["value"], inside, whole, asking)


def _pieces(schedule: Value) -> list[dict[str, Value]]:
    if not isinstance(schedule, dict) or schedule.get("schedule") != "pieces":
        return []
    return cast(list[dict[str, Value]], schedule["pieces"])


def knots(schedule: Value, whole: Value) -> list[float]:
    """The shares of the stage at which one piece gives way to the next."""
    found: list[float] = []
    for piece in _pieces(schedule)[:-1]:
        found.append(min((found[-1] if found else 0.0) + _share(piece["for"], whole), 1.0))
    return found


def _share(length: Value, whole: Value) -> float:
    """A duration as a share of the stage's; where their units differ that is not known yet."""
    if not isinstance(length, dict):
        return 1.0
    amount = cast(float, length["duration"])
    if length["unit"] == "share":
        return amount
    if isinstance(whole, dict) and whole["unit"] == length["unit"] and whole["duration"]:
        return amount / cast(float, whole["duration"])
    return 0.5


def values_of(schedule: Value, whole: Value, asking: "Asking") -> list[float]:
    """Values of a schedule over its stage, at equal steps. Raises UnknownError."""
    return [value_at(schedule, i / (_POINTS - 1), whole, asking) for i in range(_POINTS)]


def drawn(values: list[float]) -> str:
    """Numbers as a line of bars.

    Example:
        >>> drawn([0.0, 1.0, 2.0, 7.0])
        '▁▂▃█'
    """
    low, high = min(values), max(values)
    if high == low:
        return _BARS[0] * len(values)
    return "".join(_BARS[round((one - low) / (high - low) * (len(_BARS) - 1))] for one in values)


def _holds_loss(value: Value) -> bool:
    """Whether a sum or a product is one of losses, whose weights may be schedules."""
    if not isinstance(value, dict) or "schedule" not in value:
        return False
    parts = [one for one in cast(list[Value], value.get("of", [])) if isinstance(one, dict)]
    return any(one.get("kind", "schedule") != "schedule" or _holds_loss(one) for one in parts)


def schedules_in(value: Value, name: str = "") -> Iterator[tuple[str, Value]]:
    """The schedules in the arguments of a stage, each with its path."""
    if not isinstance(value, dict) or "duration" in value or "file" in value:
        return
    if _holds_loss(value):
        for part in cast(list[Value], value["of"]):
            yield from schedules_in(part, name)
        return
    if "schedule" in value or value.get("kind") == "schedule":
        yield name, value
        return
    inner = cast(dict[str, Value], value["args"]) if "component" in value else value
    for word, one in inner.items():
        yield from schedules_in(one, f"{name}.{word}".lstrip("."))
