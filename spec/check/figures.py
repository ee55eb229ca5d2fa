"""Figures of a report: which metrics they show, over which paths."""

from collections.abc import Iterator, Mapping

from lab.spec import core, syntax
from lab.spec.check.arguments import Given, bind, formals, refuse_rest
from lab.spec.check.components import take_mapped
from lab.spec.check.context import Context, Place, Scope, Want
from lab.spec.check.dimensions import name_of
from lab.spec.check.items import ITEMS
from lab.spec.check.metrics import Metered, metric
from lab.spec.check.paths import ROOTS, axis_path, resolve
from lab.spec.check.quantities import described
from lab.spec.check.text import head, text_of, unwrapped
from lab.spec.records import record
from lab.spec.signature import Type
from lab.spec.source import Source

METRIC = Want(Type("metric"), "a figure")


def read_report(context: Context, report: syntax.Report, source: Source) -> Iterator[core.Figure]:
    """The figures of a report that could be read."""
    for i, item in enumerate(report.items):
        figure = _figure(context, unwrapped(item), Place(Scope(source, "report"), f"report#{i}"))
        if figure is not None:
            yield figure


def _figure(context: Context, expression: syntax.Expr, place: Place) -> core.Figure | None:
    said = head(expression)
    if said is None or len(said[0].names) != 1:
        message = f"a report is made of figures, and {described(expression, place)} is none"
        context.report("E0606", message, expression.span, place.scope)
        return None
    path, arguments = said
    name = path.names[0]
    signature = context.catalog.get("figure", name.text)
    if signature is None:
        figures = context.catalog.names("figure")
        what = "unknown figure"
        lines = [f"figures are {', '.join(figures)}"]
        context.unknown(name, place.scope, what=what, candidates=figures, help_lines=lines)
        return None
    parameters = formals(signature)
    bound = bind(
        context, arguments, parameters, callee=name.text, span=expression.span, place=place
    )
    take_mapped(bound, parameters)
    refuse_rest(context, bound, [one.name for one in parameters], callee=name.text, place=place)
    parts = _Parts({}, {}, {})
    unnamed = {id(one.value) for one in arguments if one.name is None}
    for given in bound.given.values():
        _argument(context, given, parts, place, unnamed=_is_unnamed(given.value, unnamed))
    text = text_of(place.scope.source, expression.span)
    return core.Figure(name.text, parts.metrics, parts.paths, parts.options, text, expression.span)


@record
class _Parts:
    """Arguments of a figure, sorted by what they are."""

    metrics: dict[str, tuple[core.Column, ...]]
    paths: dict[str, tuple[core.AxisPath, ...]]
    options: dict[str, core.Core]


def _is_unnamed(value: syntax.Expr, unnamed: set[int]) -> bool:
    if isinstance(value, syntax.ListOf) and id(value) not in unnamed:
        return any(id(item) in unnamed for item in value.items)
    return id(value) in unnamed


def _argument(
    context: Context, given: Given, parts: _Parts, place: Place, *, unnamed: bool
) -> None:
    kind = given.formal.want.type.name
    if kind == "metric":
        key = "" if unnamed else given.name
        if isinstance(unwrapped(given.value), syntax.ListOf) and not given.formal.want.type.many:
            what = given.formal.want.what
            message = f"{what} takes one metric, not {described(given.value, place)}"
            context.report("E0401", message, given.value.span, place.scope)
            return
        parts.metrics[key] = tuple(_columns(context, given.value, place))
    elif kind == "path":
        parts.paths[given.name] = tuple(_paths(context, given.value, place))
    else:
        value = context.read(given.value, given.formal.want, place.child(given.name))
        if value is not None:
            parts.options[given.name] = value


def _each(expression: syntax.Expr) -> tuple[syntax.Expr, ...]:
    expression = unwrapped(expression)
    return expression.items if isinstance(expression, syntax.ListOf) else (expression,)


def _columns(context: Context, expression: syntax.Expr, place: Place) -> Iterator[core.Column]:
    inside = Place(
        Scope(place.scope.source, place.scope.subject, measured=True), f"{place.slot}.column"
    )
    for item in _each(expression):
        found = metric(context, item, METRIC, inside)
        if found is not None and isinstance(found.core, core.Const):
            message = f"a figure shows measurements, not {described(item, place)}"
            context.report("E0401", message, item.span, place.scope)
        elif found is not None:
            yield from _alternatives(context, found, text_of(place.scope.source, item.span))


def _alternatives(context: Context, found: Metered, text: str) -> Iterator[core.Column]:
    """A column for each alternative among a metric's arguments, written or by default."""
    unit = name_of(found.unit)
    call = found.core
    choice = None
    if isinstance(call, core.MetricCall | core.Measure):
        choice = _choice(context, call)
    if choice is None or not isinstance(call, core.MetricCall | core.Measure):
        yield core.Column(text, call, unit, found.better)
        return
    name, value = choice
    for option, written in zip(value.options, value.texts, strict=True):
        arguments: Mapping[str, core.Core] = {**call.arguments, name: option}
        label = _label(call, name, written, text)
        if isinstance(call, core.MetricCall):
            made = core.MetricCall(call.name, call.arm, arguments, call.span, call.field)
        else:
            made = core.Measure(
                call.measurement, call.arm, arguments, call.span, call.slot, call.field
            )
        yield core.Column(label, made, unit, found.better)


def _label(call: core.MetricCall | core.Measure, name: str, written: str, text: str) -> str:
    callee = call.name if isinstance(call, core.MetricCall) else call.measurement
    return (
        f"{callee}({name}: {written})"
        if "(" not in text or f"{name}:" in text
        else (f"{text[:-1]}, {name}: {written})")
    )


def _choice(
    context: Context, call: core.MetricCall | core.Measure
) -> tuple[str, core.Choice] | None:
    values = dict(call.arguments)
    if isinstance(call, core.MetricCall):
        made = context.declared[call.name].made
        if made is not None:
            values = {**_written(made.parameters), **values}
    for name, value in values.items():
        if isinstance(value, core.Choice):
            return name, value
        listed = _listed(value)
        if listed is not None:
            return name, listed
    return None


def _written(defaults: Mapping[str, core.Core | None]) -> dict[str, core.Core]:
    return {name: value for name, value in defaults.items() if value is not None}


def _listed(value: core.Core) -> core.Choice | None:
    """The members of a whole-numbered range with constant ends."""
    if not isinstance(value, core.RangeChoice) or not value.whole or value.points:
        return None
    ends = [one.value for one in (value.start, value.stop, value.by) if isinstance(one, core.Const)]
    if len(ends) != 3 or not all(isinstance(end, int | float) for end in ends):
        return None
    start, stop, by = (int(end) for end in ends if isinstance(end, int | float))
    members = range(start, stop + 1, max(by, 1))
    options = tuple(core.Const(member, value.span) for member in members)
    return core.Choice(options, tuple(str(member) for member in members), value.span)


def _paths(context: Context, expression: syntax.Expr, place: Place) -> Iterator[core.AxisPath]:
    for item in map(unwrapped, _each(expression)):
        if not isinstance(item, syntax.Path):
            message = f"a path such as `method` is asked here, not {described(item, place)}"
            context.report("E0606", message, item.span, place.scope)
            continue
        found = path_of(context, item, place.scope)
        if found is not None:
            yield found


def read_path(
    context: Context, expression: syntax.Expr, want: Want, place: Place
) -> core.Core | None:
    """A path as an argument."""
    expression = unwrapped(expression)
    if not isinstance(expression, syntax.Path):
        message = f"{want.what} takes a path such as `method`, not {described(expression, place)}"
        context.report("E0401", message, expression.span, place.scope)
        return None
    found = path_of(context, expression, place.scope)
    return None if found is None else core.PathValue(found.text, found.slots, found.span, found.of)


def path_of(context: Context, path: syntax.Path, scope: Scope) -> core.AxisPath | None:
    """A path in a figure: of a point, an item, the replicate, or a metric's parameter."""
    text = str(path)
    declared = context.definition(text, "method", "metric")
    if text in ITEMS or text in context.seeds or text in context.searches or declared:
        return core.AxisPath(text, (), path.span)
    slots = tuple(
        f"{name}({text})"
        for name in context.names("metric")
        if any(one.name.text == text for one in context.declared[name].node.parameters)
    )
    if slots and context.definition(text) is None:
        return core.AxisPath(text, slots, path.span)
    if len(path.names) == 1 and context.definition(text) is None and text not in ROOTS:
        known = [*ITEMS, *context.seeds, *context.searches, *context.declared, *ROOTS]
        context.unknown(path.names[0], scope, what="unknown name", candidates=sorted(known))
        return None
    members = resolve(context, path, scope)
    return axis_path(path, members) if members else None
