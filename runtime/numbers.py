"""Numbers as people read them: units, digits that mean something, plus-minus.

An uncertain number shows as many decimals as its half interval has meaning for, two significant
digits of it, and five significant digits at most. A certain one shows four.
"""

import math
from dataclasses import dataclass

from lab.runtime.evidence import Estimate
from lab.runtime.statistics import Interval

__all__ = ["Scale", "clock", "p_value", "plain", "scale_of", "signed_half", "text", "written"]

_SCALES: dict[str, tuple[tuple[float, str], ...]] = {
    "share": ((1e-2, "%"),),
    "bytes": ((1, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB")),
    "bits": ((1, "bits"),),
    "seconds": ((1e-6, "µs"), (1e-3, "ms"), (1, "s")),
    "joules": ((1, "J"), (1e3, "kJ")),
    "watts": ((1, "W"),),
    "decibels": ((1, "dB"),),
    "pixels": ((1, "px"),),
    "flops": ((1, "FLOP"), (1e6, "MFLOP"), (1e9, "GFLOP"), (1e12, "TFLOP")),
}


@dataclass(frozen=True, slots=True)
class Scale:
    """How numbers of a column are shown: divided by `factor`, with `suffix` as their unit."""

    factor: float = 1.0
    suffix: str = ""

    def certain(self, number: float) -> str:
        """A number without uncertainty; percentages to hundredths, so that columns line up."""
        scaled = number / self.factor
        if self.suffix == "%" and math.isfinite(scaled):
            return _signed(f"{scaled:.2f}")
        return plain(scaled)

    @property
    def after(self) -> str:
        """The suffix as it follows a number."""
        return f" {self.suffix}" if self.suffix else ""


def scale_of(unit: str | None, *magnitudes: float) -> Scale:
    """The scale at which numbers of a dimension are easy to read.

    Example:
        >>> scale_of("bytes", 1_079_000.0)
        Scale(factor=1000000.0, suffix='MB')
    """
    choices = _SCALES.get(unit or "", ())
    if not choices:
        return Scale()
    largest = max((abs(m) for m in magnitudes if math.isfinite(m)), default=0.0)
    fitting = [choice for choice in choices if largest >= choice[0]] or [choices[0]]
    return Scale(*fitting[-1])


def plain(number: float, *, digits: int = 4) -> str:
    """A number without uncertainty, to four significant digits, whole numbers whole.

    Example:
        >>> plain(0.91734), plain(269722.0), plain(3.0)
        ('0.9173', '269,722', '3')
    """
    if not math.isfinite(number):
        return "not a number" if math.isnan(number) else "∞" if number > 0 else "−∞"
    if number == round(number) and abs(number) < 1e15:
        return _signed(f"{number:,.0f}")
    magnitude = math.floor(math.log10(abs(number)))
    if magnitude < -4:
        return _signed(f"{number:.{digits - 1}e}")
    return _signed(f"{number:,.{max(0, digits - 1 - magnitude)}f}")


def written(number: float) -> str:
    """A number that a study states, as short as it was written.

    Example:
        >>> written(0.01 / 0.01), written(3.7)
        ('1', '3.7')
    """
    return _signed(f"{number:.10g}")


def text(estimate: Estimate, scale: Scale) -> str:
    """`mean ± half`, or `mean +up −down` where the interval leans; the mean alone without one."""
    mean = estimate.mean / scale.factor
    found = estimate.interval
    if found is None or not math.isfinite(mean):
        return scale.certain(estimate.mean)
    decimals = min(
        decimals_of((found.high - found.low) / 2 / scale.factor), _decimals_of_five_digits(mean)
    )
    half = signed_half(found, estimate.mean, scale=scale, decimals=decimals)
    return f"{_signed(f'{mean:,.{decimals}f}')} {half}"


def signed_half(found: Interval, mean: float, *, scale: Scale, decimals: int | None = None) -> str:
    """`± half`, or `+up −down` where one side is over a tenth longer than the other."""
    up, down = (found.high - mean) / scale.factor, (mean - found.low) / scale.factor
    places = decimals_of((up + down) / 2) if decimals is None else decimals
    if (up + down) / 2 < 0.5 * 10**-places:
        return f"± <{10**-places:,.{places}f}"
    if abs(up - down) <= 0.1 * max(abs(up), abs(down)):
        return f"± {(up + down) / 2:,.{places}f}"
    return f"+{max(up, 0):,.{places}f} −{max(down, 0):,.{places}f}"


def decimals_of(half: float) -> int:
    """Decimals that show two significant digits of a half interval."""
    if half <= 0 or not math.isfinite(half):
        return 2
    return min(8, max(0, 1 - math.floor(math.log10(half))))


def _decimals_of_five_digits(number: float) -> int:
    if number == 0:
        return 8
    return max(0, 4 - math.floor(math.log10(abs(number))))


def p_value(p: float) -> str:
    """A p-value, with a floor below which nobody's assumptions reach."""
    return "p < 0.0001" if p < 1e-4 else f"p = {p:.2g}"


def clock(seconds: float) -> str:
    """A length of time: `0.8 s`, `12 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes, rest = divmod(whole, 60)
    if minutes < 120:
        return f"{minutes} min {rest} s" if rest else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def _signed(number: str) -> str:
    return number.replace("-", "−", 1) if number.startswith("-") else number
