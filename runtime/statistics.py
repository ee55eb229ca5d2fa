"""What replicates and test examples say: intervals, one-sided tests, multiplicity, power.

Replicates `x_1 … x_n` are independent draws of one arm (or of a difference of two arms that share
their random streams, so that a paired test is a test of one sample). With mean `m` and standard
error `s / sqrt(n)`:

* n < 3: no interval, and it says so;
* 3 <= n < 10: Student t, `m ± t_{n-1} s / sqrt(n)`, exact on normal data;
* n >= 10: studentized bootstrap (Hall 1988; Efron & Tibshirani 1993, section 12.5): quantiles of
  `(m* - m) / se*` in place of Student's. A plain percentile bootstrap covers 74 % at three values
  and 84 % at five, and is not used for replicates.

Test examples are many, so there the bootstrap is over examples, the same ones for every network
(paired), with half an example of each kind added (Agresti & Min 2005) so that a handful of
disagreements is not taken for certainty; two accuracies are compared by McNemar's exact test.
Multiplicity: Holm 1979.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float

    Sample = Float[np.ndarray, " n"]

__all__ = [
    "EXAMPLE_RESAMPLES",
    "FEWEST",
    "POWER",
    "SKEWED_COVERAGE",
    "Interval",
    "Sided",
    "example_weights",
    "holm",
    "interval",
    "interval_of_draws",
    "mcnemar",
    "more_examples",
    "one_sided",
    "projected",
    "sided_of_draws",
    "skewed_coverage",
    "smallest",
    "standard_error",
]

FEWEST = 3
BOOTSTRAP_FROM = 10
RESAMPLES = 4999
EXAMPLE_RESAMPLES = 1999
POWER = 0.8
_SEED = 20_240_229

#: Measured coverage of the 95 % interval on exponential data by number of replicates: 400,000
#: samples each for Student t, 10,000 for the bootstrap. `make verify` measures it again.
SKEWED_COVERAGE = {
    3: 0.885,
    4: 0.881,
    5: 0.883,
    6: 0.887,
    7: 0.890,
    8: 0.894,
    9: 0.897,
    10: 0.938,
    15: 0.944,
    20: 0.944,
    30: 0.948,
    50: 0.951,
}


@dataclass(frozen=True, slots=True)
class Interval:
    """A confidence interval. `method` says how it was made."""

    low: float
    high: float
    level: float
    method: Literal["student t", "studentized bootstrap", "bootstrap over test examples"]


@dataclass(frozen=True, slots=True)
class Sided:
    """Two one-sided p-values: `above` is the evidence for "greater than", `below` for "less than".

    Always holds: each is the probability, if its statement is false, of evidence this strong.
    """

    above: float
    below: float


def interval(sample: Sequence[float] | Sample, *, level: float = 0.95) -> Interval | None:
    """The confidence interval of the mean, or None below three replicates.

    Example:
        >>> found = interval([1.0, 2.0, 3.0])
        >>> round(float(found.low), 2), round(float(found.high), 2)
        (-0.48, 4.48)
    """
    values = np.asarray(sample, float)
    n = len(values)
    if n < FEWEST:
        return None
    mean, error = values.mean(), standard_error(values)
    pivots = _pivots(values)
    tail = (1 - level) / 2
    if pivots is None:
        half = float(_special().stdtrit(n - 1, 1 - tail)) * error
        return Interval(mean - half, mean + half, level, "student t")
    low, high = np.quantile(pivots, [tail, 1 - tail])
    return Interval(mean - high * error, mean - low * error, level, "studentized bootstrap")


def skewed_coverage(n: int) -> float | None:
    """Coverage of the 95 % interval on exponential data, as measured at the nearest n below."""
    measured = [count for count in SKEWED_COVERAGE if count <= n]
    return SKEWED_COVERAGE[max(measured)] if measured else None


def one_sided(sample: Sequence[float] | Sample, *, against: float = 0.0) -> Sided:
    """Evidence that the mean is above or below a number.

    Below three replicates there is none: both p-values are 1. From ten on it is the weaker one of
    Student's and the studentized bootstrap's: far out in the tails, where corrections for many
    comparisons look, the bootstrap of ten values alone passes 6 % of false claims.
    """
    values = np.asarray(sample, float)
    n = len(values)
    if n < FEWEST:
        return Sided(1.0, 1.0)
    error = standard_error(values)
    if error == 0:
        raise ValueError("equal replicates have no spread to test with")
    t = (values.mean() - against) / error
    student = Sided(float(_special().stdtr(n - 1, -t)), float(_special().stdtr(n - 1, t)))
    pivots = _pivots(values)
    if pivots is None:
        return student
    drawn = _tail_counts(pivots, t)
    return Sided(max(student.above, drawn.above), max(student.below, drawn.below))


def standard_error(values: Sample) -> float:
    """The standard error of the mean; zero where all values agree to rounding."""
    spread = float(np.ptp(values))
    if spread <= 1e-12 * float(np.abs(values).max()):
        return 0.0
    return float(values.std(ddof=1) / np.sqrt(len(values)))


def _tail_counts(draws: Sample, at: float) -> Sided:
    size = len(draws) + 1
    return Sided(
        (1 + int(np.sum(draws >= at))) / size,
        (1 + int(np.sum(draws <= at))) / size,
    )


def _pivots(values: Sample) -> Sample | None:
    """Studentized means of resamples; None where Student's t is to be used.

    That is below ten replicates, and where so many values are tied that resamples without any
    spread reach into the tails.
    """
    n = len(values)
    if n < BOOTSTRAP_FROM:
        return None
    drawn = values[_resample(n)]
    errors = drawn.std(axis=1, ddof=1) / np.sqrt(n)
    flat = errors <= 1e-12 * float(np.abs(values).max())
    if flat.mean() > 0.002:
        return None
    return (drawn.mean(axis=1) - values.mean())[~flat] / errors[~flat]


@lru_cache(maxsize=16)
def _resample(n: int) -> np.ndarray:
    return np.random.default_rng(_SEED).integers(0, n, size=(RESAMPLES, n))


@lru_cache(maxsize=2)
def example_weights(examples: int, extra: int) -> np.ndarray:
    """Bootstrap weights, float32 `(resamples, examples + extra)`, each row summing to one.

    The last `extra` columns belong to added half examples. Poisson weights: multinomial ones up to
    the total, which the normalization takes out.
    """
    generator = np.random.default_rng(_SEED)
    weights = np.concatenate(
        [
            generator.poisson(1.0, (EXAMPLE_RESAMPLES, examples)),
            generator.poisson(0.5, (EXAMPLE_RESAMPLES, extra)),
        ],
        axis=1,
    ).astype(np.float32)
    totals = np.maximum(weights.sum(axis=1, keepdims=True), 1.0)
    return weights / totals


def interval_of_draws(draws: Sample, *, level: float = 0.95) -> Interval:
    """The percentile interval of a statistic recomputed on resampled test examples."""
    tail = (1 - level) / 2
    low, high = np.quantile(draws, [tail, 1 - tail])
    return Interval(float(low), float(high), level, "bootstrap over test examples")


def sided_of_draws(draws: Sample, *, against: float = 0.0) -> Sided:
    """Evidence of resampled test examples that a statistic is above or below a number."""
    mirrored = _tail_counts(draws, against)
    return Sided(above=mirrored.below, below=mirrored.above)


def mcnemar(left: Sequence[int] | Sample, right: Sequence[int] | Sample) -> Sided:
    """Exact test of two accuracies on the same examples: is the left one higher, or lower?

    Of the `d` examples on which they disagree, the left one is right on `b ~ Binomial(d, 1/2)` if
    they are equally good.

    Example:
        >>> mcnemar([1, 1, 1, 1, 1], [0, 0, 0, 0, 0]).above
        0.03125
    """
    a, b = np.asarray(left) > 0.5, np.asarray(right) > 0.5
    wins, losses = int(np.sum(a & ~b)), int(np.sum(b & ~a))
    return Sided(_binomial_tail(wins, wins + losses), _binomial_tail(losses, wins + losses))


def _binomial_tail(successes: int, trials: int) -> float:
    """P(X >= successes) for X ~ Binomial(trials, 1/2)."""
    if successes == 0:
        return 1.0
    return float(_special().bdtrc(successes - 1, trials, 0.5))


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p-values, in the order given.

    Example:
        >>> holm([0.01, 0.04, 0.03])
        [0.03, 0.06, 0.06]
    """
    order = sorted(range(len(p_values)), key=lambda i: p_values[i])
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, index in enumerate(order):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = highest
    return adjusted


def projected(effect: float, deviation: float, n: int) -> Sided:
    """P-values that `n` replicates would reach with 80 % probability.

    `effect` is the mean of one replicate's difference and `deviation` its standard deviation, both
    taken to be what they were in the replicates at hand.
    """
    if n < FEWEST:
        return Sided(1.0, 1.0)
    if deviation == 0:
        return Sided(float(effect <= 0), float(effect >= 0))
    noncentral = abs(effect) * np.sqrt(n) / deviation
    # The normal approximation of the non-central t: good to a replicate, and it never fails.
    reached = noncentral - float(_special().ndtri(POWER))
    p = float(_special().stdtr(n - 1, -reached))
    return Sided(p, 1.0) if effect > 0 else Sided(1.0, p)


def smallest(decides: Callable[[int], bool], *, start: int, limit: int = 10_000) -> int | None:
    """The smallest count from `start` on at which `decides` turns true; None beyond `limit`."""
    high = max(start, 1)
    while not decides(high):
        high *= 2
        if high > limit:
            return None
    low = max(start, high // 2)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if decides(middle) else (middle + 1, high)
    return high


def more_examples(effect: float, over_examples: Interval, *, alpha: float) -> float:
    """How many times as many test examples would show an effect, with 80 % probability."""
    deviation = (over_examples.high - over_examples.low) / 2
    deviation /= float(_special().ndtri(0.5 + over_examples.level / 2))
    reach = float(_special().ndtri(1 - alpha) + _special().ndtri(POWER))
    return max(1.0, (reach * deviation / effect) ** 2)


@cache
def _special() -> Any:
    """SciPy's functions, imported when one is needed first: that takes as long as all else."""
    from scipy import special

    return special
