"""Values of settings in the order that people expect."""

import re
from collections.abc import Sequence

__all__ = ["in_order", "number_in"]

_NUMBER = re.compile(r"([-−]?\d[\d,]*\.?\d*(?:e[-+]?\d+)?)\s*(%|[A-Za-zµ]*)")


def number_in(text: str) -> float | None:
    """The number that a setting's text is, whatever its unit; None where it is a word.

    Example:
        >>> number_in("80%"), number_in("2000 steps"), number_in("sine")
        (0.8, 2000.0, None)
    """
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        return None
    number = float(match[1].replace(",", "").replace("−", "-"))
    return number / 100 if match[2] == "%" else number


def in_order(values: Sequence[str]) -> list[str]:
    """Numbers of one unit ascending; anything else as it came."""
    numbers = {value: number_in(value) for value in values}
    units = {_unit(value) for value in values}
    if len(units) > 1 or any(number is None for number in numbers.values()):
        return list(values)
    return sorted(values, key=lambda value: numbers[value] or 0.0)


def _unit(value: str) -> str | None:
    match = _NUMBER.fullmatch(value.strip())
    return match[2] if match else None
