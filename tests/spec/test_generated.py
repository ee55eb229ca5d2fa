"""Whatever the grammar derives is read, and formatted without losing a word or a comment."""

import pytest
from generated import study
from test_format import hold_the_promises

from lab.spec import syntax
from lab.spec.parser import parse
from lab.spec.source import Source
from lab.spec.trees import children

#: A clause of a claim that stands there twice, which no grammar forbids.
SAID_TWICE = "E0509"
IN_SUITE, IN_ALL, AT_ONCE = 500, 10_000, 1000


def hold(seeds: range) -> None:
    for seed in seeds:
        text = study(seed)
        found = parse(Source("s.lab", text)).diagnostics
        if any(one.code == SAID_TWICE for one in found):
            continue
        assert not found, (seed, text)
        try:
            hold_the_promises(text)
        except AssertionError as broken:
            raise AssertionError(f"study {seed}: {text}") from broken


@pytest.mark.parametrize("start", range(0, IN_SUITE, 100))
def test_what_the_grammar_derives_keeps_its_meaning_and_its_comments(start: int) -> None:
    hold(range(start, start + 100))


@pytest.mark.verify
@pytest.mark.parametrize("start", range(IN_SUITE, IN_ALL, AT_ONCE))
def test_ten_thousand_derived_texts_keep_their_meaning(start: int) -> None:
    hold(range(start, min(start + AT_ONCE, IN_ALL)))


def kinds(node: object) -> set[str]:
    found = {type(node).__name__}
    for child in children(node):
        found |= kinds(child)
    return found


def test_every_kind_of_node_is_derived() -> None:
    found: set[str] = set()
    for seed in range(IN_SUITE):
        found |= kinds(parse(Source("s.lab", study(seed))).module)
    nodes = {
        name
        for name, one in vars(syntax).items()
        if isinstance(one, type) and one.__module__ == syntax.__name__
    }
    assert nodes - found == set()
