"""Completion: what fits at the cursor, by type and scope.

A name that nobody has is put at the cursor, the statement is closed where it is open, and the text
is checked: what the checker would suggest instead of that name is what fits. Words of the language
come from the parser's own tables.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from lab.server.hover import about_argument, about_definition
from lab.server.notes import Analysis, Bound, analyze
from lab.spec.check.context import Want
from lab.spec.check.dimensions import FITS
from lab.spec.check.gather import Load
from lab.spec.check.places import reachable
from lab.spec.docs import describe, type_text
from lab.spec.parser import parse, words_after
from lab.spec.signature import Catalog, Signature
from lab.spec.source import Source, Span
from lab.spec.tokens import CLOSES, CONTINUING_WORDS, Statement, Token, scan, statements
from lab.spec.units import UNITS

HOLE = "hole_at_the_cursor"
_BEFORE = re.compile(r"\w*\Z")
_AFTER = re.compile(r"\w*")
_DEFINITIONS = ("data", "model", "schedule", "method", "metric", "let")


@dataclass(frozen=True)
class Candidate:
    """Something that fits. `kind` is `keyword`, `argument`, `component`, `word`, `unit` or what was
    declared; `detail` is a line, `about` a page."""

    label: str
    kind: str
    detail: str = ""
    about: str = ""
    insert: str | None = None


@dataclass(frozen=True)
class _Cursor:
    """The hole, the statement that it stands in, and the tokens of that before it."""

    text: str
    place: Span
    statement: Statement
    before: list[Token]
    previous: Statement | None


def complete(
    source: Source, offset: int, catalog: Catalog, *, load: Load | None = None
) -> list[Candidate]:
    """What fits at an offset, names first."""
    cursor = _cursor(source.text, offset)
    if cursor is None:
        return []
    words = words_after(cursor.before)
    keywords = {} if words is None else {word: Candidate(word, "keyword") for word in words if word}
    if not cursor.before and cursor.previous is not None:
        if cursor.place.start != _line_start(cursor):
            keywords = {}
        following = words_after(cursor.previous.tokens) or frozenset()
        fits = sorted(following & CONTINUING_WORDS)
        keywords |= {word: Candidate(word, "keyword") for word in fits}
    found: dict[str, Candidate] = {}
    if cursor.before and (words is None or "" in words):
        for one in _names(source, cursor, catalog, load):
            found.setdefault(one.label, one)
    return [*found.values(), *(keywords[word] for word in sorted(keywords) if word not in found)]


def _cursor(text: str, offset: int) -> _Cursor | None:
    """The text with a hole at an offset; None inside text in quotes and comments."""
    start = _BEFORE.search(text, 0, offset).start()  # type: ignore[union-attr] - matches nothing too
    stop = _AFTER.match(text, offset).end()  # type: ignore[union-attr] - matches nothing too
    if text[start:stop][:1].isdigit():
        digits = re.match(r"[0-9][0-9_.]*(?:[eE][+-]?[0-9]+)?[kM]?", text[start:stop])
        start = start if digits is None else start + digits.end()
        if start > offset or digits is None or start == stop:
            return None
    place = Span(start, start + len(HOLE))
    made = text[:start] + HOLE + text[stop:]
    tokens, _ = scan(made)
    previous: Statement | None = None
    for statement in statements(tokens):
        for index, token in enumerate(statement.tokens):
            if token.kind == "word" and token.start == start and token.text == HOLE:
                return _Cursor(made, place, statement, statement.tokens[:index], previous)
        previous = statement
    return None


def _line_start(cursor: _Cursor) -> int:
    return cursor.text.rfind("\n", 0, cursor.place.start) + 1


def _names(
    source: Source, cursor: _Cursor, catalog: Catalog, load: Load | None
) -> Iterator[Candidate]:
    for text in _repaired(cursor):
        analysis = analyze(Source(source.name, text), catalog, load=load)
        found = list(_found(analysis, cursor))
        yield from found
        if found:
            return


def _repaired(cursor: _Cursor) -> Iterator[str]:
    """Texts in which the statement at the cursor can be read, likeliest first."""
    start = cursor.statement.tokens[0].start
    stop = cursor.statement.tokens[-1].end
    closers = _closers(cursor.before)
    upto = cursor.text[start : cursor.place.end]
    rest = cursor.text[cursor.place.end : stop]
    seen: set[str] = set()
    ends = (rest, closers, f": 0{rest}", f": 0{closers}", f" > 0{closers}")
    for written in (upto + end for end in ends):
        if written not in seen and not parse(Source("", written)).diagnostics:
            yield f"{cursor.text[:start]}{written}\n{cursor.text[stop:]}"
        seen.add(written)


def _closers(tokens: Iterable[Token]) -> str:
    opened: list[str] = []
    for token in tokens:
        if token.kind == "mark" and token.text in CLOSES:
            opened.append(CLOSES[token.text])
        elif opened and token.text == opened[-1]:
            opened.pop()
    return "".join(reversed(opened))


def _found(analysis: Analysis, cursor: _Cursor) -> Iterator[Candidate]:
    want = _want(analysis, cursor.place)
    yield from _arguments(analysis, cursor)
    seen: set[str] = set()
    for span, name, candidates in analysis.notes.missed:
        if name != analysis.source.name or span != cursor.place:
            continue
        for label in candidates:
            if label not in seen and label not in (HOLE, _own_name(cursor)):
                seen.add(label)
                candidate = _candidate(analysis, label, want, cursor)
                if candidate is not None:
                    yield candidate


def _own_name(cursor: _Cursor) -> str:
    """The name of the definition that the hole is in, where it would mean itself."""
    tokens = cursor.before
    return tokens[1].text if len(tokens) > 2 and tokens[0].text in _DEFINITIONS else ""


def _want(analysis: Analysis, place: Span) -> Want | None:
    """What the expression around the hole is read as, the innermost one."""
    around = [
        (span.end - span.start, want)
        for span, want, where in analysis.notes.read
        if span.start <= place.start
        and place.end <= span.end
        and where.scope.source.name == analysis.source.name
    ]
    return min(around, key=lambda one: one[0])[1] if around else None


def _arguments(analysis: Analysis, cursor: _Cursor) -> Iterator[Candidate]:
    """Parameters of the call in which the hole is an argument."""
    bound = _call(analysis, cursor)
    if bound is None:
        return
    given = _given(cursor)
    for one in bound.parameters:
        if one.name not in given and not one.want.type.mapping:
            about = "\n\n".join(about_argument(one.name, one.want))
            detail = type_text(one.want.type)
            yield Candidate(one.name, "argument", detail, about, insert=f"{one.name}: ")
    declared = analysis.context.declared.get(bound.callee)
    if declared is not None and declared.kind == "method":
        for name in reachable(analysis.context, declared):
            if name not in given:
                yield Candidate(name, "argument", f"in `{declared.name}`", insert=f"{name}: ")


def _call(analysis: Analysis, cursor: _Cursor) -> Bound | None:
    if cursor.before[-1].text not in ("(", ",") or _closers(cursor.before)[:1] != ")":
        return None
    calls = [
        one
        for span, bounds in analysis.notes.calls.items()
        if span.start < cursor.place.start and cursor.place.end < span.end
        for one in bounds
        if one.source == analysis.source.name
    ]
    return min(calls, key=lambda one: one.span.end - one.span.start) if calls else None


def _given(cursor: _Cursor) -> set[str]:
    """Names that the call gives already, on either side of the hole."""
    tokens = cursor.statement.tokens
    here = len(cursor.before)
    sides = (_side(tokens[:here][::-1], ")", "("), _side(tokens[here:], "(", ")"))
    after = [one for side in sides for one in side]
    starts = {one.start for one in after}
    return {one.text for one, mark in pairwise(tokens) if one.start in starts and mark.text == ":"}


def _side(tokens: Sequence[Token], deeper: str, end: str) -> Iterator[Token]:
    """Tokens of one call, walking away from the hole."""
    depth = 0
    for token in tokens:
        if token.kind == "mark" and token.text == deeper:
            depth += 1
        elif token.kind == "mark" and token.text == end:
            depth -= 1
            if depth < 0:
                return
        elif depth == 0:
            yield token


def _candidate(
    analysis: Analysis, label: str, want: Want | None, cursor: _Cursor
) -> Candidate | None:
    if label in UNITS and cursor.before and cursor.before[-1].kind == "number":
        fits = want is None or UNITS[label][0] in FITS.get(want.type.name, (UNITS[label][0],))
        return Candidate(label, "unit", UNITS[label][0]) if fits else None
    declared = analysis.context.declared.get(label)
    dotted = bool(cursor.before) and cursor.before[-1].text == "."
    if declared is not None and not dotted:
        about = "\n\n".join(about_definition(analysis, declared))
        return Candidate(label, declared.kind, declared.kind, about)
    signature = None if dotted else _signature(analysis, label, want)
    if signature is not None:
        return Candidate(label, "component", signature.doc, f"```text\n{describe(signature)}\n```")
    return Candidate(label, "argument" if dotted else "word")


def _signature(analysis: Analysis, name: str, want: Want | None) -> Signature | None:
    known = [one for (_, other), one in analysis.catalog.signatures.items() if other == name]
    if want is not None:
        fits = [one for one in known if one.kind == want.type.name]
        if fits:
            return fits[0]
        if name in want.type.words:
            return None
    return known[0] if known else None
