"""Canonical text says what was written, keeps comments with their owners, and stays as it is."""

from pathlib import Path

import pytest
from golden_texts import STUDIES, checked
from hypothesis import given, settings
from hypothesis import strategies as st
from written_studies import declarations

from lab.spec.format import WIDTH, FormatError, format
from lab.spec.parser import parse
from lab.spec.source import Source
from lab.spec.trees import same_meaning


def formatted(text: str) -> str:
    return format(Source("s.lab", text))


def words_of_comments(text: str) -> list[str]:
    comments = parse(Source("s.lab", text)).comments
    words = [word.strip("#") for comment in comments for word in comment.text.split()]
    return sorted(word for word in words if word)


def hold_the_promises(text: str) -> None:
    once = formatted(text)
    assert formatted(once) == once
    before, after = parse(Source("a", text)), parse(Source("b", once))
    assert not after.diagnostics
    assert same_meaning(before.module.declarations, after.module.declarations)
    assert words_of_comments(text) == words_of_comments(once)


@pytest.mark.parametrize(("name", "got", "expected"), checked("formatted.txt", formatted))
def test_text_is_the_one_that_was_read_and_approved(name: str, got: str, expected: str) -> None:
    assert got == expected, name


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_study_is_formatted_once_and_for_all(path: Path) -> None:
    text = path.read_text("utf-8")
    hold_the_promises(text)
    assert all(len(line) <= WIDTH for line in formatted(text).splitlines())


@settings(max_examples=120, deadline=None)
@given(st.lists(declarations(), max_size=4).map("".join))
def test_anything_written_keeps_its_meaning(text: str) -> None:
    assert not parse(Source("s.lab", text)).diagnostics, text
    hold_the_promises(text)


def test_text_with_syntax_errors_is_refused_with_its_findings() -> None:
    with pytest.raises(FormatError) as refused:
        formatted("let x =\n")
    assert [found.code for found in refused.value.diagnostics] == ["E0106"]


def test_byte_order_mark_and_windows_lines_are_gone() -> None:
    assert formatted("\ufeffstudy a\r\n\r\n\r\n\tlet  x=3\r\n") == "study a\n\nlet x = 3\n"


def test_empty_file_stays_empty() -> None:
    assert formatted("") == ""
    assert formatted("\n \n") == ""
