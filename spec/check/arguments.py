"""Arguments of a call against the parameters of what is called."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial

from lab.spec import core, syntax
from lab.spec.check.context import NO_HINT, Context, Hint, Place, Want, suggestion
from lab.spec.check.dimensions import called
from lab.spec.check.later import Missing
from lab.spec.check.text import listed, text_of, unwrapped
from lab.spec.diagnostics import Edit, Label
from lab.spec.records import made_by, record
from lab.spec.signature import ParameterInfo, Signature
from lab.spec.source import Span


@record
class Formal:
    """A parameter as a call sees it. `slot` is where its value stands, below the call's."""

    name: str
    want: Want
    slot: str
    required: bool = False
    positional: bool = False


@record
class Given:
    """An argument and the parameter that takes it; `name` differs from it only for mappings."""

    name: str
    formal: Formal
    value: syntax.Expr


@record(frozen=False)
class Bound:
    """Arguments by parameter; `rest` are those with a name that no parameter has."""

    given: dict[str, Given] = made_by(default_factory=dict[str, Given])
    rest: list[syntax.Argument] = made_by(default_factory=list[syntax.Argument])


def formals(signature: Signature, *, below: str = "") -> list[Formal]:
    """The parameters of a component."""
    return [
        Formal(info.name, wanted(info), below + info.name, info.required, info.positional)
        for info in signature.parameters
    ]


def wanted(info: ParameterInfo) -> Want:
    """What a parameter is read as."""
    return Want(info.type, f"`{info.name}`", info)


def bind(
    context: Context,
    arguments: Sequence[syntax.Argument],
    parameters: Sequence[Formal],
    *,
    callee: str,
    span: Span,
    place: Place,
) -> Bound:
    """Arguments by the parameters that take them, reporting those that none takes."""
    context.watch.binds(callee, parameters, span, place)
    bound = Bound()
    by_name = {one.name: one for one in parameters if not one.want.type.mapping}
    waiting = [one for one in parameters if one.positional]
    for argument in arguments:
        if argument.name is None:
            for given in _positional(
                context, argument, waiting, callee=callee, place=place, formals=parameters
            ):
                _add(context, bound, given, argument=argument, place=place)
            continue
        name = argument.name
        text = name.value if isinstance(name, syntax.Text) else str(name)
        if text in by_name and isinstance(name, syntax.Path):
            given = Given(text, by_name[text], argument.value)
            _add(context, bound, given, argument=argument, place=place)
        else:
            bound.rest.append(argument)
    _report_missing(context, bound, by_name, callee=callee, span=span, place=place)
    return bound


def _positional(
    context: Context,
    argument: syntax.Argument,
    waiting: list[Formal],
    *,
    callee: str,
    place: Place,
    formals: Sequence[Formal],
) -> Iterator[Given]:
    """The parameters that an argument without a name fills: two for `a -> b`."""
    value = unwrapped(argument.value)
    if isinstance(value, syntax.Arrow) and [one.name for one in waiting[:2]] == ["start", "stop"]:
        start, stop = waiting.pop(0), waiting.pop(0)
        yield Given(start.name, start, value.start)
        yield Given(stop.name, stop, value.stop)
        return
    if waiting:
        formal = waiting[0]
        if not formal.want.type.many:
            waiting.pop(0)
        yield Given(formal.name, formal, argument.value)
        return
    _refuse_positional(context, argument, callee=callee, place=place, formals=formals)


def _refuse_positional(
    context: Context,
    argument: syntax.Argument,
    *,
    callee: str,
    place: Place,
    formals: Sequence[Formal],
) -> None:
    text = text_of(place.scope.source, argument.span)
    names = [one.name for one in formals if not one.want.type.mapping]
    if not names:
        context.report("E0304", f"`{callee}` takes no arguments", argument.span, place.scope)
        return
    hint = NO_HINT
    if len(names) == 1:
        hint = Hint(
            f"did you mean `{names[0]}: {text}`?", Edit(argument.span, f"{names[0]}: {text}")
        )
    message = f"`{callee}` takes its arguments by name, and `{text}` has none"
    lines = [f"`{callee}` takes {listed(names)}"]
    context.report("E0303", message, argument.span, place.scope, hint=hint, help_lines=lines)


def _add(
    context: Context, bound: Bound, given: Given, *, argument: syntax.Argument, place: Place
) -> None:
    known = bound.given.get(given.name)
    if known is None:
        bound.given[given.name] = given
        return
    if known.formal.want.type.many and argument.name is None:
        both = syntax.ListOf((*_items(known.value), given.value), argument.span)
        bound.given[given.name] = Given(given.name, given.formal, both)
        return
    where = argument.span if argument.name is None else argument.name.span
    first = Label(known.value.span, "first here")
    message = f"`{given.name}` is given twice"
    context.report("E0302", message, where, place.scope, also=[first])


def _items(value: syntax.Expr) -> tuple[syntax.Expr, ...]:
    return value.items if isinstance(value, syntax.ListOf) else (value,)


def _report_missing(
    context: Context,
    bound: Bound,
    by_name: Mapping[str, Formal],
    *,
    callee: str,
    span: Span,
    place: Place,
) -> None:
    absent = [one for one in by_name.values() if one.required and one.name not in bound.given]
    near = _misspelled(bound, absent)
    for formal in absent:
        if formal.name not in near:
            doc = formal.want.info.doc if formal.want.info else ""
            lines = [f"`{formal.name}` is {doc or called(formal.want.type.name)}"]
            message = f"`{callee}` needs a value for `{formal.name}`"
            slots = {f"{place.slot}.{formal.slot}", f"{callee}({formal.name})"}
            report = partial(context.report, "E0301", message, span, place.scope, help_lines=lines)
            if not context.is_muted:
                context.later.missing.append(Missing(frozenset(slots), report))


def missing(
    context: Context, bound: Bound, parameters: Sequence[Formal], *, callee: str, span: Span
) -> dict[str, core.Core]:
    """Values to go on with for what a call of a definition should have given and did not."""
    names = [one.name for one in parameters if one.required and one.name not in bound.given]
    values: dict[str, core.Core] = {name: core.Const(0, span) for name in names}
    for name in names:
        context.later.stand_ins.append((f"{callee}({name})", values, name))
    return values


def _misspelled(bound: Bound, missing: Sequence[Formal]) -> set[str]:
    """Missing parameters that an argument with an unknown name probably means."""
    names = [one.name for one in missing]
    found: set[str] = set()
    for argument in bound.rest:
        word = str(argument.name) if isinstance(argument.name, syntax.Path) else ""
        hint = suggestion(word, argument.span, names)
        if hint.edit is not None:
            found.add(hint.edit.replacement)
    return found


def refuse_rest(
    context: Context,
    bound: Bound,
    names: Sequence[str],
    *,
    callee: str,
    place: Place,
) -> None:
    """Report the arguments that no parameter takes."""
    for argument in bound.rest:
        name = argument.name
        if name is None:
            continue
        text = name.value if isinstance(name, syntax.Text) else str(name)
        if not names:
            context.report("E0304", f"`{callee}` takes no arguments", name.span, place.scope)
            continue
        free = [one for one in names if one not in bound.given]
        hint = suggestion(text, name.span, free or names)
        if hint.edit is None:
            hint = suggestion(text, name.span, names)
        message = f"`{callee}` has no parameter `{text}`"
        lines = [f"`{callee}` takes {listed(names)}"]
        context.report("E0312", message, name.span, place.scope, hint=hint, help_lines=lines)
