"""Offsets and positions are two ways to say one place."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsprotocol.types import Position

from lab.server.places import Places
from lab.server.rename import applied
from lab.spec.diagnostics import Edit
from lab.spec.source import Span

TEXTS = st.text(st.sampled_from("ab😀é\n\r\u2028\t"), max_size=30)
ENCODINGS = ("utf-8", "utf-16", "utf-32")


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(text=TEXTS, data=st.data())
@settings(max_examples=60, deadline=None)
def test_offset_of_position_is_offset(encoding: str, text: str, data: st.DataObject) -> None:
    places = Places(text, encoding)
    offset = data.draw(st.integers(0, len(text)))
    if text[offset - 1 : offset + 1] != "\r\n" and text[:offset][-1:] != "\r":
        assert places.offset(places.position(offset)) == offset


def test_a_position_behind_its_line_is_the_end_of_the_line() -> None:
    assert Places("ab\ncd").offset(Position(0, 99)) == 2
    assert Places("ab\ncd").offset(Position(7, 0)) == 5


def test_a_position_inside_a_pair_of_units_is_before_the_character() -> None:
    assert Places("😀b").offset(Position(0, 1)) == 0


def test_only_line_ends_end_lines() -> None:
    assert Places("a\u2028b\r\nc\rd").position(5) == Position(1, 0)
    assert Places("a\u2028b\r\nc\rd").position(7) == Position(2, 0)


@given(text=st.text("ab", min_size=4, max_size=12), cuts=st.lists(st.integers(0, 4), max_size=4))
@settings(max_examples=40, deadline=None)
def test_edits_are_made_wherever_they_stand_in_the_list(text: str, cuts: list[int]) -> None:
    edits = [Edit(Span(cut, cut), "!") for cut in cuts]
    assert applied(text, edits) == applied(text, edits[::-1])
