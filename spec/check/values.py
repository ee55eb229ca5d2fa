"""Reading an expression as the type that its place asks for: the front of all readers.

A bare word is a parameter in scope, else a word of the expected type, else a declared name, else a
component. Alternatives and lists are read here for every type; what remains goes to the type's own
reader.
"""

from lab.spec import core, syntax
from lab.spec.check.context import NO_HINT, Context, Hint, Place, Want, suggestion
from lab.spec.check.dimensions import FITS, called
from lab.spec.check.quantities import described, is_known, refuse, use_let
from lab.spec.check.text import head, text_of, unwrapped
from lab.spec.diagnostics import Edit
from lab.spec.known import names


def read_value(
    context: Context, expression: syntax.Expr, want: Want, place: Place
) -> core.Core | None:
    """The value of an expression as its type asks; None after a finding."""
    expression = unwrapped(expression)
    if isinstance(expression, syntax.Alternatives):
        return read_alternatives(context, expression, want, place)
    if isinstance(expression, syntax.Path):
        found = _bare(context, expression, want, place)
        if found is not None:
            return found
    if want.type.many:
        return _list(context, expression, want, place)
    reader = context.readers.get(want.type.name)
    if reader is None:
        kind = want.type.name
        reader = context.readers["number" if kind in FITS else "component"]
    return reader(context, expression, want, place)


def read_alternatives(
    context: Context, expression: syntax.Alternatives, want: Want, place: Place
) -> core.Core | None:
    """`a | b`: a choice between the options that could be read."""
    read = [(context.read(option, want, place), option) for option in expression.options]
    kept = [(value, option) for value, option in read if value is not None]
    if not kept:
        return None
    texts = tuple(text_of(place.scope.source, option.span) for _, option in kept)
    return core.Choice(tuple(value for value, _ in kept), texts, expression.span)


def _bare(  # noqa: PLR0911 - one return for each thing a word can be
    context: Context, path: syntax.Path, want: Want, place: Place
) -> core.Core | None:
    """What a name without dots means before the type's own reader is asked, if anything."""
    if len(path.names) != 1:
        return None
    name = path.names[0].text
    if name in place.scope.parameters:
        return _parameter(context, path, want, place)
    word = word_value(name, want)
    if word is not None:
        return core.Const(word.value, path.span)
    if context.definition(name, "let", owner=place.scope.owner) is not None:
        if want.type.name in FITS and not want.type.many:
            return None
        if not use_let(context, name, want):
            return None
        slot = f"let {name}"
        context.aliases.setdefault(place.slot, []).append(slot)
        return core.Reference(slot, path.span)
    return None


def _parameter(context: Context, path: syntax.Path, want: Want, place: Place) -> core.Core | None:
    slot = place.scope.parameters[path.names[0].text]
    if want.type.name in FITS and not want.type.many and want.type.name != "schedule":
        number = context.readers["number"](context, path, want, place)
        context.use(slot, want)
        return number
    context.use(slot, want)
    context.aliases.setdefault(place.slot, []).append(slot)
    return core.Reference(slot, path.span)


class Word:
    """The value that a word stands for."""

    __slots__ = ("value",)

    def __init__(self, value: bool | str | None) -> None:
        self.value = value


def word_value(name: str, want: Want) -> Word | None:
    """What a word means for a type, if it is one of its words."""
    if name == "none" and want.type.optional:
        return Word(None)
    if name in want.type.words:
        return Word(name)
    if want.type.name == "bool" and name in {"true", "false"}:
        return Word(name == "true")
    return None


def _list(context: Context, expression: syntax.Expr, want: Want, place: Place) -> core.Core | None:
    items = _items(expression)
    one = want.one()
    if items is None:
        value = context.read(expression, one, place)
        return None if value is None else core.ListValue((value,), expression.span)
    read = [context.read(item, one, place.at(f"{place.slot}#{i}")) for i, item in enumerate(items)]
    for i in range(len(items)):
        for entry in context.entries.get(f"{place.slot}#{i}", []):
            context.enter(place.slot, entry)
    return core.ListValue(tuple(item for item in read if item is not None), expression.span)


def _items(expression: syntax.Expr) -> tuple[syntax.Expr, ...] | None:
    if isinstance(expression, syntax.ListOf):
        return expression.items
    return expression.parts if isinstance(expression, syntax.Then) else None


def read_word(
    context: Context, expression: syntax.Expr, want: Want, place: Place
) -> core.Core | None:
    """A word of the type: the reader of `Literal` and `bool`."""
    words = list(want.type.words) or ["true", "false"]
    words += ["none"] if want.type.optional else []
    # Words that the language cannot spell are written as text, and so are those beside them.
    quoted = not all(one.isidentifier() for one in words)
    fits = "one of " + ", ".join(f'"{one}"' if quoted else one for one in words)
    if isinstance(expression, syntax.Text) and expression.value in words:
        if quoted:
            return core.Const(expression.value, expression.span)
        message = f"{want.what} takes {fits}, written without quotes"
        edit = Edit(expression.span, expression.value)
        context.report("E0401", message, expression.span, place.scope, hint=Hint("", edit))
        return None
    said = head(expression)
    if said is None or len(said[0].names) != 1:
        found = described(expression, place)
        context.report(
            "E0401", f"{want.what} takes {fits}, not {found}", expression.span, place.scope
        )
        return None
    name = said[0].names[0]
    if name.text in context.broken:
        return None
    hint = suggestion(name.text, name.span, [*words, *place.scope.parameters])
    message = f"{want.what} takes {fits}, not `{name.text}`"
    context.report("E0406", message, name.span, place.scope, hint=hint)
    return None


def read_curve(
    context: Context, expression: syntax.Expr, want: Want, place: Place
) -> core.Core | None:
    """The name of a recorded curve: any word, since stages may record what they like."""
    if isinstance(expression, syntax.Path) and len(expression.names) == 1:
        return core.Const(expression.names[0].text, expression.span)
    if isinstance(expression, syntax.Text):
        return core.Const(expression.value, expression.span)
    refuse(context, expression, want, place)
    return None


def _text(
    context: Context, text: syntax.Text, want: Want, place: Place
) -> core.FileValue | core.Const | None:
    known = None if want.info is None else want.info.known
    is_file = want.type.name == "file"
    if known is None or (is_file and "/" in text.value):
        if is_file:
            return core.FileValue(text.value, text.span, or_name=known is not None)
        return core.Const(text.value, text.span)
    if text.value in names(known):
        return core.Const(text.value, text.span)
    near = names(known).nearest(text.value)
    hint = NO_HINT
    if near is not None:
        hint = Hint(f'did you mean "{near}"?', Edit(text.span, f'"{near}"'))
    lines = [f"`lab models` lists what can be named, `lab models {known}` what {known} has"]
    lines += ["a folder is written with a slash: `./name`"] if is_file else []
    message = f'{known} has no "{text.value}"'
    context.report("E0413", message, text.span, place.scope, hint=hint, help_lines=lines)
    return None


def read_text(
    context: Context, expression: syntax.Expr, want: Want, place: Place
) -> core.Core | None:
    """Text in quotes: the reader of strings and files."""
    if isinstance(expression, syntax.Text):
        return _text(context, expression, want, place)
    if isinstance(expression, syntax.Path) and not is_known(
        context, expression.names[0].text, place
    ):
        text = text_of(place.scope.source, expression.span)
        near = suggestion(text, expression.span, want.type.words)
        quoted = Hint("text stands in quotes", Edit(expression.span, f'"{text}"'))
        words = f" or one of {', '.join(want.type.words)}" if want.type.words else ""
        message = f"{want.what} takes {called(want.type.name)}{words}"
        hint = near if near.edit else quoted
        context.report("E0401", message, expression.span, place.scope, hint=hint)
        return None
    refuse(context, expression, want, place)
    return None
