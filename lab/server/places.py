"""Places in a text as editors count them: lines from 0, and units of the agreed encoding.

An editor may count UTF-16 units (the default), bytes of UTF-8, or characters. A line ends with LF,
CRLF or CR and with nothing else: not with U+2028, which `str.splitlines` takes for an end.
"""

import re
from bisect import bisect_right
from functools import cached_property
from itertools import accumulate

from lsprotocol.types import Position, Range

from lab.spec.source import Span

_END = re.compile(r"\r\n|\n|\r")


def _width(character: str, encoding: str) -> int:
    """How many units of an encoding a character takes."""
    if encoding == "utf-8":
        return len(character.encode("utf-8", "surrogatepass"))
    return 2 if encoding == "utf-16" and ord(character) > 0xFFFF else 1


class Places:
    """Offsets of one text as positions, and back.

    Example:
        >>> Places("a\\n😀b").position(3)
        Position(line=1, character=2)
    """

    def __init__(self, text: str, encoding: str = "utf-16") -> None:
        self.text = text
        self.encoding = encoding

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in _END.finditer(self.text))]

    def position(self, offset: int) -> Position:
        """Where an offset is."""
        line = bisect_right(self._starts, offset) - 1
        before = self.text[self._starts[line] : offset]
        units = len(before) if before.isascii() else sum(self._widths(before))
        return Position(line, units)

    def range(self, span: Span) -> Range:
        """Where a span is."""
        return Range(self.position(span.start), self.position(span.end))

    def offset(self, position: Position) -> int:
        """The offset of a position; one behind the end of its line is the end of the line."""
        if position.line >= len(self._starts):
            return len(self.text)
        line = self._line(position.line)
        start = self._starts[position.line]
        if line.isascii():
            return start + min(position.character, len(line))
        ends = [0, *accumulate(self._widths(line))]
        return start + bisect_right(ends, position.character) - 1

    def span(self, place: Range) -> Span:
        """The span of a range."""
        start = self.offset(place.start)
        return Span(start, max(start, self.offset(place.end)))

    def _widths(self, text: str) -> list[int]:
        return [_width(character, self.encoding) for character in text]

    def _line(self, number: int) -> str:
        last = number + 1 == len(self._starts)
        stop = len(self.text) if last else self._starts[number + 1]
        return self.text[self._starts[number] : stop].rstrip("\r\n")
