"""Units as products of powers of base units, and what arithmetic makes of them.

A share is a number written in hundredths: it scales other units, adds up with plain numbers, and is
told apart from them only where a duration may be a share of its stage.
"""

from collections.abc import Mapping
from typing import Literal

Unit = tuple[tuple[str, int], ...]
PLAIN: Unit = ()
SHARE: Unit = (("share", 1),)

Op = Literal["+", "-", "*", "/"]

#: Types of numbers -> base units that fit; the empty one is a number without a unit.
FITS: Mapping[str, tuple[str, ...]] = {
    "int": ("",),
    "float": ("", "share"),
    "number": ("", "share"),
    "schedule": ("", "share"),
    "share": ("share", ""),
    "bits": ("bits", ""),
    "pixels": ("pixels", ""),
    "decibels": ("decibels", ""),
    "bytes": ("bytes",),
    "seconds": ("seconds",),
    "duration": ("steps", "epochs", "samples", "share", "seconds"),
    "moment": ("steps", "epochs", "samples", "share", "seconds"),
}

#: What a type is called in messages.
CALLED: Mapping[str, str] = {
    "int": "a whole number",
    "float": "a number",
    "number": "a number",
    "schedule": "a number or a schedule",
    "share": "a share such as `80%`",
    "bits": "a number of bits",
    "pixels": "a number of pixels",
    "decibels": "a number of decibels",
    "bytes": "a size such as `100 MB`",
    "seconds": "a time such as `90 min`",
    "duration": "a duration such as `2k steps` or `15 epochs`",
    "moment": "a moment such as `2k steps`, `30%` or `end`",
    "bool": "`true` or `false`",
    "string": "text in quotes",
    "file": "a file's name in quotes",
    "arm": "a method",
    "data": "a data source",
    "let": "a shared value",
    "augmentation": "an augmentation",
    "stage": "a stage",
    "path": "a path such as `method` or `field.width`",
    "condition": "a condition",
    "curve": "the name of a recorded curve",
}


def called(kind: str) -> str:
    """A type with its article.

    Example:
        >>> called("optimizer"), called("loss")
        ('an optimizer', 'a loss')
    """
    article = "an" if kind[:1] in "aeiou" else "a"
    return CALLED.get(kind, f"{article} {kind}")


def base(unit: Unit | None) -> str | None:
    """The one base unit of a unit, empty for a plain number, None for products and unknowns."""
    if unit is None:
        return None
    if not unit:
        return ""
    return unit[0][0] if len(unit) == 1 and unit[0][1] == 1 else None


def shown(unit: Unit | None) -> str:
    """A unit in words.

    Example:
        >>> shown((("bytes", 1), ("seconds", -1)))
        'bytes/seconds'
    """
    if not unit:
        return "a plain number"
    over = "*".join(name if power == 1 else f"{name}^{power}" for name, power in unit if power > 0)
    under = "*".join(name for name, power in unit if power < 0)
    return f"{over or '1'}/{under}" if under else over


def thing(unit: Unit | None) -> str:
    """A unit as the subject of a sentence."""
    return "a share" if unit == SHARE else shown(unit)


def named(text: str | None) -> Unit | None:
    """The unit of a measurement, by the name in its declaration."""
    if text is None or text == "":
        return None
    return PLAIN if text in {"number", "count"} else ((text, 1),)


def name_of(unit: Unit | None) -> str | None:
    """How a definition's unit is written: the inverse of `named`."""
    if unit is None:
        return None
    return "number" if unit == PLAIN else shown(unit)


def product(left: Unit | None, right: Unit | None, sign: int = 1) -> Unit | None:
    """The unit of a product, or with `sign` -1 of a quotient."""
    if left is None or right is None:
        return None
    if SHARE in (left, right):
        return _scaled(left, right, sign)
    powers = dict(left)
    for name, power in right:
        powers[name] = powers.get(name, 0) + sign * power
    return tuple(sorted((name, power) for name, power in powers.items() if power))


def _scaled(left: Unit, right: Unit, sign: int) -> Unit | None:
    if left == right:
        return SHARE if sign > 0 else PLAIN
    if left == SHARE:
        return SHARE if right == PLAIN else product(PLAIN, right, sign)
    return SHARE if left == PLAIN and sign > 0 else left


def total(left: Unit | None, right: Unit | None) -> tuple[Unit | None, bool]:
    """The unit of a sum or difference, and whether there is one."""
    if left is None or right is None or left == right:
        return (left if right is None else right), True
    if {left, right} == {PLAIN, SHARE}:
        return SHARE, True
    return None, False


def combined(op: Op, left: Unit | None, right: Unit | None) -> tuple[Unit | None, bool]:
    """The unit of `left op right`, and whether there is one."""
    if op in ("+", "-"):
        return total(left, right)
    return product(left, right, 1 if op == "*" else -1), True


def computed(op: Op, left: float, right: float) -> int | float:
    """`left op right`; the divisor is not zero."""
    if op == "+":
        return left + right
    if op == "-":
        return left - right
    return left * right if op == "*" else left / right
