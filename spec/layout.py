"""Text that breaks where it must: a small pretty printer.

A document is text with places where a line may break, in groups that either stay on one line or
break at all of those places (Wadler, "A prettier printer", 2003; the linear renderer is Lindig's
"Strictly pretty", 2000).
"""

from collections.abc import Iterable, Sequence

from lab.spec.records import record


@record
class Line:
    """A place where a line may break; `flat` stands there otherwise. `hard`: it always breaks."""

    flat: str = " "
    hard: bool = False


@record
class Indent:
    """A document whose lines start further to the right."""

    content: "Doc"


@record
class Group:
    """A document that is on one line, or broken at all its places."""

    content: "Doc"


@record
class IfBroken:
    """One text where the group is broken, another where it is on one line."""

    broken: str
    flat: str = ""


@record
class Note:
    """A comment at the end of a line: it has no width, and what surrounds it is broken."""

    text: str


Doc = str | Line | Indent | Group | IfBroken | Note | Sequence["Doc"]

SOFT = Line("")
SPACE = Line()
HARD = Line(hard=True)
STEP = "  "


def join(separator: Doc, items: Iterable[Doc]) -> list[Doc]:
    """Documents with another between each two."""
    joined: list[Doc] = []
    for item in items:
        joined += [separator, item] if joined else [item]
    return joined


def breaks(doc: Doc) -> bool:
    """Whether a document cannot be on one line."""
    if isinstance(doc, Line):
        return doc.hard
    if isinstance(doc, Note):
        return True
    if isinstance(doc, str | IfBroken):
        return False
    if isinstance(doc, Indent | Group):
        return breaks(doc.content)
    return any(breaks(part) for part in doc)


def flat_width(doc: Doc) -> int | None:
    """How wide a document is on one line; None where it cannot be on one."""
    return None if breaks(doc) else len(render(doc, width=10**9))


def render(doc: Doc, *, width: int) -> str:
    """A document as text, without blanks at the ends of lines."""
    written: list[str] = []
    column = 0
    waiting: list[tuple[int, bool, Doc]] = [(0, True, doc)]
    while waiting:
        level, broken, part = waiting.pop()
        if isinstance(part, Group):
            whole = not breaks(part.content) and _fits(width - column, waiting, (level, part))
            waiting.append((level, not whole, part.content))
        elif isinstance(part, Line) and (broken or part.hard):
            written.append("\n" + STEP * level)
            column = len(STEP) * level
        else:
            text = _text(part, broken)
            if text is None:
                waiting += _inner(level, broken, part)
            else:
                written.append(text)
                column += 0 if isinstance(part, Note) else len(text)
    return "\n".join(line.rstrip() for line in "".join(written).split("\n"))


def _text(part: Doc, broken: bool) -> str | None:
    """What is written for a part, or None where it has parts of its own."""
    if isinstance(part, str):
        return part
    if isinstance(part, Line):
        return part.flat
    if isinstance(part, IfBroken):
        return part.broken if broken else part.flat
    return part.text if isinstance(part, Note) else None


def _inner(level: int, broken: bool, part: Doc) -> list[tuple[int, bool, Doc]]:
    """The parts of a part, the first one last."""
    if isinstance(part, Indent):
        return [(level + 1, broken, part.content)]
    if isinstance(part, Group):
        return [(level, broken, part.content)]
    if isinstance(part, str | Line | IfBroken | Note):
        return []
    return [(level, broken, item) for item in reversed(part)]


def _fits(room: int, waiting: Sequence[tuple[int, bool, Doc]], first: tuple[int, Group]) -> bool:
    """Whether a group fits on one line, with all that follows it up to where a line may break."""
    ahead: list[tuple[int, bool, Doc]] = [(first[0], False, first[1].content)]
    behind = len(waiting)
    while room >= 0:
        if not ahead:
            if not behind:
                return True
            behind -= 1
            ahead.append(waiting[behind])
        level, broken, part = ahead.pop()
        if isinstance(part, Note) or (isinstance(part, Line) and (broken or part.hard)):
            return True
        text = _text(part, broken)
        if text is None:
            ahead += _inner(level, broken and not isinstance(part, Group), part)
        else:
            room -= len(text)
    return False
