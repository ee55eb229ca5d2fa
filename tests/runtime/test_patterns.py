import numpy as np
import pytest

from lab.runtime.errors import UnsuitableWeights
from lab.runtime.patterns import choose, matches

WEIGHTS = {
    "conv1.weight": np.zeros((16, 3, 3, 3)),
    "bn1.weight": np.zeros(16),
    "layer1.0.conv1.weight": np.zeros((16, 16, 3, 3)),
    "layer1.0.conv2.weight": np.zeros((16, 16, 3, 3)),
    "linear.weight": np.zeros((10, 64)),
}


@pytest.mark.parametrize(
    ("path", "pattern", "expected"),
    [
        ("conv1.weight", "conv1.weight", True),
        ("layer1.0.conv1.weight", "conv1.weight", False),
        ("layer1.0.conv1.weight", "**.conv1.weight", True),
        ("conv1.weight", "**.conv1.weight", True),
        ("layer1.0.conv1.weight", "layer1.*.conv?.weight", True),
        ("layer1.0.conv1.weight", "layer1.*", False),
        ("layer1.0.conv1.weight", "layer1.**", True),
        ("layer10.0.conv1.weight", "layer1.**", False),
        ("layer1.0.conv1.weight", "layer?.0.**", True),
        ("a+b.weight", "a+b.*", True),
        ("aab.weight", "a+b.*", False),
        ("anything.at.all", "**", True),
        ("conv1.weight", "*.weight", True),
        ("layer1.0.conv1.weight", "*.weight", False),
    ],
)
def test_a_star_stays_in_a_name_and_two_cross(path: str, pattern: str, expected: bool) -> None:
    assert matches(path, pattern) is expected


def test_tensors_are_chosen_unless_said_otherwise() -> None:
    assert choose(WEIGHTS) == tuple(path for path in WEIGHTS if path != "bn1.weight")


def test_small_tensors_can_be_left_out() -> None:
    assert choose(WEIGHTS, min_size=2000) == ("layer1.0.conv1.weight", "layer1.0.conv2.weight")


def test_several_patterns_are_a_union_in_the_order_of_the_weights() -> None:
    assert choose(WEIGHTS, ("linear.*", "conv1.*")) == ("conv1.weight", "linear.weight")


def test_a_pattern_that_matches_nothing_says_what_there_was() -> None:
    with pytest.raises(UnsuitableWeights, match=r"'layer9.\*\*' matches no weight.*conv1.weight"):
        choose(WEIGHTS, ("linear.*", "layer9.**"))


def test_a_choice_that_leaves_nothing_says_what_there_was() -> None:
    with pytest.raises(UnsuitableWeights, match=r"1,000,000 or more numbers.*linear.weight"):
        choose(WEIGHTS, min_size=1_000_000)
