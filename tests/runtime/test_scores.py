"""Scores that are no mean over examples: what others compute, and their intervals."""

import numpy as np
import pytest
from made_plans import Made
from scipy import stats
from sklearn import metrics

from lab.runtime import statistics
from lab.runtime.evidence import Lookup
from lab.runtime.scores import SCORES

RANDOM = np.random.default_rng(5)
#: Sums in float64 on both sides.
TOLERANCE = 1e-12


def classes(count: int, of: int) -> tuple[np.ndarray, np.ndarray]:
    labels = RANDOM.integers(0, of, count)
    answers = np.where(RANDOM.random(count) < 0.7, labels, RANDOM.integers(0, of, count))
    return answers, labels


def test_f1_of_two_classes_is_that_of_class_1() -> None:
    answers, labels = classes(200, 2)
    assert SCORES["f1"].value(answers, labels) == pytest.approx(
        metrics.f1_score(labels, answers), abs=TOLERANCE
    )


def test_f1_of_more_classes_is_their_mean() -> None:
    answers, labels = classes(300, 4)
    assert SCORES["f1"].value(answers, labels) == pytest.approx(
        metrics.f1_score(labels, answers, average="macro"), abs=TOLERANCE
    )


@pytest.mark.parametrize("of", [2, 5])
def test_matthews_is_that_of_all_classes(of: int) -> None:
    answers, labels = classes(300, of)
    assert SCORES["matthews"].value(answers, labels) == pytest.approx(
        metrics.matthews_corrcoef(labels, answers), abs=TOLERANCE
    )


def test_correlations_are_those_of_scipy() -> None:
    labels = np.round(RANDOM.normal(size=150), 1)
    answers = (labels + RANDOM.normal(size=150)).astype(np.float32)
    for name, theirs in (("pearson", stats.pearsonr), ("spearman", stats.spearmanr)):
        assert SCORES[name].value(answers, labels) == pytest.approx(
            theirs(answers, labels)[0], abs=1e-9
        )


def test_answers_without_a_positive_score_nothing() -> None:
    answers, labels = np.zeros(10, int), np.arange(10) % 2
    assert SCORES["f1"].value(answers, labels) == 0
    assert SCORES["matthews"].value(answers, labels) == 0


def test_a_correlation_with_equal_answers_is_no_number() -> None:
    assert np.isnan(SCORES["pearson"].value(np.ones(10), np.arange(10)))


@pytest.mark.parametrize("name", SCORES)
def test_a_score_of_resampled_examples_is_that_of_the_repeated_ones(name: str) -> None:
    answers, labels = classes(60, 2)
    rows = RANDOM.integers(0, 60, (3, 60))
    weights = np.stack([np.bincount(row, minlength=60) / 60 for row in rows])
    found = SCORES[name].draws(answers, labels, weights)
    # Ranks are those of all examples, however often each is drawn.
    if name != "spearman":
        again = [SCORES[name].value(answers[row], labels[row]) for row in rows]
        assert found == pytest.approx(again, abs=1e-9)
    assert np.isfinite(found).all()


def scored(made: Made, component: str, owner: str, found: tuple[np.ndarray, np.ndarray]):
    answers, labels = found
    tree = made.measured(component, made.stage("apply", owner), owner, value=0.0)
    value = SCORES[component].value(answers, labels)
    made.values[tree["node"]] = {
        "value": value,
        "answers": np.asarray(answers).tolist(),
        "labels": np.asarray(labels).tolist(),
    }
    return tree


def test_the_interval_over_examples_has_the_value_in_it_and_narrows() -> None:
    widths = []
    for count in (100, 1000):
        made = Made()
        answers, labels = classes(count, 2)
        tree = scored(made, "matthews", "dense", (answers, labels))
        found = Lookup(made.plan(), made.values).estimate([tree])
        assert found.basis == "deterministic"
        assert found.examples is not None
        assert found.examples.low < found.mean < found.examples.high
        widths.append(found.examples.high - found.examples.low)
    assert widths[1] < widths[0] / 2


def test_the_interval_of_pearson_is_fishers_on_normal_data() -> None:
    labels = RANDOM.normal(size=800)
    answers = labels + RANDOM.normal(size=800)
    made = Made()
    tree = scored(made, "pearson", "dense", (answers, labels))
    found = Lookup(made.plan(), made.values).estimate([tree]).examples
    fisher = stats.pearsonr(answers, labels).confidence_interval(0.95)
    assert found is not None
    # A bootstrap of 1999 draws knows its ends to some percent of the width.
    width = fisher.high - fisher.low
    assert found.low == pytest.approx(fisher.low, abs=0.15 * width)
    assert found.high == pytest.approx(fisher.high, abs=0.15 * width)


def test_two_arms_with_equal_answers_do_not_differ_on_any_resample() -> None:
    made = Made()
    answers, labels = classes(200, 2)
    left = scored(made, "f1", "dense", (answers, labels))
    right = scored(made, "f1", "field", (answers, labels))
    difference = {"op": "-", "of": [left, right]}
    draws = Lookup(made.plan(), made.values).draws([difference])
    assert len(draws) == statistics.EXAMPLE_RESAMPLES
    assert np.ptp(draws) == 0
