"""Arms: declared methods, with what a call changes in them."""

from lab.spec import core, syntax
from lab.spec.check.arguments import Formal, bind, missing
from lab.spec.check.context import (
    NO_HINT,
    Context,
    Declared,
    Entry,
    Member,
    Place,
    Want,
    suggestion,
)
from lab.spec.check.dimensions import called
from lab.spec.check.paths import inside_method
from lab.spec.check.quantities import described
from lab.spec.check.schedules import declared_formals
from lab.spec.check.text import head, unwrapped
from lab.spec.records import replaced
from lab.spec.source import Span


def arm(
    context: Context,
    declared: Declared,
    arguments: tuple[syntax.Argument, ...],
    *,
    span: Span,
    place: Place,
) -> core.Core | None:
    """A declared method, with values for its parameters and for what is inside it."""
    if context.define(declared) is None:
        return None
    parameters = declared_formals(declared)
    bound = bind(context, arguments, parameters, callee=declared.name, span=span, place=place)
    inside = place.scope.inside is not None
    members: dict[str, Member] = {}
    places: dict[str, str] = {}
    values = missing(context, bound, parameters, callee=declared.name, span=span)
    overrides: dict[str, core.Core] = {}
    for name, given in bound.given.items():
        slot = f"{place.slot}.{name}" if inside else f"{declared.name}({name})"
        members[name] = Member(slot, given.formal.want)
        places[name] = slot
        value = context.read(given.value, given.formal.want, place.at(slot))
        if value is not None:
            values[name] = value
    for argument in bound.rest:
        found = _inside(context, declared, argument, parameters, place=place)
        if found is None:
            continue
        text = str(argument.name)
        slot = f"{place.slot}.{text}" if inside else found.slot
        members[text] = Member(slot, found.want)
        places[found.slot] = slot
        value = context.read(argument.value, found.want, place.at(slot))
        if value is not None and _is_new(context, overrides, found, argument=argument, place=place):
            overrides[found.slot] = value
    if inside and members:
        context.enter_stage(place, Entry(declared.name, place.slot, members))
    return core.Arm(declared.name, values, overrides, span, places if inside else {})


def _is_new(
    context: Context,
    overrides: dict[str, core.Core],
    found: Member,
    *,
    argument: syntax.Argument,
    place: Place,
) -> bool:
    name = argument.span if argument.name is None else argument.name.span
    for slot in overrides:
        if slot == found.slot:
            context.report("E0302", f"{found.want.what} is given twice", name, place.scope)
            return False
        if slot.startswith(f"{found.slot}.") or found.slot.startswith(f"{slot}."):
            message = f"{found.want.what} and something inside it or around it are both set"
            context.report("E0503", message, name, place.scope)
            return False
    return True


def _inside(
    context: Context,
    declared: Declared,
    argument: syntax.Argument,
    parameters: list[Formal],
    *,
    place: Place,
) -> Member | None:
    """The place in a method's definition that a named argument of its call sets."""
    if not isinstance(argument.name, syntax.Path):
        if argument.name is not None:
            message = f"`{declared.name}` has no parameter `{argument.name.value}`"
            context.report("E0312", message, argument.name.span, place.scope)
        return None
    names = [one.name for one in parameters]
    return inside_method(context, declared, argument.name, parameters=names, scope=place.scope)


def read_arm(
    context: Context, expression: syntax.Expr, want: Want, place: Place
) -> core.Core | None:
    """An arm: a declared method, `method` in a metric, or the winner of a search."""
    expression = unwrapped(expression)
    said = head(expression)
    if said is None:
        message = f"{want.what} takes a method, not {described(expression, place)}"
        context.report("E0401", message, expression.span, place.scope)
        return None
    path, arguments = said
    name = path.names[0]
    if name.text == "method" and len(path.names) == 1 and place.scope.measured:
        return core.TheMethod(expression.span)
    best = best_of(context, path)
    if best is not None:
        return best
    declared = context.definition(name.text)
    if declared is not None and declared.kind == "method" and len(path.names) == 1:
        outside = replaced(place, scope=replaced(place.scope, inside=None))
        return arm(context, declared, arguments, span=expression.span, place=outside)
    _refuse_arm(context, path, declared, want=want, place=place)
    return None


def best_of(context: Context, path: syntax.Path) -> core.Core | None:
    """`tune.best`: the winner of a search."""
    if len(path.names) == 2 and path.names[1].text == "best":
        search = path.names[0].text
        if search in context.searches or search in context.broken:
            return core.Arm(f"{search}.best", {}, {}, path.span)
    return None


def stage_names(context: Context) -> list[str]:
    """Everything that can stand in a pipeline."""
    short = [
        one.name
        for one in context.catalog.signatures.values()
        if one.kind == "reparameterization" and one.stage
    ]
    return [*context.names("method"), *context.catalog.names("stage"), *sorted(short), "none"]


def _refuse_arm(
    context: Context, path: syntax.Path, declared: Declared | None, *, want: Want, place: Place
) -> None:
    name = path.names[0]
    methods = context.names("method")
    stages = set(stage_names(context)) - set(methods)
    if declared is None and name.text in stages:
        hint = suggestion(name.text, name.span, methods)
        lines = [f"declare it: `method name = {name.text}`"]
        message = f"{want.what} takes a declared method, and `{name.text}` is a stage"
        context.report("E0401", message, path.span, place.scope, hint=hint, help_lines=lines)
    elif name.text == "method":
        message = "`method` is the arm that a metric measures, and here is none: name one"
        context.report("E0401", message, path.span, place.scope)
    elif declared is not None or name.text in {"model", "data"}:
        what = called(declared.kind) if declared is not None else "none"
        message = f"{want.what} takes a method, and `{name.text}` is {what}"
        context.report("E0401", message, path.span, place.scope)
    elif name.text in context.searches:
        last = path.names[-1]
        message = f"the arm that the search `{name.text}` makes is `{name.text}.best`"
        hint = suggestion(last.text, last.span, ["best"]) if len(path.names) > 1 else NO_HINT
        context.report("E0501", message, path.span, place.scope, hint=hint)
    else:
        candidates = [*methods, *context.searches, *(["method"] if place.scope.measured else [])]
        context.unknown(name, place.scope, what="unknown method", candidates=candidates)
