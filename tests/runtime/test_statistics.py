import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from lab.runtime import statistics
from lab.runtime.statistics import Interval


def covered(draw, mean: float, samples: int) -> float:
    found = (statistics.interval(draw()) for _ in range(samples))
    return sum(i is not None and i.low <= mean <= i.high for i in found) / samples


def test_below_three_replicates_there_is_no_interval_and_no_evidence():
    assert statistics.interval([1.0, 2.0]) is None
    assert statistics.one_sided([1.0, 2.0]) == statistics.Sided(1.0, 1.0)


def test_below_ten_replicates_the_interval_is_students():
    sample = np.random.default_rng(1).normal(3.0, 2.0, 7)
    low, high = stats.t.interval(0.95, 6, loc=sample.mean(), scale=stats.sem(sample))
    found = statistics.interval(sample)
    assert found == Interval(pytest.approx(low), pytest.approx(high), 0.95, "student t")


def test_p_values_below_ten_replicates_are_students():
    sample = np.random.default_rng(2).normal(0.5, 1.0, 6)
    found = statistics.one_sided(sample, against=0.2)
    assert found.above == pytest.approx(
        stats.ttest_1samp(sample, 0.2, alternative="greater").pvalue
    )
    assert found.below == pytest.approx(stats.ttest_1samp(sample, 0.2, alternative="less").pvalue)


def test_from_ten_replicates_the_interval_follows_the_skew():
    sample = np.random.default_rng(3).exponential(size=12)
    found = statistics.interval(sample)
    assert found is not None
    assert found.method == "studentized bootstrap"
    assert found.high - sample.mean() > sample.mean() - found.low


@pytest.mark.parametrize("n", [5, 15])
def test_what_a_test_rules_out_is_outside_the_interval(n):
    sample = np.random.default_rng(4).exponential(size=n)
    found = statistics.interval(sample)
    for against in np.linspace(found.low - 1, found.high + 1, 60):
        sided = statistics.one_sided(sample, against=against)
        if sided.above < 0.0248:
            assert against < found.low
        if sided.below < 0.0248:
            assert against > found.high


def test_almost_all_equal_replicates_fall_back_on_student():
    sample = [1.0] * 11 + [2.0]
    found = statistics.interval(sample)
    assert found is not None
    assert found.method == "student t"


def test_the_interval_of_the_same_sample_is_the_same():
    sample = np.random.default_rng(5).normal(size=14)
    assert statistics.interval(sample) == statistics.interval(sample)


@pytest.mark.parametrize("n", [3, 5, 9, 10, 20])
def test_coverage_on_normal_data_is_95_percent(n):
    generator = np.random.default_rng(n)
    samples = 4000 if n < 10 else 600
    three_sigma = 3 * np.sqrt(0.05 * 0.95 / samples)
    assert covered(lambda: generator.normal(size=n), 0.0, samples) == pytest.approx(
        0.95, abs=0.005 + three_sigma
    )


@pytest.mark.parametrize("n", [3, 6, 9])
def test_coverage_on_skewed_data_is_the_one_that_is_printed(n):
    x = np.random.default_rng(n).exponential(size=(60_000, n))
    half = stats.t.ppf(0.975, n - 1) * x.std(axis=1, ddof=1) / np.sqrt(n)
    coverage = float(np.mean(np.abs(x.mean(axis=1) - 1) <= half))
    assert statistics.skewed_coverage(n) == pytest.approx(coverage, abs=0.005)


@pytest.mark.verify
@pytest.mark.parametrize("n", [3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20])
def test_coverage_on_normal_data_at_length(n):
    generator = np.random.default_rng(100 + n)
    assert 0.93 <= covered(lambda: generator.normal(size=n), 0.0, 10_000) <= 0.97


@pytest.mark.verify
@pytest.mark.parametrize("n", [50, 100])
@pytest.mark.parametrize("law", ["exponential", "lognormal"])
def test_coverage_on_skewed_data_at_length(n, law):
    generator = np.random.default_rng(n)
    draws = {
        "exponential": (lambda: generator.exponential(size=n), 1.0),
        "lognormal": (lambda: generator.lognormal(0, 0.5, size=n), np.exp(0.125)),
    }
    draw, mean = draws[law]
    assert 0.93 <= covered(draw, mean, 6_000) <= 0.97


def test_mcnemar_is_the_exact_binomial_test_of_the_disagreements():
    generator = np.random.default_rng(6)
    left, right = generator.integers(0, 2, (2, 400))
    wins, losses = int(np.sum(left > right)), int(np.sum(left < right))
    expected = stats.binomtest(wins, wins + losses, alternative="greater").pvalue
    assert statistics.mcnemar(left, right).above == pytest.approx(expected)


def test_mcnemar_without_disagreement_says_nothing():
    assert statistics.mcnemar([1, 0, 1], [1, 0, 1]) == statistics.Sided(1.0, 1.0)


@given(st.lists(st.floats(0, 1), max_size=12))
def test_holm_never_lowers_and_never_reorders(p_values):
    adjusted = statistics.holm(p_values)
    assert all(a >= p for a, p in zip(adjusted, p_values, strict=True))
    for (p, a), (q, b) in itertools.combinations(zip(p_values, adjusted, strict=True), 2):
        assert (p <= q and a <= b) or (p >= q and a >= b)


def test_more_replicates_are_projected_to_decide_what_they_then_decide():
    effect, deviation = 0.5, 1.0
    n = statistics.smallest(
        lambda n: statistics.projected(effect, deviation, n).above <= 0.05, start=3
    )
    generator = np.random.default_rng(7)
    samples = generator.normal(effect, deviation, (400, n))
    decided = np.mean(
        [stats.ttest_1samp(s, 0, alternative="greater").pvalue <= 0.05 for s in samples]
    )
    assert decided == pytest.approx(statistics.POWER, abs=0.07)


def test_no_number_of_replicates_shows_an_effect_of_zero():
    decides = lambda n: statistics.projected(1e-9, 1.0, n).above <= 0.05  # noqa: E731 - a predicate
    assert statistics.smallest(decides, start=3) is None


@given(st.integers(1, 5000), st.integers(1, 50))
def test_smallest_is_the_threshold_of_a_monotone_predicate(threshold, start):
    assert statistics.smallest(lambda n: n >= threshold, start=start) == max(threshold, start)
