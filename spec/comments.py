"""Whose a comment is: the entry, argument or alternative that it stands over or beside."""

from collections.abc import Callable, Sequence
from typing import Generic, Protocol, TypeVar

from lab.spec.layout import HARD, Doc, Note
from lab.spec.records import record
from lab.spec.source import Source, Span
from lab.spec.tokens import Comment


class Spanned(Protocol):
    """A node."""

    @property
    def span(self) -> Span:
        """Where it stands."""
        ...


N = TypeVar("N", bound=Spanned)


@record(frozen=False)
class Item(Generic[N]):
    """A node as it will be written: with the comments over it and those beside its end."""

    node: N
    over: list[Comment]
    doc: Doc
    beside: list[Comment]

    @property
    def noted(self) -> bool:
        """Whether it has comments."""
        return bool(self.over or self.beside)

    def lines(self) -> list[Doc]:
        """The comments over it, each on a line."""
        return [part for comment in self.over for part in (clean(comment), HARD)]

    def notes(self) -> list[Doc]:
        """The comments beside its end, as one."""
        if not self.beside:
            return []
        return [Note("  " + " ".join(clean(comment) for comment in self.beside))]


def clean(comment: Comment) -> str:
    """A comment as it is written: a blank behind its `#`, none at its end."""
    text = comment.text.rstrip()
    body = text.lstrip("#")
    marks = text[: len(text) - len(body)]
    return f"{marks} {body}" if body[:1] not in ("", " ", "\t", "!") else text


class Owners:
    """The comments of a source, each taken once by whoever owns it."""

    def __init__(self, source: Source, comments: Sequence[Comment]) -> None:
        self.source = source
        self.left = list(comments)

    def take(self, start: int, end: int) -> list[Comment]:
        """The comments between two places that nobody has."""
        taken = [comment for comment in self.left if start <= comment.span.start < end]
        if taken:
            self.left = [comment for comment in self.left if comment not in taken]
        return taken

    def give_back(self, comments: list[Comment]) -> None:
        """Leave comments to whoever is around."""
        self.left = sorted(self.left + comments, key=lambda comment: comment.span.start)
        comments.clear()

    def items(
        self, nodes: Sequence[N], doc: Callable[[N], Doc], around: Span
    ) -> tuple[list[Item[N]], list[Comment], list[Comment]]:
        """Nodes in a row with their comments; those beside the start, and those behind the last.

        A comment alone on its line is over what follows, another one beside what it follows; one
        inside a node that no part of the node owns is over the node.
        """
        items: list[Item[N]] = []
        beside_start: list[Comment] = []
        place = around.start
        for node in nodes:
            between = self.take(place, node.span.start)
            beside = [comment for comment in between if not comment.alone]
            over = [comment for comment in between if comment.alone]
            (items[-1].beside if items else beside_start).extend(beside)
            written = doc(node)
            over += self.take(node.span.start, node.span.end)
            items.append(Item(node, over, written, []))
            place = node.span.end
        rest = self.take(place, around.end)
        beside = [comment for comment in rest if not comment.alone]
        (items[-1].beside if items else beside_start).extend(beside)
        return items, beside_start, [comment for comment in rest if comment.alone]

    def is_apart(self, offset: int) -> bool:
        """Whether a blank line stands over the line of a place."""
        line, _ = self.source.position(offset)
        return line > 1 and not self.source.line(line - 1).strip()
