"""`source: "…"` ends a claim on its line or on the next, and is a name anywhere else."""

import pytest

from lab.spec import syntax
from lab.spec.format import format
from lab.spec.parser import parse
from lab.spec.source import Source


def sources(text: str) -> list[str | None]:
    parsed = parse(Source("a.lab", text))
    assert parsed.diagnostics == []
    found = [one for one in parsed.module.declarations if isinstance(one, syntax.Claim)]
    return [None if one.source is None else one.source.value for one in found]


@pytest.mark.parametrize(
    "text",
    [
        'claim c: a > 3 source: "A"',
        'claim c: a > 3\n  source: "A"',
        'claim c: a > 3 at 90%\nsource: "A"\nlet x = 3',
        'claim c: a > 3 source: "A" over every b',
    ],
)
def test_a_claim_has_its_source(text: str) -> None:
    assert sources(text) == ["A"]


def test_a_definition_can_be_called_source() -> None:
    text = "let source = 3\nclaim c: a > source\ngrid g {\n  b:      1 | 2\n  source: 3 | 4\n}\n"
    assert sources(text) == [None]
    assert format(Source("a.lab", text)) == text


def test_an_argument_can_be_called_source() -> None:
    assert sources('data d = files(source: "x")\nclaim c: a(source: 3) > 1') == [None]


def test_a_claim_in_a_profile_has_its_source() -> None:
    text = 'profile p { claim c: a > 3\n source: "A"\n trials 3 }'
    (profile,) = parse(Source("a.lab", text)).module.declarations
    assert isinstance(profile, syntax.Profile)
    assert [type(one).__name__ for one in profile.entries] == ["Claim", "Trials"]


def test_a_source_without_its_colon_is_told_so() -> None:
    (found,) = parse(Source("a.lab", 'claim c: a > 3 source "A"')).diagnostics
    assert found.message == 'expected `:` after `source`, found the text "A"'


@pytest.mark.parametrize("number", ["3", "90%", "0.9"])
def test_a_misspelled_source_after_a_number_is_recognized(number: str) -> None:
    for text in (
        f'claim c: a > {number} sorce: "A"',
        f'profile p {{ claim c: a > {number} sorce: "A" }}',
    ):
        (found,) = parse(Source("a.lab", text)).diagnostics
        assert found.edit is not None
        assert found.edit.replacement == "source"
