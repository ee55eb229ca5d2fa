"""Syntax errors in words of the language: what was being read, and what would fit there."""

from dataclasses import dataclass

from lab.spec.diagnostics import Diagnostic, Label
from lab.spec.source import Source, Span
from lab.spec.tokens import CLOSES, Statement, Token


@dataclass(frozen=True, slots=True)
class Failure:
    """A statement, the index of the token that does not fit (its length: the end), and what would.

    `accepts` are names of the grammar's terminals.
    """

    statement: Statement
    index: int
    accepts: frozenset[str]


def lexical_errors(source: Source, statement: Statement) -> list[Diagnostic]:
    """What cannot be read as tokens."""
    return [
        Diagnostic("error", "E0105", "bad", source, (Label(bad.span),)) for bad in statement.bad
    ]


def structural_error(source: Source, statement: Statement) -> Diagnostic | None:
    """The first bracket that does not fit."""
    return None


def syntax_error(source: Source, failure: Failure) -> Diagnostic:
    tokens = failure.statement.tokens
    t = tokens[failure.index] if failure.index < len(tokens) else tokens[-1]
    return Diagnostic(
        "error", "E0101", f"unexpected {t.text} {sorted(failure.accepts)}", source, (Label(t.span),)
    )
