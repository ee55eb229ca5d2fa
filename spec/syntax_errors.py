"""Syntax errors in words of the language: what was being read, and what would fit there.

The parser says where it stopped and which terminals it could take; that alone makes poor messages.
So each slip that people make has a rule that knows it from the tokens around it, tried in order;
the last one says what would fit in general.
"""

from collections.abc import Callable

from lab.spec.diagnostics import Diagnostic, Edit, Label
from lab.spec.failure import Failure, depth_change, listed, named
from lab.spec.source import Span
from lab.spec.suggest import nearest
from lab.spec.tokens import CLAUSE_WORDS, CONTINUED_MARKS, DECLARATION_WORDS, INFIX_WORDS
from lab.spec.units import UNITS

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
#: Words and signs of which a value has one at most.
ONCE = {
    "..": "a range has two ends; `by` gives its step",
    "->": "`->` joins two values; pieces follow each other with `then`",
    "for": "a piece has one `for`; pieces follow each other with `then`",
    "by": "a range has one step",
}
MISWRITTEN = {
    "//": ("`//` starts no comment", "#"),
    "||": ("alternatives have a single `|` between them", "|"),
    ":=": ("`:=` means nothing here", "="),
    "=>": ("`=>` means nothing here", "->"),
    "<>": ("`<>` means nothing here", "!="),
    "=<": ("`=<` means nothing here", "<="),
}
#: What would fit, in words, by the terminal that the grammar has for it.
FITS = {
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


def syntax_error(failure: Failure) -> Diagnostic:
    """What is wrong, by the first rule that knows."""
    for rule in RULES:
        found = rule(failure)
        if found is not None:
            return found
    fits = [text for terminal, text in FITS.items() if terminal in failure.accepts]
    if failure.wants_value:
        fits = ["a value"]
    if not fits or len(fits) > 3:
        return failure.error("E0101", f"{failure.found} does not fit after {failure.read}")
    wanted = " or ".join(fits)
    message = f"expected {wanted} after {failure.read}, found {failure.found}"
    return failure.error("E0101", message)


def _no_declaration(failure: Failure) -> Diagnostic | None:
    token, following = failure.token, failure.following
    if failure.index or token is None:
        return None
    if token.kind != "word":
        message = f"expected a declaration, found {failure.found}"
        return failure.error("E0110", message, help=_STARTS)
    message = f"`{token.text}` starts no declaration"
    if following is not None and following.text == "=":
        edit = Edit(Span(token.start, token.start), "let ")
        remedy = f"`let {token.text} = …` names a value"
        return failure.error("E0110", message, help=remedy, edit=edit, label="")
    meant = None if token.text in ENTRIES else nearest(token.text, DECLARATION_WORDS)
    if meant is not None and (following is None or following.text not in (":", ".")):
        return failure.error("E0110", message, edit=Edit(token.span, meant))
    return failure.error("E0110", message, help=_where_it_stands(failure))


_STARTS = f"a declaration starts with {listed(DECLARATION_WORDS)}"


def _where_it_stands(failure: Failure) -> str:
    word, following = failure.tokens[0].text, failure.following
    if following is not None and following.text in (":", "."):
        return "a line `path: value` stands in a `grid`, a `search` or a `profile`"
    return f"it stands in {ENTRIES[word]}" if word in ENTRIES else _STARTS


def _said_twice(failure: Failure) -> Diagnostic | None:
    """`a < b < c`, `1 .. 2 .. 3`, `a for b for c`."""
    token = failure.token
    if token is None or failure.wants_value:
        return None
    alike = RELATIONS if token.text in RELATIONS else {token.text} & set(ONCE)
    depth = 0
    for earlier in reversed(failure.entry):
        depth -= depth_change(earlier)
        if depth == 0 and earlier.text in ("and", "or", "not", "|", ":", "=", "where", "then"):
            return None
        if depth == 0 and earlier.text in alike:
            also = (Label(earlier.span, "the first one"),)
            if token.text in ONCE:
                message = f"a second `{token.text}` does not fit"
                return failure.error("E0101", message, help=ONCE[token.text], also=also)
            remedy = "write `a < b and b < c`"
            return failure.error("E0109", "comparisons do not chain", help=remedy, also=also)
    return None


def _number_slip(failure: Failure) -> Diagnostic | None:
    token, before, following = failure.token, failure.before, failure.following
    if token is None or token.text not in (".", "%"):
        return None
    if token.text == "%":
        remedy = "`80%` is 80 hundredths; there is no modulo"
        return failure.error("E0101", "`%` does not follow a number", help=remedy)
    number = following if following is not None and following.kind == "number" else None
    if before is not None and before.kind == "number":
        span = before.span.to((number or token).span)
        remedy = "a number has one point, and digits on both sides of it"
        return failure.error("E0114", f"`{failure.text(span)}` is no number", span, help=remedy)
    if number is not None and number.start == token.end and failure.wants_value:
        edit = Edit(Span(token.start, token.start), "0")
        label = f"did you mean `0.{number.text}`?"
        span = token.span.to(number.span)
        message = "a number has a digit before its point"
        return failure.error("E0114", message, span, edit=edit, label=label)
    return None


def _miswritten(failure: Failure) -> Diagnostic | None:
    """Two marks that other languages read as one."""
    token, before = failure.token, failure.before
    if token is None or before is None or before.end != token.start:
        return None
    both, written = before.span.to(token.span), before.text + token.text
    if written == "**":
        return failure.error("E0101", "there are no powers in the language", both)
    if written not in MISWRITTEN:
        return None
    message, meant = MISWRITTEN[written]
    remedy = "in a condition, write `or`" if written == "||" else None
    return failure.error("E0101", message, both, help=remedy, edit=Edit(both, meant))


def _value_on_next_line(failure: Failure) -> Diagnostic | None:
    """`width:`, and on the next line `layers: 3`: the parser stops only at the second colon."""
    token, start = failure.token, failure.index
    if token is None or token.text not in (":", "="):
        return None
    while start and not (start < failure.index and failure.tokens[start].first):
        start -= 1
        if failure.tokens[start].kind != "word" and failure.tokens[start].text != ".":
            return None
    if not start or start == failure.index:
        return None
    last = failure.tokens[start - 1]
    if last.kind != "mark" or last.text not in CONTINUED_MARKS - {","}:
        return None
    earlier = failure.at(start)
    return earlier.error("E0106", f"expected a value after {earlier.read}", earlier.behind)


def _source_misread(failure: Failure) -> Diagnostic | None:
    """`a > 3 sorce: "…"`: the word after a number was taken for its unit."""
    word, token = failure.before, failure.token
    if word is None or word.kind != "word" or token is None or token.text != ":":
        return None
    in_claim = bool(failure.entry) and failure.entry[0].text == "claim"
    is_after_number = failure.index > 1 and failure.tokens[failure.index - 2].kind == "number"
    if not (in_claim and is_after_number) or nearest(word.text, ("source",)) is None:
        return None
    message = f"{named(word)} does not fit after {failure.at(failure.index - 1).read}"
    return failure.error("E0101", message, word.span, edit=Edit(word.span, "source"))


def _unit_misread(failure: Failure) -> Diagnostic | None:
    """`64 layers: 2`, `3 let`, `3 were x`: the word after a number was taken for its unit."""
    word, token = failure.before, failure.token
    if failure.index < 2 or word is None or word.kind != "word" or token is None:
        return None
    if failure.tokens[failure.index - 2].kind != "number" or word.text in UNITS:
        return None
    if token.text in (":", ".") and failure.inside in ("(", "["):
        edit = Edit(failure.at(failure.index - 1).behind, ",")
        message = f"expected `,` before {named(word)}"
        return failure.error("E0101", message, word.span, edit=edit, label="")
    if token.text in (":", ".") or word.text in DECLARATION_WORDS:
        where = "entry" if failure.inside else "line"
        message = f"expected the end of the {where} before {named(word)}"
        return failure.error("E0111", message, word.span)
    meant = nearest(word.text, (*INFIX_WORDS, *CLAUSE_WORDS))
    if meant is None or not failure.finds_value:
        return None
    edit = Edit(word.span, meant)
    return failure.error("E0101", f"{named(word)} does not fit here", word.span, edit=edit)


def _word_read_as_name(failure: Failure) -> Diagnostic | None:
    """`repeat as seed`: a value is missing, and the word that joins was taken for it."""
    word = failure.before
    if failure.index < 2 or word is None or not failure.finds_value or failure.wants_value:
        return None
    if word.kind != "word" or word.text not in INFIX_WORDS or "NAME" in failure.accepts:
        return None
    if failure.tokens[failure.index - 2].text == ".":
        return None
    earlier = failure.at(failure.index - 1)
    message = f"expected a value after {earlier.read}, found {named(word)}"
    return failure.error("E0106", message, word.span)


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
    written = failure.text(span)
    edit = Edit(span, written.replace("-", "_"))
    remedy = "a name has letters, digits and `_`"
    return failure.error("E0107", f"`{written}` is no name", span, help=remedy, edit=edit)


def _misplaced_entry(failure: Failure) -> Diagnostic | None:
    """A declaration or an entry in a block that has none such."""
    block = failure.tokens[0].text
    if failure.inside != "{" or len(failure.entry) != 1 or block == "report":
        return None
    word, token, following = failure.entry[0], failure.token, failure.following
    if word.kind != "word" or token is None or token.kind not in ("word", "number", "string"):
        return None
    if word.text in ENTRIES:
        message = f"`{word.text}` does not belong in a `{block}`"
        remedy = f"it stands in {ENTRIES[word.text]}"
        return failure.error("E0115", message, word.span, help=remedy)
    defines = following is not None and following.text in ("=", "(", "{")
    if word.text in DECLARATION_WORDS and (defines or token.kind == "string"):
        message = f"a `{word.text}` does not stand in a `{block}`"
        remedy = "declarations stand outside of blocks; is a `}` missing above?"
        return failure.error("E0115", message, word.span, help=remedy)
    meant = nearest(word.text, ENTRIES)
    if meant is None:
        return None
    message = f"`{word.text}` starts no entry of a `{block}`"
    return failure.error("E0115", message, word.span, edit=Edit(word.span, meant))


def _value_missing(failure: Failure) -> Diagnostic | None:
    before = failure.before
    if not failure.wants_value or before is None:
        return None
    if before.text == "{" or before.kind == "separator":
        return None
    call = before.text == "(" and failure.index > 1
    called = call and failure.tokens[failure.index - 2].kind == "word"
    thing = "an argument" if called else "a value"
    return failure.error("E0106", f"expected {thing} after {failure.read}{failure.but_found}")


def _name_missing(failure: Failure) -> Diagnostic | None:
    token, before, following = failure.token, failure.before, failure.following
    if "NAME" not in failure.accepts or failure.wants_value or before is None:
        return None
    if before.kind == "number" or before.text == "{" or before.kind == "separator":
        return None
    if token is not None and token.kind == "number":
        span = token.span
        if following is not None and following.start == token.end and following.kind == "word":
            span = span.to(following.span)
        message = f"`{failure.text(span)}` is no name"
        return failure.error("E0107", message, span, help="a name starts with a letter or `_`")
    remedy = None
    if token is not None and token.kind == "string":
        remedy = f'a name stands before the title: `{before.text} name "title"`'
    message = f"expected a name after {failure.read}{failure.but_found}"
    return failure.error("E0107", message, help=remedy)


def _wrong_sign(failure: Failure) -> Diagnostic | None:
    token = failure.token
    if token is None or token.text not in ("=", "==", ":"):
        return None
    message = f"after {failure.read}, found `{token.text}`"
    if "COLON" in failure.accepts:
        remedy = "an argument is written `name: value`" if failure.inside == "(" else None
        edit = Edit(token.span, ":")
        return failure.error("E0101", f"expected `:` {message}", help=remedy, edit=edit)
    if "EQUAL" in failure.accepts:
        return failure.error("E0101", f"expected `=` {message}", edit=Edit(token.span, "="))
    if token.text == "=" and "SAME" in failure.accepts:
        return failure.error("E0101", "`=` does not compare", edit=Edit(token.span, "=="))
    return None


def _word_mistyped(failure: Failure) -> Diagnostic | None:
    """`dense than quantize()`: a word of the language that would fit is near."""
    token = failure.token
    if token is None or token.kind != "word" or failure.wants_value or len(token.text) < 3:
        return None
    fitting = [w for w in (*INFIX_WORDS, *CLAUSE_WORDS) if w.upper() in failure.accepts]
    meant = nearest(token.text, fitting)
    if meant is None:
        return None
    message = f"`{token.text}` does not fit after {failure.read}"
    return failure.error("E0101", message, edit=Edit(token.span, meant))


def _word_missing(failure: Failure) -> Diagnostic | None:
    """A word that alone fits (`paired by`), or the `because` before a reason."""
    token = failure.token
    if token is not None and token.kind == "string" and "BECAUSE" in failure.accepts:
        edit = Edit(failure.behind, " because")
        return failure.error("E0101", "expected `because` before the reason", edit=edit, label="")
    words = [w for w in (*INFIX_WORDS, *CLAUSE_WORDS) if w.upper() in failure.accepts]
    if not words or len(failure.accepts) > 2 or "NAME" in failure.accepts:
        return None
    wanted = " or ".join(f"`{word}`" for word in words)
    return failure.error("E0101", f"expected {wanted} after {failure.read}{failure.but_found}")


def _sign_missing(failure: Failure) -> Diagnostic | None:
    for terminal, sign in (("EQUAL", "="), ("COLON", ":"), ("LBRACE", "{")):
        if terminal in failure.accepts and failure.inside not in ("(", "["):
            edit = Edit(failure.behind, ":") if sign == ":" and failure.finds_value else None
            message = f"expected `{sign}` after {failure.read}{failure.but_found}"
            return failure.error("E0101", message, edit=edit, label="")
    return None


def _comma_missing(failure: Failure) -> Diagnostic | None:
    if failure.inside not in ("(", "[") or "COMMA" not in failure.accepts:
        return None
    if not failure.finds_value:
        return None
    edit = Edit(failure.behind, ",")
    return failure.error("E0101", f"expected `,` before {failure.found}", edit=edit, label="")


def _wrong_separator(failure: Failure) -> Diagnostic | None:
    token = failure.token
    if token is None or not _may_end(failure):
        return None
    if token.text == ";" and not failure.inside:
        edit = Edit(token.span, "\n")
        remedy = "put each declaration on a line of its own"
        message = "`;` does not separate declarations"
        return failure.error("E0111", message, help=remedy, edit=edit, label="")
    if token.text == "," and failure.inside == "{":
        edit = Edit(token.span, ";")
        return failure.error("E0111", "`,` does not separate entries", edit=edit)
    return None


def _two_entries(failure: Failure) -> Diagnostic | None:
    token, following = failure.token, failure.following
    if token is None or not _may_end(failure):
        return None
    if token.text == "not" and following is not None and following.text == "in":
        return failure.error("E0101", "there is no `not in`", help="write `not a in [b, c]`")
    if not failure.finds_value or token.text in ("(", "["):
        return None
    where = "entry" if failure.inside else "line"
    message = f"expected the end of the {where} before {failure.found}"
    remedy = "one entry stands on a line; inside `{ }`, `;` stands between entries"
    return failure.error("E0111", message, help=remedy if failure.inside else None)


def _may_end(failure: Failure) -> bool:
    ends = {"$END", "_SEPARATOR", "RBRACE"} & failure.accepts
    return bool(ends) and failure.inside in ("", "{")


RULES: tuple[Callable[[Failure], Diagnostic | None], ...] = (
    _no_declaration,
    _said_twice,
    _number_slip,
    _miswritten,
    _value_on_next_line,
    _source_misread,
    _unit_misread,
    _word_read_as_name,
    _name_with_hyphen,
    _misplaced_entry,
    _value_missing,
    _name_missing,
    _wrong_sign,
    _word_mistyped,
    _word_missing,
    _sign_missing,
    _comma_missing,
    _wrong_separator,
    _two_entries,
)
