"""Lengths of time as a person says them."""


def clock(seconds: float) -> str:
    """A length of time to two figures.

    Example:
        >>> clock(0.012), clock(99.6), clock(1e6)
        ('12 ms', '1.7 min', '278 h')
    """
    for limit, factor, unit in ((0.1, 1e-3, "ms"), (90, 1, "s"), (5400, 60, "min")):
        if seconds < limit:
            return f"{_two_figures(seconds / factor)} {unit}"
    return f"{_two_figures(seconds / 3600)} h"


def _two_figures(number: float) -> str:
    return f"{number:.0f}" if number >= 10 else f"{number:.2g}"
