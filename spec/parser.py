"""Source to syntax tree, with every syntax error in one pass.

The grammar is LALR(1) and parses one statement at a time (`lab.spec.tokens`), so that an error in
one leaves the others whole. A word is a keyword only where the parser can take that keyword, which
is what makes `by:` an argument and `30% then` a sequence (Van Wyk and Schwerdfeger 2007,
context-aware scanning).
"""

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path as FilePath
from typing import Any, cast

import lark
from lark.lexer import Lexer

from lab.spec import build, syntax
from lab.spec.diagnostics import Diagnostic, Label
from lab.spec.failure import Failure
from lab.spec.source import Source, Span
from lab.spec.syntax_errors import INFIX_WORDS, syntax_error
from lab.spec.token_errors import lexical_errors, structural_error
from lab.spec.tokens import Comment, Statement, Token, scan, statements
from lab.spec.trees import DEEPEST, deepest

_NESTING = frozenset({"(", "[", "+", "-", "*", "/", "not"})
_GRAMMAR = FilePath(__file__).with_name("grammar.lark")


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a text says, as far as it could be read.

    Always holds: `module` has the declarations without a syntax error, in order, and is empty where
    there are none. `broken` names the definitions and blocks that have one: they exist, but nobody
    knows what they are.
    """

    module: syntax.Module
    diagnostics: list[Diagnostic]
    comments: tuple[Comment, ...]
    broken: frozenset[str] = frozenset()
    edition: build.Edition | None = None


def parse(source: Source) -> Parsed:
    """Read a whole file.

    Example:
        >>> parsed = parse(Source("a.lab", 'study a\\nlet width = 16 | 32'))
        >>> [type(declaration).__name__ for declaration in parsed.module.declarations]
        ['Study', 'Definition']
    """
    tokens, comments = scan(source.text)
    declarations: list[syntax.Declaration] = []
    diagnostics: list[Diagnostic] = []
    broken: set[str] = set()
    edition = None
    for index, statement in enumerate(statements(tokens)):
        read, errors = _read(source, statement)
        diagnostics += errors
        if isinstance(read, build.Edition):
            edition = edition or read
            if index:
                diagnostics.append(_late_edition(source, read))
        elif read is not None:
            declarations.append(cast(syntax.Declaration, read))
        elif len(statement.tokens) > 1 and statement.tokens[1].kind == "word":
            broken.add(statement.tokens[1].text)
    module = syntax.Module(tuple(declarations), Span(0, len(source.text)))
    return Parsed(module, diagnostics, tuple(comments), frozenset(broken), edition)


def parse_expression(source: Source) -> tuple[syntax.Expr | None, list[Diagnostic]]:
    """Read a text that is one expression, such as the condition of `--only`."""
    return cast("tuple[syntax.Expr | None, list[Diagnostic]]", _read_whole(source, "expr"))


def parse_axis(source: Source) -> tuple[syntax.Axis | None, list[Diagnostic]]:
    """Read a text that is one `path: value`."""
    return cast("tuple[syntax.Axis | None, list[Diagnostic]]", _read_whole(source, "axis"))


def _read_whole(source: Source, start: str) -> tuple[object | None, list[Diagnostic]]:
    tokens, _ = scan(source.text)
    whole = Statement()
    for statement in statements([token._replace(margin=False) for token in tokens]):
        whole = whole if whole.tokens else statement
    return _read(source, whole, start)


def _late_edition(source: Source, edition: build.Edition) -> Diagnostic:
    message = "the edition of the language is named on the first line or not at all"
    return Diagnostic("error", "E0112", message, source, (Label(edition.span),))


def _read(
    source: Source, statement: Statement, start: str = "start"
) -> tuple[object | None, list[Diagnostic]]:
    """The node of one statement, or what is wrong with it."""
    if statement.bad:
        return None, lexical_errors(source, statement)
    error = structural_error(source, statement)
    if error is not None:
        return None, [error]
    try:
        parser = cast(Any, _parser())  # its types know no tokens of one's own
        read = cast(object, parser.parse(statement.tokens, start=start))
        error = _too_deep(source, statement, read)
        return (read, []) if error is None else (None, [error])
    except lark.UnexpectedToken as unexpected:
        return None, [syntax_error(_failure(source, statement, unexpected))]
    except build.MeaninglessError as problem:
        labels = [Label(problem.span)]
        if problem.first is not None:
            labels.append(Label(problem.first, "first here"))
        found = Diagnostic("error", problem.code, problem.message, source, tuple(labels))
        return None, [found]


def _too_deep(source: Source, statement: Statement, read: object) -> Diagnostic | None:
    nesting = sum(token.text in _NESTING for token in statement.tokens)
    level, node = deepest(read) if nesting > DEEPEST // 3 else (0, read)
    if level <= DEEPEST:
        return None
    message = f"this is nested {level} levels deep; {DEEPEST} can be read"
    place = cast(syntax.Name, node).span
    remedy = "name a part of it with `let` or `method`"
    return Diagnostic("error", "E0113", message, source, (Label(place),), help=(remedy,))


def _failure(source: Source, statement: Statement, unexpected: lark.UnexpectedToken) -> Failure:
    token = cast(lark.Token, unexpected.token)
    starts = [token.start for token in statement.tokens]
    index = len(starts) if token.type == "$END" else starts.index(cast(int, token.start_pos))
    return Failure(source, statement, index, frozenset(unexpected.accepts or ()))


class _ContextualLexer(Lexer):
    """Tokens of `lab.spec.tokens`, typed by what the parser can take where they stand."""

    __future_interface__ = 2

    def __init__(self, lexer_conf: Any) -> None:
        terminals = [t for t in lexer_conf.terminals if t.pattern.type == "str"]
        self.types = {str(t.pattern.value): str(t.name) for t in terminals}

    def lex(self, lexer_state: Any, parser_state: Any) -> Iterator[lark.Token]:
        """The tokens, each typed when the parser asks for it."""
        tokens: Sequence[Token] = lexer_state.text
        for token, following in zip(tokens, [*tokens[1:], None], strict=True):
            accepts = parser_state.parse_conf.states[parser_state.position]
            kind = self._type(token, following, accepts)
            yield lark.Token(kind, token.text, start_pos=token.start, end_pos=token.end)

    def _type(self, token: Token, following: Token | None, accepts: Mapping[str, object]) -> str:
        if token.kind == "word":
            keyword = self.types.get(token.text)
            if keyword is None or keyword not in accepts:
                return "NAME"
            if "NAME" in accepts and is_name(token.text, following):
                return "NAME"
            return keyword
        if token.kind == "mark":
            return self.types.get(token.text, "UNKNOWN")
        return {"number": "NUMBER", "string": "STRING"}.get(token.kind, "_SEPARATOR")


def is_name(word: str, following: Token | None) -> bool:
    """Whether a word that could be a keyword here or a name is a name, by what follows it."""
    if following is None:
        return word == "log"
    if word == "log":
        return following.kind not in ("number", "word") or following.text in INFIX_WORDS
    if word == "not":
        return following.kind == "mark" and following.text not in ("(", "[", "+", "-")
    return following.text in (":", ".")


class _Callbacks:
    """The builder as the parser wants it: functions that take a list."""

    def __getattr__(self, rule: str) -> Callable[[Sequence[object]], object]:
        function = build.callback(rule)
        if function is None:
            raise AttributeError(rule)
        return partial(_call, function)


def _call(function: Callable[..., object], children: Sequence[object]) -> object:
    return function(*children)


@cache
def _parser() -> lark.Lark:
    return lark.Lark(
        _GRAMMAR.read_text(encoding="utf-8"),
        parser="lalr",
        lexer=_ContextualLexer,
        start=["start", "expr", "axis"],
        transformer=cast(Any, _Callbacks()),
        cache=_cache_file() or False,
    )


def _cache_file() -> str | None:
    """Where the tables of the grammar are kept between processes; None where nothing can be."""
    name = f"grammar-{lark.__version__}-{sys.version_info.major}.{sys.version_info.minor}.tables"
    try:
        home = os.environ.get("XDG_CACHE_HOME") or FilePath.home() / ".cache"
        folder = FilePath(home) / "lab-studies"
        folder.mkdir(parents=True, exist_ok=True)
    except (OSError, RuntimeError):
        return None
    return str(folder / name) if os.access(folder, os.W_OK) else None
