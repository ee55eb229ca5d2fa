"""Text to tokens, and tokens to statements: the lines of the language.

A newline ends an entry unless something says that it goes on: an open `(` or `[`, an operator or a
comma before it, or a word such as `then` after it. What is left are *statements*, one declaration
each. A declaration word in the first column starts a statement whatever is open, so that one
forgotten bracket spoils one declaration.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from lab.spec.records import made_by, record
from lab.spec.source import Span

TokenKind = Literal["number", "word", "string", "mark", "separator", "bad"]

#: Words that start a declaration.
DECLARATION_WORDS = (
    "study",
    "use",
    "data",
    "model",
    "let",
    "schedule",
    "method",
    "metric",
    "grid",
    "search",
    "claim",
    "report",
    "profile",
    "budget",
    "repeat",
)
#: Words that, at the start of a line, go on with the line before.
CONTINUING_WORDS = frozenset(
    {"then", "and", "or", "where", "over", "paired", "at", "because", "subject"}
)
#: Words and clauses that join values.
INFIX_WORDS = ("then", "for", "or", "and", "by", "in", "as", "until", "vary", "because")
CLAUSE_WORDS = ("subject", "where", "over", "paired", "at", "to", "every", "some", "source")
#: Words that, at the end of a line, go on with the next, and marks that do.
CONTINUED_WORDS = frozenset({"not", *INFIX_WORDS, *CLAUSE_WORDS})
CONTINUED_MARKS = frozenset(
    {"|", "->", "..", "+", "-", "*", "/", "==", "!=", "<", "<=", ">", ">=", "=", ":", ","}
)
CLOSES = {"(": ")", "[": "]", "{": "}"}

_TOKEN = re.compile(
    r"""
      (?P<blank>[ \t]+)
    | (?P<newline>\r?\n)
    | (?P<comment>\#[^\r\n]*)
    | (?P<word>[^\W\d]\w*)
    | (?P<number>[0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?:[kM](?!\w))?)
    | (?P<string>"(?:[^"\\\r\n]|\\[^\r\n])*")
    | (?P<mark>\.\.|->|==|!=|<=|>=|[|(){}\[\],:;=<>+\-*/%.])
    | (?P<bad>"[^\r\n]*|.)
    """,
    re.VERBOSE | re.DOTALL,
)


class Token(NamedTuple):
    """One token. `first`: on its line. `margin`: in the first column. `bad` is no token at all."""

    kind: TokenKind
    text: str
    start: int
    end: int
    first: bool = False
    margin: bool = False

    @property
    def span(self) -> Span:
        """Where it stands."""
        return Span(self.start, self.end)


class Comment(NamedTuple):
    """`# …` to the end of its line. `alone`: nothing stands before it on the line."""

    text: str
    span: Span
    alone: bool


@record(frozen=False)
class Statement:
    """The tokens of one declaration, and what is wrong with its brackets.

    `crossed` is an opening bracket and the closing one of a bracket around it that came first;
    `mistaken` an opening bracket and one of another kind that closes nothing; `cut` is the
    declaration word in the first column that ended the statement while brackets were open.
    """

    tokens: list[Token] = made_by(default_factory=list[Token])
    bad: list[Token] = made_by(default_factory=list[Token])
    unclosed: list[Token] = made_by(default_factory=list[Token])
    crossed: tuple[Token, Token] | None = None
    mistaken: tuple[Token, Token] | None = None
    stray: Token | None = None
    cut: Token | None = None

    @property
    def span(self) -> Span:
        """From the first token to the last."""
        return Span(self.tokens[0].start, self.tokens[-1].end)


def scan(text: str) -> tuple[list[Token], list[Comment]]:
    """All tokens and all comments of a text, in order."""
    tokens: list[Token] = []
    comments: list[Comment] = []
    first, line_start = True, 0
    offset = 1 if text.startswith("\ufeff") else 0
    margin = offset
    for match in _TOKEN.finditer(text, offset):
        kind, start = match.lastgroup, match.start()
        if kind == "newline":
            first, line_start = True, match.end()
        elif kind == "comment":
            comments.append(Comment(match[0], Span(start, match.end()), first))
        elif kind != "blank":
            at_margin = start in (line_start, margin)
            tokens.append(Token(kind, match[0], start, match.end(), first, at_margin))  # type: ignore[arg-type] - the groups left are token kinds
            first = False
    return tokens, comments


def statements(tokens: Sequence[Token]) -> Iterator[Statement]:
    """Cut tokens into statements, with separators only where an entry of a block ends."""
    now = Statement()
    for index, token in enumerate(tokens):
        following = tokens[index + 1] if index + 1 < len(tokens) else None
        if now.tokens and token.first and _ends_statement(now, token, following):
            now.cut = token if now.unclosed else None
            yield now
            now = Statement()
        _add(now, token, following)
    if now.tokens:
        yield now


def _ends_statement(now: Statement, token: Token, following: Token | None) -> bool:
    if starts_declaration(token, following):
        return True
    return not now.unclosed and not _goes_on(now.tokens, token, following)


def starts_declaration(token: Token, following: Token | None) -> bool:
    """Whether a token is a declaration word in the first column, read as such."""
    if not token.margin or token.text not in DECLARATION_WORDS or following is None:
        return False
    if following.first:
        return False
    return following.kind != "mark" or following.text in ("{", "[", "=", "(")


def _goes_on(before: Sequence[Token], token: Token, following: Token | None) -> bool:
    last = before[-1]
    if last.kind == "mark" and last.text in CONTINUED_MARKS:
        return True
    if last.kind == "word" and last.text in CONTINUED_WORDS and _follows_operand(before):
        return True
    if token.text == "|":
        return True
    named = following is not None and following.text in (":", ".") and not following.first
    if token.text == "source" and named:
        return _is_in_claim(before)
    return token.kind == "word" and token.text in CONTINUING_WORDS and not named


def _is_in_claim(before: Sequence[Token]) -> bool:
    """Whether the entry that is being read is a claim."""
    start = len(before)
    while start and before[start - 1].kind != "separator" and before[start - 1].text != "{":
        start -= 1
    entry = before[start : start + 2]
    return len(entry) > 1 and entry[0].text == "claim" and entry[1].kind == "word"


def _follows_operand(before: Sequence[Token]) -> bool:
    """Whether the last word can be an operator: something that has a value stands before it."""
    if len(before) < 2:
        return False
    previous = before[-2]
    if previous.kind == "mark":
        return previous.text in (")", "]", "%")
    return previous.kind in ("number", "string", "word")


def _add(now: Statement, token: Token, following: Token | None) -> None:
    inside = now.unclosed[-1].text if now.unclosed else ""
    last = now.tokens[-1] if now.tokens else None
    if token.kind == "bad":
        now.bad.append(token)
    if inside == "{" and last is not None:
        fresh = last.text == "{" or last.kind == "separator"
        if token.text == ";" and token.kind == "mark":
            if not fresh:
                now.tokens.append(token._replace(kind="separator"))
            return
        if token.first and not fresh and not _goes_on(now.tokens, token, following):
            now.tokens.append(Token("separator", "\n", last.end, last.end))
    if token.kind == "mark":
        _bracket(now, token)
    now.tokens.append(token)


def _bracket(now: Statement, token: Token) -> None:
    if token.text in CLOSES:
        now.unclosed.append(token)
    elif token.text in (")", "]", "}"):
        _close(now, token)


def _close(now: Statement, token: Token) -> None:
    if token.text == "}" and now.tokens and now.tokens[-1].kind == "separator":
        now.tokens.pop()
    if not now.unclosed:
        now.stray = now.stray or token
        return
    top = now.unclosed[-1]
    if CLOSES[top.text] == token.text:
        now.unclosed.pop()
        return
    if all(CLOSES[opening.text] != token.text for opening in now.unclosed):
        now.mistaken = now.mistaken or (top, token)
        now.unclosed.pop()
        return
    now.crossed = now.crossed or (top, token)
    while CLOSES[now.unclosed.pop().text] != token.text:
        pass
