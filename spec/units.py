"""Units are types: what a number with a suffix means.

A quantity is stored in the base unit of its dimension, so that `90 min` and `1.5 h` are one value
with one key. Durations keep the unit they were given in: how many steps an epoch has is known only
where the data and the batch are.
"""

from typing import Literal

from lab.spec.records import record

DurationUnit = Literal["steps", "epochs", "samples", "share", "seconds"]

#: Suffix -> (dimension, factor to the dimension's base unit).
UNITS: dict[str, tuple[str, float]] = {
    "step": ("steps", 1),
    "steps": ("steps", 1),
    "epoch": ("epochs", 1),
    "epochs": ("epochs", 1),
    "sample": ("samples", 1),
    "samples": ("samples", 1),
    "ms": ("seconds", 1e-3),
    "s": ("seconds", 1),
    "min": ("seconds", 60),
    "h": ("seconds", 3600),
    "d": ("seconds", 86400),
    "bit": ("bits", 1),
    "bits": ("bits", 1),
    "B": ("bytes", 1),
    "kB": ("bytes", 1e3),
    "MB": ("bytes", 1e6),
    "GB": ("bytes", 1e9),
    "TB": ("bytes", 1e12),
    "KiB": ("bytes", 2**10),
    "MiB": ("bytes", 2**20),
    "GiB": ("bytes", 2**30),
    "dB": ("decibels", 1),
    "px": ("pixels", 1),
    "J": ("joules", 1),
    "kJ": ("joules", 1e3),
    "Wh": ("joules", 3600),
    "kWh": ("joules", 3.6e6),
    "W": ("watts", 1),
    "kW": ("watts", 1e3),
    "FLOP": ("flops", 1),
    "FLOPs": ("flops", 1),
    "GFLOP": ("flops", 1e9),
    "GFLOPs": ("flops", 1e9),
    "TFLOP": ("flops", 1e12),
    "TFLOPs": ("flops", 1e12),
    "points": ("points", 1),
}

#: Dimensions that can stand where a duration is asked.
DURATIONS: frozenset[str] = frozenset({"steps", "epochs", "samples", "share", "seconds"})


@record
class Duration:
    """A length of training, in the unit it was written in.

    Always holds: `amount` is not negative; for `share` it is at most 1.
    """

    amount: float
    unit: DurationUnit
