"""Errors of single characters, strings and brackets, found before anything is parsed."""

from lab.spec.diagnostics import Diagnostic, Edit, Label
from lab.spec.source import Source, Span
from lab.spec.tokens import CLOSES, Statement, Token

#: Characters that word processors and other languages leave behind, and what is written instead.
INSTEAD = {
    "“": '"',
    "”": '"',
    "„": '"',
    "«": '"',
    "»": '"',
    "‘": '"',
    "’": '"',
    "'": '"',
    "–": "-",
    "—": "-",
    "−": "-",
    "×": "*",
    "·": "*",
    "÷": "/",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "→": "->",
    "…": "..",
    "\u00a0": " ",
    "\u2009": " ",
    "\u200b": "",
    "\ufeff": "",
    "\f": " ",
}
_NAMED = {
    "\r": "a carriage return without a line feed",
    "\u00a0": "a no-break space",
    "\u2009": "a thin space",
    "\u200b": "a zero-width space",
    "\ufeff": "a byte order mark",
}
_HELP = {
    "'": "strings stand in double quotes",
    "&": "write `and`",
    "!": "write `not`",
    "\\": "a line goes on inside brackets and after an operator or a comma; it needs no `\\`",
    "^": "there are no powers in the language",
    "$": "nothing is read from the environment; `let` names a shared value",
}


def lexical_errors(source: Source, statement: Statement) -> list[Diagnostic]:
    """Strings without an end and characters without a meaning, each kind once."""
    found: dict[str, Diagnostic] = {}
    for token in statement.bad:
        if token.text.startswith('"'):
            found.setdefault(f'"{token.start}', _open_string(source, token))
        else:
            found.setdefault(token.text, _bad_character(source, token))
    return list(found.values())


def _open_string(source: Source, token: Token) -> Diagnostic:
    span = Span(token.start, token.start + len(token.text.rstrip()))
    return Diagnostic(
        "error",
        "E0104",
        "this string is never closed",
        source,
        (Label(span, 'no `"` before the end of the line'),),
        help=('a string ends on the line on which it starts; inside it, write `\\"` for a quote',),
    )


def _bad_character(source: Source, token: Token) -> Diagnostic:
    character = token.text
    shown = _NAMED.get(character)
    if shown is None:
        shown = f"`{character}`" if character.isprintable() else f"U+{ord(character):04X}"
    instead = INSTEAD.get(character)
    remedy = _HELP.get(character)
    if instead is not None:
        remedy = remedy or (f"write `{instead}`" if instead.strip() else "remove it")
    return Diagnostic(
        "error",
        "E0105",
        f"{shown} means nothing here",
        source,
        (Label(token.span),),
        help=(remedy,) if remedy else (),
        edit=None if instead is None else Edit(token.span, instead),
    )


def structural_error(source: Source, statement: Statement) -> Diagnostic | None:
    """The first bracket of a statement that does not fit, if there is one."""
    if statement.crossed is not None:
        opening, closing = statement.crossed
        return _never_closed(source, opening, cut=closing)
    if statement.mistaken is not None:
        return _mistaken(source, *statement.mistaken)
    if statement.stray is not None:
        token = statement.stray
        message = f"this `{token.text}` closes nothing"
        edit = Edit(token.span, "")
        label = Label(token.span, "no bracket is open here")
        return Diagnostic("error", "E0103", message, source, (label,), edit=edit)
    if statement.unclosed:
        return _never_closed(source, statement.unclosed[-1], cut=statement.cut)
    return None


def _mistaken(source: Source, opening: Token, closing: Token) -> Diagnostic:
    right = CLOSES[opening.text]
    return Diagnostic(
        "error",
        "E0103",
        f"`{closing.text}` does not close `{opening.text}`",
        source,
        (
            Label(closing.span, f"did you mean `{right}`?"),
            Label(opening.span, f"this `{opening.text}` is open"),
        ),
        edit=Edit(closing.span, right),
    )


def _never_closed(source: Source, opening: Token, *, cut: Token | None) -> Diagnostic:
    labels = [Label(opening.span, f"no `{CLOSES[opening.text]}` follows")]
    remedy: tuple[str, ...] = ()
    if cut is not None and cut.text in CLOSES.values():
        labels[0] = Label(opening.span)
        labels.append(Label(cut.span, f"`{cut.text}` comes before its `{CLOSES[opening.text]}`"))
    elif cut is not None:
        labels.append(Label(cut.span, "the next declaration starts here"))
        remedy = (f"a line that goes on with this one and starts with `{cut.text}` is indented",)
    message = f"this `{opening.text}` is never closed"
    return Diagnostic("error", "E0102", message, source, tuple(labels), help=remedy)
