"""Numbers as the interpreter reads them: units, arithmetic, ranges."""

import math
from dataclasses import dataclass
from typing import Any

from lab.spec import syntax
from lab.spec.signature import Type
from lab.spec.units import UNITS

Value = Any
ANY = Type("any")


@dataclass(frozen=True)
class Quantity:
    """A number with the unit it was written in."""

    amount: float
    unit: str | None = None


def written_number(number: syntax.Number) -> Quantity:
    """A number in the base unit of what it measures."""
    if number.percent:
        return Quantity(number.value / 100, "share")
    if number.unit is None:
        return Quantity(number.value)
    dimension, factor = UNITS[number.unit.text]
    return Quantity(number.value * factor, dimension)


def calculated(op: str, left: Quantity, right: Quantity) -> Quantity:
    """Arithmetic; one of two factors may have a unit."""
    unit = left.unit or right.unit
    if op == "+":
        return Quantity(left.amount + right.amount, unit)
    if op == "-":
        return Quantity(left.amount - right.amount, unit)
    if op == "*":
        return Quantity(left.amount * right.amount, unit)
    return Quantity(left.amount / right.amount, unit)


def members(start: float, stop: float, by: Quantity | None, *, log: bool) -> list[float]:
    """The values of a range, both ends included."""
    if by is not None and by.unit == "points":
        count = int(by.amount)
        if log:
            ratio = math.log(stop / start) / (count - 1)
            return [start * math.exp(ratio * i) for i in range(count)]
        return [start + (stop - start) * i / (count - 1) for i in range(count)]
    step = 1 if by is None else by.amount
    found: list[float] = []
    while start + len(found) * step <= stop + 1e-9 * step:
        found.append(start + len(found) * step)
    return found


def plain(number: Quantity, want: Type) -> Value:
    """A number as the type that is asked for has it."""
    lengths = ("steps", "epochs", "samples", "seconds")
    if want.name == "duration" or number.unit in lengths:
        return {"duration": number.amount, "unit": number.unit}
    return number.amount
