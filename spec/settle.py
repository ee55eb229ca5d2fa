"""The one form that a number of a type has, so that equal meanings are equal JSON."""

from typing import Any, cast

from lab.spec.signature import Type

#: Types of whole numbers, and of all numbers.
WHOLE = frozenset({"int", "bits", "bytes", "pixels"})
REAL = frozenset({"float", "share", "seconds", "decibels", "schedule"})


def settled(value: Any, kind: Type) -> Any:
    """A number as its type has it: whole types hold ints, real ones floats.

    Example:
        >>> settled(1e3, Type("int")), settled(3, Type("float"))
        (1000, 3.0)
    """
    given: object = value
    if isinstance(given, list) and (kind.many or kind.mapping):
        one = Type(kind.name, kind.words)
        return [settled(item, one) for item in cast(list[Any], given)]
    if isinstance(given, bool) or not isinstance(given, int | float):
        return value
    if kind.name in WHOLE and float(given).is_integer():
        return int(given)
    return float(given) if kind.name in REAL else given
