"""Where the parser stopped, seen as a person would: what was read, what stands there."""

from collections.abc import Sequence
from functools import cached_property

from lab.spec.diagnostics import Diagnostic, Edit, Label
from lab.spec.records import record
from lab.spec.source import Source, Span
from lab.spec.tokens import DECLARATION_WORDS, Statement, Token


@record(slots=False)
class Failure:
    """A statement, the index of the token that does not fit (its length: the end), and what would.

    `accepts` are names of the grammar's terminals.
    """

    source: Source
    statement: Statement
    index: int
    accepts: frozenset[str]

    @property
    def tokens(self) -> list[Token]:
        """The tokens of the statement."""
        return self.statement.tokens

    @cached_property
    def token(self) -> Token | None:
        """The token that does not fit; None where a line, a block or the file ends instead."""
        found = self.tokens[self.index] if self.index < len(self.tokens) else None
        if found is None or found.text == "\n" or (found.text == "}" and found.first):
            return None
        return found

    @cached_property
    def before(self) -> Token | None:
        """The token before it."""
        return self.tokens[self.index - 1] if self.index else None

    @cached_property
    def following(self) -> Token | None:
        """The token after it."""
        return self.tokens[self.index + 1] if self.index + 1 < len(self.tokens) else None

    @cached_property
    def inside(self) -> str:
        """The innermost bracket that is open here, or nothing."""
        depth = 0
        for token in reversed(self.tokens[: self.index]):
            depth += depth_change(token)
            if depth > 0:
                return token.text
        return ""

    @cached_property
    def entry(self) -> list[Token]:
        """The tokens of this entry or argument, up to here."""
        start, depth = self.index, 0
        while start:
            previous = self.tokens[start - 1]
            depth += depth_change(previous)
            comma = previous.text == "," and self.inside in ("(", "[")
            if depth > 0 or (depth == 0 and (comma or previous.kind == "separator")):
                break
            start -= 1
        return self.tokens[start : self.index]

    @property
    def place(self) -> Span:
        """Where the carets stand: the token, or right behind the one before it."""
        return self.behind if self.token is None else self.token.span

    @property
    def behind(self) -> Span:
        """Right behind the last token that fits."""
        end = self.before.end if self.before else 0
        return Span(end, end)

    @property
    def wants_value(self) -> bool:
        """Whether a value may start here."""
        return "NUMBER" in self.accepts and "NAME" in self.accepts

    @property
    def finds_value(self) -> bool:
        """Whether the token that does not fit could start a value."""
        token = self.token
        return token is not None and (
            token.kind in ("number", "word", "string") or token.text in ("(", "[")
        )

    @property
    def found(self) -> str:
        """The token that does not fit, in words."""
        return "the end of the line" if self.token is None else named(self.token)

    @property
    def but_found(self) -> str:
        """`, found …`, or nothing where something just ends."""
        return "" if self.token is None else f", found {named(self.token)}"

    @property
    def read(self) -> str:
        """The last words read, as a person would point at them: `width:`, `method dense`."""
        start = self.index - 1
        if start < 0:
            return "the start"
        if self.tokens[start].text in (":", "=") and start:
            start = self._path_start(start - 1)
        elif self.tokens[start].kind == "word":
            start = self._path_start(start)
            if start == 1 and self.tokens[0].text in DECLARATION_WORDS:
                start = 0
        return f"`{self.text(self.tokens[start].span.to(self.tokens[self.index - 1].span))}`"

    def text(self, span: Span) -> str:
        """What is written in a span, on one line and not too long."""
        text = " ".join(self.source.text[span.start : span.end].split())
        return text if len(text) <= 40 else text[:20] + " … " + text[-15:]

    def at(self, index: int) -> "Failure":
        """The same statement, seen from another token."""
        return Failure(self.source, self.statement, index, frozenset())

    def error(
        self,
        code: str,
        message: str,
        span: Span | None = None,
        *,
        help: str | None = None,
        edit: Edit | None = None,
        label: str | None = None,
        also: tuple[Label, ...] = (),
    ) -> Diagnostic:
        """A finding, by default where the parser stopped; a remedy is suggested unless labeled."""
        if label is None:
            label = f"did you mean `{edit.replacement}`?" if edit else ""
        labels = (Label(self.place if span is None else span, label), *also)
        helps = (help,) if help else ()
        return Diagnostic("error", code, message, self.source, labels, help=helps, edit=edit)

    def _path_start(self, index: int) -> int:
        tokens = self.tokens
        while index >= 2 and tokens[index - 1].text == "." and tokens[index].kind == "word":
            index -= 2
        return index


def depth_change(token: Token) -> int:
    """How much deeper in brackets the text behind a token is than the text before it."""
    if token.kind != "mark":
        return 0
    return {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.text, 0)


def named(token: Token) -> str:
    """A token in words."""
    if token.kind == "string":
        return f"the text {token.text}" if len(token.text) < 30 else "a text"
    return f"`{token.text}`"


def listed(words: Sequence[str]) -> str:
    """Some words, as a list in a sentence."""
    return ", ".join(f"`{word}`" for word in words[:-1]) + f" or `{words[-1]}`"
