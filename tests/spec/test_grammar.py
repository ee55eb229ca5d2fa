"""The grammar, the words of the line rules and the methods that make nodes are in step."""

import logging
import re
from pathlib import Path

import lark
import pytest

import lab.spec.parser
from lab.spec import build
from lab.spec.tokens import CONTINUED_WORDS, CONTINUING_WORDS, DECLARATION_WORDS, scan

GRAMMAR = Path(lab.spec.parser.__file__).with_name("grammar.lark").read_text("utf-8")
STARTS = ["start", "expr", "axis"]


def test_grammar_has_no_conflict(caplog: pytest.LogCaptureFixture) -> None:
    # A reduce/reduce conflict raises; of a shift/reduce conflict Lark tells its log only.
    caplog.set_level(logging.DEBUG, logger="lark")
    lark.Lark(GRAMMAR, parser="lalr", start=STARTS, debug=True)
    assert not caplog.records
    lark.Lark('start: start "+" start | "a"', parser="lalr", debug=True)
    assert caplog.records


def test_words_of_the_line_rules_are_words_of_the_grammar() -> None:
    words = set(re.findall(r'"([a-z]+)"', GRAMMAR))
    assert set(DECLARATION_WORDS) <= words
    assert CONTINUING_WORDS <= CONTINUED_WORDS <= words


def test_every_rule_that_makes_a_node_has_its_method() -> None:
    rules = re.findall(r"^[!]?([a-z][a-z_]*):", GRAMMAR, re.M)
    aliases = re.findall(r"-> ([a-z_]+)", GRAMMAR)
    methods = set(build.callbacks())
    assert {*rules, *aliases} == methods


def test_every_character_is_in_a_token_or_a_comment_or_blank() -> None:
    text = 'study a "x" # c\n  let b = [1.5e-3k, ~ "open\n'
    tokens, comments = scan(text)
    left = list(text)
    for span in [token.span for token in tokens] + [comment.span for comment in comments]:
        left[span.start : span.end] = " " * (span.end - span.start)
    assert not "".join(left).strip()
