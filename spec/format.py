"""Canonical text of a study, with every comment at its owner.

Lines have at most 100 columns where they can. One that is longer is broken before `then`, `|`,
`and` and the clauses of a claim, and inside brackets: all arguments on a line of their own, or else
one argument a line. Neighboring definitions and axes stand in columns. What was written is read
again: a text that would say something else is never returned.
"""

from collections.abc import Sequence

from lab.spec.declarations import Declarations
from lab.spec.diagnostics import Diagnostic
from lab.spec.layout import render
from lab.spec.parser import Parsed, parse
from lab.spec.source import Source
from lab.spec.trees import same_meaning

WIDTH = 100


class FormatError(Exception):
    """A text that cannot be formatted: `diagnostics` say why; none where it is no fault of its."""

    def __init__(self, message: str, diagnostics: Sequence[Diagnostic] = ()) -> None:
        super().__init__(message)
        self.diagnostics = tuple(diagnostics)


def format(source: Source) -> str:
    """The canonical text of a source.

    Raises:
        FormatError: the source has syntax errors.

    Example:
        >>> format(Source("a.lab", 'let  width=16|32'))
        'let width = 16 | 32\\n'
    """
    parsed = parse(source)
    if parsed.diagnostics:
        raise FormatError(f"{source.name} has syntax errors", parsed.diagnostics)
    text = render(Declarations(source, parsed, width=WIDTH).doc(), width=WIDTH).strip("\n")
    text = text + "\n" if text else ""
    again = parse(Source(source.name, text))
    same = same_meaning(parsed.module.declarations, again.module.declarations)
    if again.diagnostics or not same or _said_beside(parsed) != _said_beside(again):
        raise FormatError(f"{source.name} is left as it is: formatted, it would say something else")
    return text


def _said_beside(parsed: Parsed) -> tuple[bool, list[str]]:
    """What stands beside the declarations: the edition, and the words of the comments."""
    words = [word.strip("#") for comment in parsed.comments for word in comment.text.split()]
    return parsed.edition is not None, sorted(word for word in words if word)
