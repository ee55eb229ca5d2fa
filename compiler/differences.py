"""How two values differ: the innermost parts that do, each with its way in."""

from collections.abc import Iterator, Mapping

from lab.compiler.tracing import Steps
from lab.spec.records import record
from lab.spec.values import Value

_NOTHING = object()


@record
class Difference:
    """One part of two values. `is_lacking`: one of them has no such part, None stands for it."""

    steps: Steps
    before: Value
    after: Value
    is_lacking: bool = False


def differences(before: Value, after: Value, steps: Steps = ()) -> Iterator[Difference]:
    """What differs. A component that is another one differs as a whole; so does a duration.

    Example:
        >>> list(differences({"a": 1, "b": [2, 3]}, {"a": 1, "b": [2, 4]}))
        [Difference(steps=('b', 1), before=3, after=4, is_lacking=False)]
    """
    if before == after or _is_same_file(before, after):
        return
    if isinstance(before, dict) and isinstance(after, dict) and _are_alike(before, after):
        yield from _of_mappings(before, after, steps)
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for i, (one, other) in enumerate(zip(before, after, strict=True)):
            yield from differences(one, other, (*steps, i))
    else:
        yield Difference(steps, before, after)


def _of_mappings(
    before: Mapping[str, Value], after: Mapping[str, Value], steps: Steps
) -> Iterator[Difference]:
    for name in dict.fromkeys((*before, *after)):
        if name in before and name in after:
            yield from differences(before[name], after[name], (*steps, name))
        else:
            yield Difference((*steps, name), before.get(name), after.get(name), is_lacking=True)


def _are_alike(before: Mapping[str, Value], after: Mapping[str, Value]) -> bool:
    if "duration" in before or "file" in before or "duration" in after or "file" in after:
        return False
    same_component = before.get("component") == after.get("component")
    return same_component and before.get("schedule") == after.get("schedule")


def _is_same_file(before: Value, after: Value) -> bool:
    """A file counts by its content."""
    if not isinstance(before, dict) or not isinstance(after, dict):
        return False
    content = before.get("content", _NOTHING)
    return "file" in before and "file" in after and content == after.get("content")


def inside(value: Value, step: str | int) -> Value:
    """One part of a value, None where it lacks it."""
    if isinstance(value, dict) and isinstance(step, str):
        return value.get(step)
    if isinstance(value, list) and isinstance(step, int) and step < len(value):
        return value[step]
    return None
