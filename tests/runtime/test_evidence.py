import numpy as np
import pytest
from made_plans import Made, minus, number, over, replicates

from lab.runtime import trees
from lab.runtime.evidence import Lookup


def scored(made: Made, owner: str, correct, seed: int | None = None):
    stage = made.stage("apply", owner, seed=seed)
    return made.measured("accuracy", stage, owner, seed=seed, correct=correct)


def test_a_tree_is_arithmetic_over_measurements():
    tree = over(minus({"node": "a"}, {"number": 1}), {"node": "b"})
    assert trees.evaluate(tree, {"a": 5.0, "b": 2.0}.__getitem__) == 2.0
    assert list(trees.node_keys(tree)) == ["a", "b"]


def test_division_by_zero_is_no_exception():
    assert np.isinf(trees.evaluate(over({"number": 1}, {"number": 0}), {}.__getitem__))


def test_missing_measurements_are_named_once():
    made = Made()
    there = scored(made, "dense", [1, 0])
    absent = made.measured("accuracy", made.stage("apply", "field"), "field")
    lookup = Lookup(made.plan(), made.values)
    assert lookup.missing([minus(there, absent), absent]) == (absent["node"],)
    assert lookup.named(absent["node"]) == "accuracy(field)"


def test_replicates_that_share_every_measurement_are_one():
    made = Made()
    tree = made.measured("bytes", made.stage("apply", "eight"), "eight", value=270_000)
    found = Lookup(made.plan(), made.values).estimate([tree, tree, tree])
    assert (found.basis, found.n, found.interval) == ("deterministic", 1, None)


def test_equal_values_of_random_replicates_have_no_interval():
    made = Made()
    trees_of_a = replicates(made, "a", [2.0, 2.0, 2.0])
    found = Lookup(made.plan(), made.values).estimate(trees_of_a)
    assert (found.basis, found.n, found.interval) == ("identical", 3, None)


def test_two_equal_replicates_are_too_few_to_be_called_identical():
    made = Made()
    trees_of_a = replicates(made, "a", [2.0, 2.0])
    found = Lookup(made.plan(), made.values).estimate(trees_of_a)
    assert (found.basis, found.interval) == ("replicates", None)


def test_differing_replicates_have_an_interval_around_their_mean():
    made = Made()
    trees_of_a = replicates(made, "a", [1.0, 2.0, 4.0])
    found = Lookup(made.plan(), made.values).estimate(trees_of_a)
    assert found.basis == "replicates"
    assert found.interval.low < found.mean < found.interval.high


def test_the_interval_over_examples_is_paired():
    made = Made()
    generator = np.random.default_rng(8)
    hard = generator.random(2000) < 0.9
    dense, other = scored(made, "dense", hard), scored(made, "other", hard ^ (np.arange(2000) < 4))
    lookup = Lookup(made.plan(), made.values)
    alone = lookup.estimate([dense]).examples
    paired = lookup.estimate([minus(dense, other)]).examples
    assert paired.high - paired.low < (alone.high - alone.low) / 4


def test_the_interval_over_examples_covers_the_truth():
    generator = np.random.default_rng(9)
    hits, rounds, n = 0, 200, 500
    for _ in range(rounds):
        made = Made()
        u = generator.random(n)
        # right on 90 % and 88 % of examples, the second mostly where the first is
        dense = scored(made, "dense", u < 0.9)
        other = scored(made, "other", (u < 0.86) | (u > 0.98))
        found = Lookup(made.plan(), made.values).estimate([minus(dense, other)]).examples
        hits += found.low <= 0.02 <= found.high
    assert hits / rounds == pytest.approx(0.95, abs=0.045)


def test_other_splits_are_resampled_apart():
    made = Made()
    correct = np.random.default_rng(10).random(1000) < 0.5
    test = scored(made, "dense", correct)
    node = made.nodes[test["node"]]
    other = scored(made, "other", correct)
    key = other["node"]
    object.__setattr__(made.nodes[key], "arguments", {**node.arguments, "on": "validation"})
    lookup = Lookup(made.plan(), made.values)
    assert np.std(lookup.draws([minus(test, other)])) > 0.015
    assert lookup.paired(test, other) is None


def test_arithmetic_on_numbers_is_constant():
    made = Made()
    assert Lookup(made.plan(), {}).estimate(number(20, 3)).basis == "constant"


def test_metrics_are_written_as_people_write_them():
    made = Made()
    dense, field = scored(made, "dense", [1, 1]), scored(made, "field", [1, 0], seed=1)
    lookup = Lookup(made.plan(), made.values)
    assert lookup.written(minus(dense, field)) == "accuracy(dense) - accuracy(field)"
    assert lookup.written(over(minus(dense, field), dense)) == (
        "(accuracy(dense) - accuracy(field)) / accuracy(dense)"
    )
    assert lookup.named(field["node"]) == "accuracy(field), seed 1"
