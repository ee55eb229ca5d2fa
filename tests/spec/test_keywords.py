"""Editors color as keywords the words that the parser reads as such, and no others."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path

import pytest
from pygments.lexers import get_lexer_by_name, get_lexer_for_filename
from pygments.token import Error, Keyword, Operator

from lab.highlight import LabLexer
from lab.spec.keywords import CONSTANT_WORDS, grammar_words, known_words, patterns
from lab.spec.parser import parse
from lab.spec.source import Source
from lab.spec.syntax import Name
from lab.spec.tokens import scan
from lab.spec.units import UNITS

ROOT = Path(__file__).parents[2]
STUDIES = [*sorted((ROOT / "studies").glob("*.lab")), *sorted(Path(__file__).parent.rglob("*.lab"))]


def _names(node: object) -> Iterator[Name]:
    if isinstance(node, Name):
        yield node
    elif isinstance(node, tuple):
        for one in node:
            yield from _names(one)
    elif is_dataclass(node):
        for field in fields(node):
            yield from _names(getattr(node, field.name))


def _read_as_words(text: str) -> set[tuple[int, str]]:
    names = {name.span.start for name in _names(parse(Source("a.lab", text)).module)}
    tokens = [token for token in scan(text)[0] if token.kind == "word"]
    return {(token.start, token.text) for token in tokens if token.start not in names}


def _colored_as_words(text: str) -> set[tuple[int, str]]:
    kinds = (Keyword.Declaration, Operator.Word)
    pieces = LabLexer().get_tokens_unprocessed(text)
    return {(start, piece) for start, kind, piece in pieces if kind in kinds}


def test_the_table_has_the_words_of_the_grammar() -> None:
    assert known_words() == grammar_words()


def test_generated_files_are_in_step() -> None:
    script = ROOT / "editors" / "generate.py"
    done = subprocess.run(
        [sys.executable, script, "--check"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: f"{study.parent.name}-{study.stem}")
def test_colored_words_are_those_the_parser_reads(study: Path) -> None:
    text = study.read_text(encoding="utf-8")
    if parse(Source("a.lab", text)).diagnostics:
        pytest.skip("it does not parse, so that no reading is right")
    assert _colored_as_words(text) == _read_as_words(text)


def test_nothing_in_a_study_is_an_error_to_the_lexer() -> None:
    for study in STUDIES:
        text = study.read_text(encoding="utf-8")
        if not parse(Source("a.lab", text)).diagnostics:
            assert not [piece for kind, piece in LabLexer().get_tokens(text) if kind in Error]


def test_a_word_in_the_place_of_a_name_is_a_name() -> None:
    text = "method at = train(by: adam(lr: 1), for: 3 steps, keep: method)\n"
    assert [word for _, word in sorted(_colored_as_words(text))] == ["method"]


def _kind(text: str, word: str) -> object:
    return {piece: kind for kind, piece in LabLexer().get_tokens(text)}[word]


@pytest.mark.parametrize("word", CONSTANT_WORDS)
def test_constants_are_colored(word: str) -> None:
    assert _kind(f"let x = f({word})", word) is Keyword.Constant
    assert _kind(f"let x = f({word}: 3)", word) is not Keyword.Constant


@pytest.mark.parametrize("word", sorted(UNITS))
def test_units_are_colored_behind_a_number(word: str) -> None:
    assert _kind(f"let x = 3k {word}", word) is Keyword.Type
    assert _kind(f"let x = f({word})", word) is not Keyword.Type


def test_patterns_are_in_the_dialect_that_editors_share() -> None:
    for _, pattern in patterns():
        assert "(?P<" not in pattern
        assert "\\Z" not in pattern


def test_pygments_finds_the_lexer_once_installed() -> None:
    from importlib.metadata import entry_points

    if not any(one.name == "lab" for one in entry_points(group="pygments.lexers")):
        pytest.skip("the entry point exists once the project is installed")
    assert isinstance(get_lexer_by_name("lab"), LabLexer)
    assert isinstance(get_lexer_for_filename("a.lab"), LabLexer)
