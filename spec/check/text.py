"""Small readings of syntax: how something was written, and what stands in it."""

import re
from collections.abc import Iterable

from lab.spec import syntax
from lab.spec.source import Source, Span

_COMMENT = re.compile(r"#[^\n]*")


def text_of(source: Source, span: Span) -> str:
    """How something was written, on one line."""
    text = source.text[span.start : span.end]
    if "\n" in text:
        text = _COMMENT.sub("", text)
    return " ".join(text.split())


def unwrapped(expression: syntax.Expr) -> syntax.Expr:
    """An expression without the parentheses around it."""
    while isinstance(expression, syntax.Group) and len(expression.items) == 1:
        expression = expression.items[0]
    return expression


def head(expression: syntax.Expr) -> tuple[syntax.Path, tuple[syntax.Argument, ...]] | None:
    """Name and arguments of a call; empty parentheses may be dropped."""
    if isinstance(expression, syntax.Call):
        return expression.function, expression.arguments
    if isinstance(expression, syntax.Path):
        return expression, ()
    return None


def listed(names: Iterable[str], limit: int = 12) -> str:
    """Names for a sentence, the first of them where there are many."""
    known = list(names)
    return ", ".join(known[:limit]) + (", …" if len(known) > limit else "")
