"""A text with a name, and places in it."""

from bisect import bisect_right
from functools import cached_property

from lab.spec.records import record


@record
class Span:
    """Characters `start` to `end` (exclusive) of a source. Always holds: start <= end."""

    start: int
    end: int

    def to(self, other: "Span") -> "Span":
        """The smallest span over both."""
        return Span(min(self.start, other.start), max(self.end, other.end))


@record(slots=False)
class Source:
    """A text and the name that messages call it by."""

    name: str
    text: str

    @cached_property
    def line_starts(self) -> tuple[int, ...]:
        """Offsets at which lines begin."""
        breaks = (i + 1 for i, character in enumerate(self.text) if character == "\n")
        return (0, *breaks)

    def position(self, offset: int) -> tuple[int, int]:
        """Line and column of an offset, both counted from 1."""
        line = bisect_right(self.line_starts, offset)
        return line, offset - self.line_starts[line - 1] + 1

    def line(self, number: int) -> str:
        """The text of a line, counted from 1, without its newline."""
        return self.text.split("\n")[number - 1].rstrip("\r")
