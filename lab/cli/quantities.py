"""Quantities on the command line, in the language's units: `32GB`, `"1.5 GiB"`, `90s`, `2min`."""

import argparse
import re

from lab.spec.units import UNITS

_QUANTITY = re.compile(r"(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*([A-Za-z]*)")


def size(text: str) -> float:
    """A size of memory, in bytes.

    Example:
        >>> size("32GB")
        32000000000.0
    """
    return _in("bytes", text, example="32GB")


def time(text: str) -> float:
    """A time, in seconds; a plain number is seconds already.

    Example:
        >>> time("2min")
        120.0
    """
    return _in("seconds", f"{text}s" if text[-1:].isdigit() else text, example="30s")


def _in(dimension: str, text: str, *, example: str) -> float:
    found = _QUANTITY.fullmatch(text.strip())
    unit = UNITS.get(found[3]) if found else None
    if found is None or unit is None or unit[0] != dimension:
        units = ", ".join(name for name, (kind, _) in UNITS.items() if kind == dimension)
        raise argparse.ArgumentTypeError(
            f"`{text}` is not a number of {dimension}: write one like {example} (units: {units})"
        )
    amount = float(found[1] + (found[2] or "")) * unit[1]
    if amount <= 0:
        raise argparse.ArgumentTypeError(f"`{text}` is not more than 0")
    return amount
