"""Syntax errors in words of the language: what was being read, and what would fit there.

The parser says where it stopped and which terminals it could take; that alone makes poor messages.
So each slip that people make has a rule here that knows it from the tokens around it, tried in
order; the last rule says what would fit in general.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from lab.spec.diagnostics import Diagnostic, Edit, Label
from lab.spec.source import Source, Span
from lab.spec.suggest import nearest
from lab.spec.tokens import CONTINUED_MARKS, DECLARATION_WORDS, Statement, Token

RELATIONS = frozenset({"==", "!=", "<", "<=", ">", ">=", "in"})
#: Words that start an entry, and the blocks they belong in.
ENTRIES = {
    "repeat": "a `grid`, a `search`, a `profile` or outside of blocks",
    "skip": "a `grid`, a `search` or a `profile`",
    "keep": "a `grid`, a `search` or a `profile`",
    "minimize": "a `search`",
    "maximize": "a `search`",
    "trials": "a `search` or a `profile`",
    "budget": "a `profile` or outside of blocks",
    "claim": "a `profile` or outside of blocks",
}
_INFIX_WORDS = ("then", "for", "or", "and", "by", "in", "as", "until", "vary", "because")
_CLAUSE_WORDS = ("subject", "where", "over", "paired", "at", "to", "every", "some")


@dataclass(frozen=True)
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
        """The token that does not fit; None at the end of the entry or the statement."""
        found = self.tokens[self.index] if self.index < len(self.tokens) else None
        return None if found is None or found.text == "\n" else found

    @cached_property
    def before(self) -> Token | None:
        """The token before it."""
        return self.tokens[self.index - 1] if self.index else None

    @cached_property
    def following(self) -> Token | None:
        """The token after it."""
        return self.tokens[self.index + 1] if self.index + 1 < len(self.tokens) else None

    @cached_property
    def opening(self) -> int | None:
        """Index of the innermost bracket that is open here."""
        depth = 0
        for index in range(self.index - 1, -1, -1):
            depth += _depth_change(self.tokens[index])
            if depth > 0:
                return index
        return None

    @property
    def inside(self) -> str:
        """The innermost bracket that is open here, or nothing."""
        return "" if self.opening is None else self.tokens[self.opening].text

    @cached_property
    def entry(self) -> list[Token]:
        """The tokens of this entry or argument, up to here."""
        start, depth = self.index, 0
        while start:
            previous = self.tokens[start - 1]
            depth += _depth_change(previous)
            comma = previous.text == "," and self.inside in ("(", "[")
            if depth > 0 or (depth == 0 and (comma or previous.kind == "separator")):
                break
            start -= 1
        return self.tokens[start : self.index]

    @property
    def place(self) -> Span:
        """Where the carets stand: the token, or right behind the one before it."""
        if self.token is not None:
            return self.token.span
        return self.behind

    @property
    def behind(self) -> Span:
        """Right behind the last token that fits."""
        end = self.before.end if self.before else 0
        return Span(end, end)

    @property
    def wants_value(self) -> bool:
        """Whether a value may start here."""
        return "NUMBER" in self.accepts and "NAME" in self.accepts

    def starts_value(self) -> bool:
        """Whether the token that does not fit could start a value."""
        token = self.token
        if token is None:
            return False
        return token.kind in ("number", "word", "string") or token.text in ("(", "[")

    def error(self, code: str, message: str, span: Span | None = None) -> Diagnostic:
        """A finding at a place, by default where the parser stopped."""
        return Diagnostic("error", code, message, self.source, (Label(span or self.place),))


def _depth_change(token: Token) -> int:
    if token.kind != "mark":
        return 0
    return {"(": 1, "[": 1, "{": 1, ")": -1, "]": -1, "}": -1}.get(token.text, 0)


def syntax_error(failure: Failure) -> Diagnostic:
    """What is wrong, by the first rule that knows."""
    for rule in _RULES:
        found = rule(failure)
        if found is not None:
            return found
    return _general(failure)


def _with(
    error: Diagnostic, *, help: str | None = None, edit: Edit | None = None, label: str = ""
) -> Diagnostic:
    """A finding with a remedy; an edit that says nothing is shown as a suggestion."""
    if edit is not None and not label and edit.replacement.strip():
        label = f"did you mean `{edit.replacement.strip()}`?"
    labels = (Label(error.labels[0].span, label), *error.labels[1:])
    return Diagnostic(
        error.severity,
        error.code,
        error.message,
        error.source,
        labels,
        help=(help,) if help else (),
        edit=edit,
    )


# --- rules, from the most particular


def _no_declaration(failure: Failure) -> Diagnostic | None:
    token, following = failure.token, failure.following
    if failure.index or token is None:
        return None
    if token.kind != "word":
        error = failure.error("E0110", f"expected a declaration, found {_named(token)}")
        return _with(error, help=f"a declaration starts with {_listed(DECLARATION_WORDS)}")
    error = failure.error("E0110", f"`{token.text}` starts no declaration")
    if following is not None and following.text in (":", "."):
        return _with(error, help="a line `path: value` stands in a `grid`, `search` or `profile`")
    if following is not None and following.text == "=":
        edit = Edit(Span(token.start, token.start), "let ")
        return _with(error, help=f"`let {token.text} = …` names a value", edit=edit, label=" ")
    meant = nearest(token.text, DECLARATION_WORDS)
    if meant is not None:
        return _with(error, edit=Edit(token.span, meant))
    return _with(error, help=f"a declaration starts with {_listed(DECLARATION_WORDS)}")


def _comparison_chained(failure: Failure) -> Diagnostic | None:
    token = failure.token
    if token is None or token.text not in RELATIONS or failure.wants_value:
        return None
    depth = 0
    for earlier in reversed(failure.entry):
        depth -= _depth_change(earlier)
        if depth == 0 and earlier.text in ("and", "or", "not", "|", ":", "where"):
            return None
        if depth == 0 and earlier.text in RELATIONS:
            error = failure.error("E0109", "comparisons do not chain")
            found = _with(error, help="write `a < b and b < c`", label="a second comparison")
            labels = (*found.labels, Label(earlier.span, "the first one"))
            return Diagnostic("error", "E0109", found.message, found.source, labels, found.help)
    return None


def _number_slip(failure: Failure) -> Diagnostic | None:
    token, before, following = failure.token, failure.before, failure.following
    if token is None:
        return None
    if token.text == "." and following is not None and following.kind == "number":
        if before is not None and before.kind == "number" and before.end == token.start:
            span = before.span.to(following.span)
            return failure.error("E0114", f"`{_text(failure, span)}` is no number", span)
        if following.start == token.end and failure.wants_value:
            edit = Edit(Span(token.start, token.start), "0")
            span = token.span.to(following.span)
            error = failure.error("E0114", "a number has a digit before its point", span)
            return _with(error, edit=edit, label=f"did you mean `0.{following.text}`?")
    if token.text == "." and before is not None and before.kind == "number":
        error = failure.error("E0114", f"`{before.text}.` is no number", before.span.to(token.span))
        return _with(error, help="write a digit behind the point, or leave the point out")
    if token.text == "%":
        error = failure.error("E0101", "`%` does not follow a number")
        return _with(error, help="`80%` is 80 hundredths; there is no modulo")
    return None


def _doubled_mark(failure: Failure) -> Diagnostic | None:
    token, before = failure.token, failure.before
    if token is None or before is None or before.end != token.start:
        return None
    both = before.span.to(token.span)
    if (before.text, token.text) == ("/", "/"):
        error = failure.error("E0101", "`//` starts no comment", both)
        return _with(error, edit=Edit(both, "#"))
    if (before.text, token.text) == ("*", "*"):
        return failure.error("E0101", "there are no powers in the language", both)
    if (before.text, token.text) == ("|", "|"):
        error = failure.error("E0101", "alternatives have a single `|` between them", both)
        return _with(error, help="in a condition, write `or`", edit=Edit(both, "|"))
    if (before.text, token.text) in ((":", "="), ("=", ">"), ("<", ">"), ("=", "<")):
        meant = {":=": "=", "=>": "->", "<>": "!=", "=<": "<="}[before.text + token.text]
        error = failure.error("E0101", f"`{before.text}{token.text}` means nothing here", both)
        return _with(error, edit=Edit(both, meant))
    return None


def _value_on_next_line(failure: Failure) -> Diagnostic | None:
    """`width:`, and on the next line `layers: 3`: the parser stops only at the second colon."""
    token = failure.token
    if token is None or token.text not in (":", "="):
        return None
    start = failure.index
    while start and (
        failure.tokens[start - 1].kind == "word" or failure.tokens[start - 1].text == "."
    ):
        start -= 1
        if failure.tokens[start].first:
            break
    if not start or start == failure.index or not failure.tokens[start].first:
        return None
    last = failure.tokens[start - 1]
    if last.kind != "mark" or last.text not in CONTINUED_MARKS - {","}:
        return None
    earlier = Failure(failure.source, failure.statement, start, frozenset())
    return earlier.error("E0106", f"expected a value after {_read_so_far(earlier)}", earlier.behind)


def _name_missing(failure: Failure) -> Diagnostic | None:
    token, before = failure.token, failure.before
    if "NAME" not in failure.accepts or failure.wants_value or before is None:
        return None
    if before.kind == "number":
        return None
    if token is not None and token.kind == "number":
        joined = token.span
        if failure.following is not None and failure.following.start == token.end:
            joined = token.span.to(failure.following.span)
        error = failure.error("E0107", f"`{_text(failure, joined)}` is no name", joined)
        return _with(error, help="a name starts with a letter or `_`")
    found = f", found {_named(token)}" if token is not None else ""
    error = failure.error("E0107", f"expected a name after {_read_so_far(failure)}{found}")
    if token is not None and token.kind == "string":
        return _with(error, help=f'a name stands before the title: `{before.text} name "title"`')
    return error


def _name_with_hyphen(failure: Failure) -> Diagnostic | None:
    token, before, following = failure.token, failure.before, failure.following
    if token is None or before is None or following is None or token.text != "-":
        return None
    adjacent = before.end == token.start and token.end == following.start
    if before.kind != "word" or not adjacent or failure.wants_value:
        return None
    end = failure.index + 1
    while end + 2 < len(failure.tokens) and failure.tokens[end + 1].text == "-":
        end += 2
    span = before.span.to(failure.tokens[end].span)
    written = _text(failure, span)
    error = failure.error("E0107", f"`{written}` is no name", span)
    return _with(
        error,
        help="a name has letters, digits and `_`",
        edit=Edit(span, written.replace("-", "_")),
    )


def _misplaced_entry(failure: Failure) -> Diagnostic | None:
    """A declaration or an entry in a block that has none such."""
    if failure.inside != "{" or not failure.entry or failure.statement.tokens[0].text == "report":
        return None
    word, block = failure.entry[0], failure.statement.tokens[0].text
    if word.kind != "word" or len(failure.entry) > 1 or "COLON" not in failure.accepts:
        return None
    if failure.token is None or failure.token.kind not in ("word", "number", "string"):
        return None
    if word.text in ENTRIES:
        error = failure.error("E0115", f"`{word.text}` does not belong in a `{block}`", word.span)
        return _with(error, help=f"it stands in {ENTRIES[word.text]}")
    if word.text in DECLARATION_WORDS:
        error = failure.error("E0115", f"a `{word.text}` does not stand in a `{block}`", word.span)
        return _with(error, help="declarations stand outside of blocks; is a `}` missing above?")
    meant = nearest(word.text, ENTRIES)
    if meant is None:
        return None
    error = failure.error("E0115", f"`{word.text}` starts no entry of a `{block}`", word.span)
    return _with(error, edit=Edit(word.span, meant))


def _value_missing(failure: Failure) -> Diagnostic | None:
    token, before = failure.token, failure.before
    if not failure.wants_value or before is None:
        return None
    if before.text in ("{",) or before.kind == "separator":
        return None
    thing = "an argument" if before.text == "(" and _is_call(failure) else "a value"
    found = f", found {_named(token)}" if token is not None else ""
    return failure.error("E0106", f"expected {thing} after {_read_so_far(failure)}{found}")


def _is_call(failure: Failure) -> bool:
    return failure.index > 1 and failure.tokens[failure.index - 2].kind == "word"


def _wrong_sign(failure: Failure) -> Diagnostic | None:
    token = failure.token
    if token is None:
        return None
    if token.text in ("=", "==") and "COLON" in failure.accepts:
        what = "an argument" if failure.inside == "(" else "this"
        named = _read_so_far(failure)
        error = failure.error("E0101", f"expected `:` after {named}, found `{token.text}`")
        return _with(error, help=f"{what} is written `name: value`", edit=Edit(token.span, ":"))
    if token.text in (":", "==") and "EQUAL" in failure.accepts:
        message = f"expected `=` after {_read_so_far(failure)}, found `{token.text}`"
        return _with(failure.error("E0101", message), edit=Edit(token.span, "="))
    if token.text == "=" and "SAME" in failure.accepts:
        error = failure.error("E0101", "`=` does not compare")
        return _with(error, edit=Edit(token.span, "=="))
    return None


def _sign_missing(failure: Failure) -> Diagnostic | None:
    for terminal, sign in (("EQUAL", "="), ("COLON", ":"), ("LBRACE", "{")):
        if terminal not in failure.accepts or failure.inside in ("(", "["):
            continue
        found = f", found {_named(failure.token)}" if failure.token is not None else ""
        read = _read_so_far(failure)
        return failure.error("E0101", f"expected `{sign}` after {read}{found}")
    return None


def _word_mistyped(failure: Failure) -> Diagnostic | None:
    """`dense than quantize()`: a word of the language that would fit is near."""
    token = failure.token
    if token is None or token.kind != "word" or failure.wants_value:
        return None
    fitting = [w for w in (*_INFIX_WORDS, *_CLAUSE_WORDS) if w.upper() in failure.accepts]
    meant = nearest(token.text, fitting)
    if meant is None:
        return None
    error = failure.error("E0101", f"`{token.text}` does not fit after {_read_so_far(failure)}")
    return _with(error, edit=Edit(token.span, meant))


def _word_missing(failure: Failure) -> Diagnostic | None:
    """A word that alone fits (`paired by`), or the `because` before a reason."""
    token = failure.token
    if token is not None and token.kind == "string" and "BECAUSE" in failure.accepts:
        edit = Edit(failure.behind, " because")
        error = failure.error("E0101", "expected `because` before the reason")
        return _with(error, edit=edit, label=" ")
    words = [w for w in (*_INFIX_WORDS, *_CLAUSE_WORDS) if w.upper() in failure.accepts]
    if not words or len(failure.accepts) > 2 or "NAME" in failure.accepts:
        return None
    wanted = " or ".join(f"`{word}`" for word in words)
    found = f", found {_named(token)}" if token is not None else ""
    return failure.error("E0101", f"expected {wanted} after {_read_so_far(failure)}{found}")


def _comma_missing(failure: Failure) -> Diagnostic | None:
    token = failure.token
    if failure.inside not in ("(", "[") or "COMMA" not in failure.accepts or token is None:
        return None
    if not failure.starts_value():
        return None
    error = failure.error("E0101", f"expected `,` before {_named(token)}")
    return _with(error, edit=Edit(failure.behind, ","), label=" ")


def _two_entries(failure: Failure) -> Diagnostic | None:
    token = failure.token
    if token is None or failure.inside not in ("", "{"):
        return None
    if not {"$END", "_SEPARATOR", "RBRACE"} & failure.accepts:
        return None
    if token.text == ";":
        error = failure.error("E0111", "`;` does not separate declarations")
        edit = Edit(token.span, "\n")
        return _with(error, help="put each declaration on a line of its own", edit=edit, label=" ")
    if not failure.starts_value() or token.text in ("(", "["):
        return None
    where = "entry" if failure.inside else "line"
    error = failure.error("E0111", f"expected the end of the {where} before {_named(token)}")
    remedy = "one entry stands on a line; inside `{ }`, `;` stands between entries"
    return _with(error, help=remedy if failure.inside else "one declaration stands on a line")


def _general(failure: Failure) -> Diagnostic:
    found = _named(failure.token) if failure.token is not None else "the end of the line"
    fits = [text for terminal, text in _FITS.items() if terminal in failure.accepts]
    read = f" after {_read_so_far(failure)}" if failure.before is not None else ""
    if failure.wants_value:
        fits = ["a value"]
    if not fits or len(fits) > 3:
        return failure.error("E0101", f"{found} does not fit{read}")
    return failure.error("E0101", f"expected {' or '.join(fits)}{read}, found {found}")


_FITS = {
    "NAME": "a name",
    "STRING": "a text in double quotes",
    "NUMBER": "a number",
    "COMMA": "`,`",
    "RPAR": "`)`",
    "RSQB": "`]`",
    "RBRACE": "`}`",
    "COLON": "`:`",
    "EQUAL": "`=`",
    "LBRACE": "`{`",
}

_RULES: tuple[Callable[[Failure], Diagnostic | None], ...] = (
    _no_declaration,
    _comparison_chained,
    _number_slip,
    _doubled_mark,
    _value_on_next_line,
    _name_with_hyphen,
    _misplaced_entry,
    _value_missing,
    _name_missing,
    _wrong_sign,
    _word_mistyped,
    _word_missing,
    _sign_missing,
    _comma_missing,
    _two_entries,
)


# --- words for what stands there


def _named(token: Token | None) -> str:
    if token is None:
        return "the end of the line"
    if token.kind == "string":
        return f"the text {token.text}" if len(token.text) < 30 else "a text"
    return f"`{token.text}`"


def _read_so_far(failure: Failure) -> str:
    """The last words read, as a person would point at them: `width:`, `method dense`, `then`."""
    before = failure.before
    if before is None:
        return "the start"
    start = failure.index - 1
    if before.text in (":", "=") and start:
        start = _path_start(failure, start - 1)
    elif before.kind == "word":
        start = _path_start(failure, start)
        if start == 1 and failure.tokens[0].text in DECLARATION_WORDS:
            start = 0
    words = failure.tokens[start : failure.index]
    return f"`{_text(failure, words[0].span.to(words[-1].span))}`"


def _path_start(failure: Failure, index: int) -> int:
    tokens = failure.tokens
    while index >= 2 and tokens[index - 1].text == "." and tokens[index].kind == "word":
        index -= 2
    return index


def _text(failure: Failure, span: Span) -> str:
    text = " ".join(failure.source.text[span.start : span.end].split())
    return text if len(text) <= 40 else text[:20] + " … " + text[-15:]


def _listed(words: tuple[str, ...]) -> str:
    return ", ".join(f"`{word}`" for word in words[:-1]) + f" or `{words[-1]}`"
