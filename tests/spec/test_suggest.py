"""What is suggested is near, or nothing is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lab.spec.suggest import distance, nearest

WORDS = st.text("abc", max_size=6)


@pytest.mark.parametrize(
    ("word", "meant"),
    [("widht", "width"), ("wdith", "width"), ("layer", "layers"), ("ln", "lr"), ("MIB", "MiB")],
)
def test_slip_of_the_fingers_is_recognized(word: str, meant: str) -> None:
    assert nearest(word, ["encoding", "width", "layers", "lr", "MiB"]) == meant


@pytest.mark.parametrize("word", ["x", "depth", "width", "momentum", ""])
def test_far_word_suggests_nothing(word: str) -> None:
    assert nearest(word, ["width", "layers", "w"]) is None


def test_nearest_comes_before_first() -> None:
    assert nearest("wide", ["widen", "wide2"]) == "widen"
    assert nearest("quantise", ["quantiles", "quantize"]) == "quantize"


def test_of_equally_near_words_the_one_that_starts_alike_was_meant() -> None:
    assert nearest("byts", ["bits", "bytes"]) == "bytes"
    assert nearest("wide", ["wire", "widen"]) == "widen"


@given(WORDS, WORDS)
def test_distance_is_symmetric_and_zero_only_at_home(first: str, second: str) -> None:
    assert distance(first, second) == distance(second, first)
    assert (distance(first, second) == 0) == (first == second)
    assert distance(first, second) <= max(len(first), len(second))


@given(WORDS.filter(lambda word: len(word) > 1), st.data())
def test_swap_of_neighbors_is_one_edit(word: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(word) - 2))
    swapped = word[:place] + word[place + 1] + word[place] + word[place + 2 :]
    assert distance(word, swapped) <= 1
