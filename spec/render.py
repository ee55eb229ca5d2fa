"""Findings as people and programs read them: one shape in terminal, JSON and editor."""

import unicodedata
from collections.abc import Iterable, Iterator
from itertools import groupby

from lab.spec.diagnostics import Diagnostic, Label
from lab.spec.source import Source, Span

Json = None | bool | int | str | list["Json"] | dict[str, "Json"]

#: Columns of a source line that are shown; a longer one is cut around its label.
WIDEST = 160
TAB = 4
_COLORS = {"error": "\033[1;31m", "warning": "\033[1;33m", "frame": "\033[34m", "bold": "\033[1m"}
_RESET = "\033[0m"


def in_order(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    """Source order, each finding once."""
    found: dict[tuple[str, int, int, str, str], Diagnostic] = {}
    for diagnostic in diagnostics:
        span = _primary(diagnostic)
        key = (diagnostic.source.name, span.start, span.end, diagnostic.code, diagnostic.message)
        found.setdefault(key, diagnostic)
    return [found[key] for key in sorted(found)]


def render_all(diagnostics: Iterable[Diagnostic], *, color: bool = False) -> str:
    """All findings as text, in order, a blank line between them; empty where there are none."""
    return "\n".join(render(diagnostic, color=color) for diagnostic in in_order(diagnostics))


def summary(diagnostics: Iterable[Diagnostic]) -> str:
    """`2 errors, 1 warning`; empty where nothing was found."""
    counts = {"error": 0, "warning": 0}
    for diagnostic in in_order(diagnostics):
        counts[diagnostic.severity] += 1
    return ", ".join(f"{n} {word}{'s' * (n > 1)}" for word, n in counts.items() if n)


def render(diagnostic: Diagnostic, *, color: bool = False) -> str:
    """One finding as text, with its lines of source and carets, and a newline at its end."""
    paint = _Paint(color)
    source, span = diagnostic.source, _primary(diagnostic)
    line, column = source.position(span.start)
    digits = len(str(max(source.position(label.span.start)[0] for label in diagnostic.labels)))
    margin = " " * (digits + 1)
    head = paint(f"{diagnostic.severity}[{diagnostic.code}]", diagnostic.severity)
    arrow, bar = paint("-->", "frame"), paint("|", "frame")
    rows = [head + paint(f": {_visible(diagnostic.message)}", "bold")]
    rows.append(f"{margin}{arrow} {_visible(source.name)}:{line}:{column}")
    rows.append(f" {margin}{bar}")
    rows += _excerpt(diagnostic, digits=digits, paint=paint)
    rows += [f" {margin}{paint('=', 'frame')} {note}" for note in _notes(diagnostic)]
    return "\n".join(row.rstrip() for row in rows) + "\n"


def as_json(diagnostic: Diagnostic) -> dict[str, Json]:
    """One finding as plain data. Lines and columns count from 1, offsets from 0."""
    source, edit = diagnostic.source, diagnostic.edit
    labels: list[Json] = [
        {**_places(source, label.span), "text": label.text} for label in diagnostic.labels
    ]
    remedy: Json = None
    if edit is not None:
        remedy = {**_places(source, edit.span), "replacement": edit.replacement}
    return {
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "message": diagnostic.message,
        "file": source.name,
        "labels": labels,
        "reach": diagnostic.reach,
        "help": list[Json](diagnostic.help),
        "edit": remedy,
    }


def fixed(source: Source, diagnostics: Iterable[Diagnostic]) -> str:
    """The text with every remedy applied; of two that overlap, the first."""
    edits = [d.edit for d in in_order(diagnostics) if d.edit is not None and d.source == source]
    text, end = "", 0
    for edit in sorted(edits, key=lambda edit: (edit.span.start, edit.span.end)):
        if edit.span.start >= end:
            text += source.text[end : edit.span.start] + edit.replacement
            end = edit.span.end
    return text + source.text[end:]


class _Paint:
    """Text in a color, or as it is."""

    def __init__(self, color: bool) -> None:
        self.color = color

    def __call__(self, text: str, style: str) -> str:
        return f"{_COLORS[style]}{text}{_RESET}" if self.color else text


def _primary(diagnostic: Diagnostic) -> Span:
    return diagnostic.labels[0].span


def _places(source: Source, span: Span) -> dict[str, Json]:
    places: dict[str, Json] = {}
    for name, offset in (("start", span.start), ("end", span.end)):
        line, column = source.position(offset)
        places[name] = {"offset": offset, "line": line, "column": column}
    return places


def _notes(diagnostic: Diagnostic) -> Iterator[str]:
    if diagnostic.reach is not None:
        yield f"reach: {diagnostic.reach}"
    page = f"lab explain {diagnostic.code}"
    helps = [_visible(line) for line in diagnostic.help]
    yield from (f"help: {line}" for line in helps[:-1])
    yield f"help: {helps[-1]}   ({page})" if helps else f"help: {page}"


def _excerpt(diagnostic: Diagnostic, *, digits: int, paint: _Paint) -> Iterator[str]:
    """Every labeled line once, in order, its labels under it."""
    source = diagnostic.source
    placed = sorted(
        ((source.position(label.span.start)[0], index) for index, label in _numbered(diagnostic)),
    )
    bar, before = paint("|", "frame"), None
    for number, group in groupby(placed, key=lambda place: place[0]):
        if before is not None and number > before + 1:
            yield f" {' ' * digits} {paint(':', 'frame')}"
        before = number
        labels = [(index, diagnostic.labels[index]) for _, index in group]
        line = _Line(source, number, labels[0][1].span.start)
        yield f" {paint(f'{number:>{digits}}', 'frame')} {bar} {line.shown}"
        for index, label in sorted(labels, key=lambda one: -one[1].span.start):
            mark, style = ("^", diagnostic.severity) if index == 0 else ("-", "frame")
            blanks, width = line.under(label.span)
            text = f"{mark * width} {_visible(label.text)}".rstrip()
            yield f" {' ' * digits} {bar} {' ' * blanks}{paint(text, style)}"


def _numbered(diagnostic: Diagnostic) -> Iterable[tuple[int, Label]]:
    return enumerate(diagnostic.labels)


class _Line:
    """A line of source as it is shown: tabs widened, a long one cut around a place in it."""

    def __init__(self, source: Source, number: int, around: int) -> None:
        self.start = source.line_starts[number - 1]
        self.text = source.line(number)
        self.left = 0
        ahead = _columns(self.text)
        if ahead > WIDEST and around - self.start > WIDEST // 2:
            self.left = around - self.start - WIDEST // 3
        kept = self.text[self.left : self.left + WIDEST]
        self.shown = ("…" if self.left else "") + "".join(_shown(c) for c in kept)
        if self.left + WIDEST < len(self.text):
            self.shown += "…"

    def under(self, span: Span) -> tuple[int, int]:
        """How many blanks stand before the carets of a span, and how many carets."""
        first = max(span.start - self.start, self.left)
        last = min(span.end - self.start, len(self.text), self.left + WIDEST)
        blanks = _columns(self.text[self.left : first]) + (1 if self.left else 0)
        return blanks, max(1, _columns(self.text[first:last]))


def _columns(text: str) -> int:
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if character == "\t":
        return TAB
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _shown(character: str) -> str:
    return " " * TAB if character == "\t" else _visible(character)


def _visible(text: str) -> str:
    """Text without characters that would move the cursor or turn the direction of writing."""
    return "".join("\ufffd" if unicodedata.category(c) in ("Cc", "Cf", "Cs") else c for c in text)
