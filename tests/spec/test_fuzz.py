"""No text at all makes the reader, the renderer or the formatter fail."""

from contextlib import suppress

from golden_texts import STUDIES
from hypothesis import given, settings
from hypothesis import strategies as st

from lab.spec.files import decode
from lab.spec.format import FormatError, format
from lab.spec.parser import parse
from lab.spec.render import as_json, fixed, render_all
from lab.spec.source import Source

TEXTS = [path.read_text("utf-8") for path in STUDIES]
PIECES = st.one_of(
    st.sampled_from("()[]{}|;,:.=\"#%-é'\n\t"),
    st.sampled_from(["..", "\r\n", " then ", " for ", " by ", " 3 ", " a ", "\nlet x = "]),
    st.sampled_from(["\nmethod ", "\ngrid g {", "claim c:", " over every ", " not ", " log "]),
)


def survive(text: str) -> None:
    source = Source("s.lab", text)
    parsed = parse(source)
    for found in parsed.diagnostics:
        as_json(found)
        for label in found.labels:
            assert 0 <= label.span.start <= label.span.end <= len(text)
    assert bool(render_all(parsed.diagnostics)) == bool(parsed.diagnostics)
    parse(Source("s.lab", fixed(source, parsed.diagnostics)))
    with suppress(FormatError):
        once = format(source)
        assert not parsed.diagnostics
        assert format(Source("s.lab", once)) == once


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    survive(text)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_heap_of_pieces_is_read(text: str) -> None:
    survive(text)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=80))
def test_any_bytes_are_text_or_a_finding(data: bytes) -> None:
    found = decode("s.lab", data)
    if isinstance(found, Source):
        survive(found.text)
    else:
        assert render_all([found])


@st.composite
def mutated(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(TEXTS))
    start = draw(st.integers(0, len(text)))
    text = text[start : start + 800]
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(text)))
        gone = draw(st.integers(0, 6))
        text = text[:place] + draw(st.one_of(st.just(""), PIECES)) + text[place + gone :]
    return text


@settings(max_examples=150, deadline=None)
@given(mutated())
def test_any_spoiled_study_is_read(text: str) -> None:
    survive(text)
