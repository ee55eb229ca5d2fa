"""Curves of schedules: the value after a share of the way, as `lab plan` draws it.

`tests/cli/test_sparkline.py` compares each with what a stage follows.
"""

from collections.abc import Callable, Mapping
from math import cos, pi

from lab.compiler.facts import Asking
from lab.runtime.facts.values import number
from lab.spec.values import Value

#: From a share of the way to the value there.
Curve = Callable[[float], float]


def _ends(arguments: Mapping[str, Value]) -> tuple[float, float]:
    return number(arguments, "start"), number(arguments, "stop")


def linear(arguments: Mapping[str, Value], asking: Asking) -> Curve:
    """A straight line."""
    del asking
    start, stop = _ends(arguments)
    return lambda share: start + (stop - start) * share


def cosine(arguments: Mapping[str, Value], asking: Asking) -> Curve:
    """Half a period of a cosine."""
    del asking
    start, stop = _ends(arguments)
    return lambda share: stop + (start - stop) * (1 + cos(pi * share)) / 2


def exponential(arguments: Mapping[str, Value], asking: Asking) -> Curve:
    """A constant factor at every step."""
    del asking
    start, stop = _ends(arguments)
    return lambda share: start * (stop / start) ** share


def cubic(arguments: Mapping[str, Value], asking: Asking) -> Curve:
    """The cube of what is left."""
    del asking
    start, stop = _ends(arguments)
    return lambda share: stop + (start - stop) * (1 - share) ** 3


def polynomial(arguments: Mapping[str, Value], asking: Asking) -> Curve:
    """A power of what is left."""
    del asking
    (start, stop), power = _ends(arguments), number(arguments, "power")
    return lambda share: stop + (start - stop) * (1 - share) ** power
