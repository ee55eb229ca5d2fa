"""The estimate of what is left: by kind, by progress, by lanes."""

import pytest

from lab.cli.estimate import Estimate
from lab.compiler.plan import Node


def nodes(*components: str) -> list[Node]:
    return [
        Node(
            key=str(i),
            role="stage",
            component=component,
            arguments={},
            inputs={},
            seed=0,
            vary=(),
            version="",
            fresh=False,
            label=component,
        )
        for i, component in enumerate(components)
    ]


def test_nothing_is_known_at_first() -> None:
    estimate = Estimate(nodes("fit"), 0.0)
    estimate.started("0", 0.0)
    assert estimate.seconds_left(5.0) is None


def test_a_node_that_says_how_far_it_is_is_believed() -> None:
    estimate = Estimate(nodes("fit", "fit"), 0.0)
    estimate.started("0", 0.0)
    estimate.advanced("0", 0.0, 0.0)
    estimate.advanced("0", 0.25, 10.0)
    assert estimate.seconds_left(10.0) == pytest.approx(30 + 40)


def test_what_comes_before_the_first_word_is_not_the_pace() -> None:
    estimate = Estimate(nodes("fit"), 0.0)
    estimate.started("0", 0.0)
    estimate.advanced("0", 0.1, 60.0)
    assert estimate.seconds_left(60.0) is None
    estimate.advanced("0", 0.2, 61.0)
    assert estimate.seconds_left(61.0) == pytest.approx(8)


def test_what_waits_takes_as_long_as_its_kind_did() -> None:
    estimate = Estimate(nodes("fit", "bytes", "fit", "bytes"), 0.0)
    estimate.started("0", 0.0)
    estimate.ended("0", 100.0, worked=True)
    estimate.started("1", 100.0)
    estimate.ended("1", 101.0, worked=True)
    assert estimate.seconds_left(101.0) == pytest.approx(100 + 1)


def test_two_at_a_time_take_half_as_long() -> None:
    estimate = Estimate(nodes("fit", "fit", "fit", "fit"), 0.0)
    for key in ("0", "1"):
        estimate.started(key, 0.0)
        estimate.ended(key, 10.0, worked=True)
    assert estimate.seconds_left(10.0) == pytest.approx(10)


def test_a_failure_says_nothing_of_how_long_a_kind_takes() -> None:
    estimate = Estimate(nodes("fit", "fit"), 0.0)
    estimate.started("0", 0.0)
    estimate.ended("0", 1.0, worked=False)
    assert estimate.seconds_left(1.0) is None


def test_when_all_is_done_nothing_is_left() -> None:
    estimate = Estimate(nodes("fit"), 0.0)
    estimate.started("0", 0.0)
    estimate.ended("0", 3.0, worked=True)
    assert estimate.seconds_left(3.0) == 0


def test_the_plan_is_believed_until_anything_is_known() -> None:
    expected = {"0": 30.0, "1": 10.0}
    estimate = Estimate(nodes("fit", "fit", "fit"), 0.0, expected=expected, lanes=2)
    assert estimate.seconds_left(0.0) == pytest.approx((30 + 10 + 20) / 2)
    estimate.started("0", 0.0)
    assert estimate.seconds_left(6.0) == pytest.approx((24 + 10 + 20) / 2)


def test_large_ones_that_speak_first_say_little_of_small_ones() -> None:
    expected = {"0": 300.0, "1": 10.0, "2": 10.0}
    estimate = Estimate(nodes("fit", "fit", "fit"), 0.0, expected=expected)
    estimate.started("0", 0.0)
    estimate.advanced("0", 0.0, 0.0)
    estimate.advanced("0", 0.5, 300.0)
    assert estimate.seconds_left(300.0) == pytest.approx(300 + 20 + 20)


def test_a_slow_machine_is_slow_for_kinds_that_wait_too() -> None:
    estimate = Estimate(nodes("fit", "bytes"), 0.0, expected={"0": 10.0, "1": 1.0})
    estimate.started("0", 0.0)
    estimate.ended("0", 30.0, worked=True)
    assert estimate.seconds_left(30.0) == pytest.approx(3)


def test_of_what_is_added_later_the_mean_is_expected() -> None:
    estimate = Estimate(nodes("fit"), 0.0, expected={"0": 10.0})
    estimate.more(nodes("bytes", "fit")[1:])
    assert estimate.seconds_left(0.0) == pytest.approx(20)
