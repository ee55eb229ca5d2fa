"""Methods: pipelines of stages, and declared methods with what a call changes in them."""

from dataclasses import replace

from lab.spec import core, syntax
from lab.spec.check.arguments import Formal, bind, formals, refuse_rest
from lab.spec.check.components import build, members_of, read_bound, take_mapped
from lab.spec.check.context import (
    Context,
    Declared,
    Entry,
    Member,
    Place,
    Want,
    head,
    suggestion,
    text_of,
    unwrapped,
)
from lab.spec.check.dimensions import called
from lab.spec.check.paths import inside_method
from lab.spec.check.quantities import described
from lab.spec.check.schedules import declared_formals
from lab.spec.signature import Signature, Type
from lab.spec.source import Span

STAGE = Want(Type("stage"), "a pipeline")
ARM = Want(Type("arm"), "`method`")


def read_method(context: Context, expression: syntax.Expr, place: Place) -> core.Core | None:
    """The value of a method's definition; `place.slot` is the method's name."""
    expression = unwrapped(expression)
    if isinstance(expression, syntax.Then):
        return _pipeline(context, expression, place)
    if isinstance(expression, syntax.Alternatives):
        read = [(read_method(context, option, place), option) for option in expression.options]
        return _choice(context, read, expression.span, place)
    return _part(context, expression, place.at(f"{place.slot}#0"))


def read_stage(
    context: Context, expression: syntax.Expr, want: Want, place: Place
) -> core.Core | None:
    """One stage, or several in brackets, at a slot."""
    del want
    return _part(context, expression, place)


def _pipeline(context: Context, then: syntax.Then, place: Place) -> core.Core:
    read = [
        _part(context, part, place.at(f"{place.slot}#{i}")) for i, part in enumerate(then.parts)
    ]
    return core.Pipeline(tuple(part for part in read if part is not None), then.span)


def _choice(
    context: Context,
    read: list[tuple[core.Core | None, syntax.Expr]],
    span: Span,
    place: Place,
) -> core.Core | None:
    kept = [(value, option) for value, option in read if value is not None]
    if not kept:
        return None
    texts = tuple(text_of(place.scope.source, option.span) for _, option in kept)
    return core.Choice(tuple(value for value, _ in kept), texts, span)


def _part(context: Context, expression: syntax.Expr, place: Place) -> core.Core | None:
    expression = unwrapped(expression)
    if isinstance(expression, syntax.Then):
        return _pipeline(context, expression, place)
    if isinstance(expression, syntax.Alternatives):
        read = [(_part(context, option, place), option) for option in expression.options]
        return _choice(context, read, expression.span, place)
    said = head(expression)
    if said is None:
        message = f"a method is made of stages, and {described(expression, place)} is none"
        context.report("E0401", message, expression.span, place.scope)
        return None
    return _stage(context, *said, span=expression.span, place=place)


def _stage(
    context: Context,
    path: syntax.Path,
    arguments: tuple[syntax.Argument, ...],
    *,
    span: Span,
    place: Place,
) -> core.Core | None:
    name = path.names[0].text
    declared = context.definition(name, owner=place.scope.owner)
    if declared is not None and declared.kind == "method" and len(path.names) == 1:
        return arm(context, declared, arguments, span=span, place=place)
    if name == "none" and declared is None:
        return core.Const(None, span)
    best = _best(context, path)
    if best is not None:
        return best
    signature = context.catalog.get("stage", name)
    if declared is None and signature is not None and len(path.names) == 1:
        made = build(context, signature, arguments, span=span, place=place)
        _register(context, place, context.entries[place.slot][-1])
        return made
    signature = context.catalog.get("reparameterization", name)
    if declared is None and signature is not None and len(path.names) == 1:
        return _short_stage(context, signature, arguments, span=span, place=place)
    _refuse(context, path, declared, place)
    return None


def _register(context: Context, place: Place, entry: Entry) -> None:
    if place.scope.inside is not None:
        context.enter(f"method {place.scope.inside}", entry)


def _refuse(context: Context, path: syntax.Path, declared: Declared | None, place: Place) -> None:
    name = path.names[0]
    if name.text == place.scope.owner:
        message = f"`{name.text}` depends on itself"
        context.report("E0203", message, name.span, place.scope)
        return
    if name.text in place.scope.parameters or declared is not None:
        what = "a parameter" if declared is None else called(declared.kind)
        message = f"a method is made of stages, and `{name.text}` is {what}"
        context.report("E0205", message, name.span, place.scope)
        return
    kinds = [kind for kind, known in context.catalog.signatures if known == name.text]
    if kinds:
        message = f"a method is made of stages, and `{name.text}` is {called(kinds[0])}"
        context.report("E0401", message, name.span, place.scope)
        return
    context.unknown(
        name, place.scope, what="unknown method or stage", candidates=stage_names(context)
    )


def stage_names(context: Context) -> list[str]:
    """Everything that can stand in a pipeline."""
    short = [
        one.name
        for one in context.catalog.signatures.values()
        if one.kind == "reparameterization" and one.stage
    ]
    return [*context.names("method"), *context.catalog.names("stage"), *sorted(short), "none"]


def _short_stage(
    context: Context,
    signature: Signature,
    arguments: tuple[syntax.Argument, ...],
    *,
    span: Span,
    place: Place,
) -> core.Core | None:
    """`inwf(width: 64, for: 2k steps)`, short for `fit(through: inwf(width: 64), for: 2k steps)`."""
    stage = context.catalog.get("stage", signature.stage or "")
    if stage is None:
        message = f"`{signature.name}` is short for no stage"
        lines = [f"write `train(through: {signature.name}, …)`"]
        context.report("E0401", message, span, place.scope, help_lines=lines)
        return None
    own = formals(signature, below="through.")
    names = {one.name for one in own}
    others = [one for one in formals(stage) if one.name not in names and one.name != "through"]
    parameters = [*own, *others]
    bound = bind(context, arguments, parameters, callee=signature.name, span=span, place=place)
    take_mapped(bound, parameters)
    refuse_rest(
        context, bound, [one.name for one in parameters], callee=signature.name, place=place
    )
    values = read_bound(context, bound, place)
    inner = {name: value for name, value in values.items() if name in names}
    through = place.child("through")
    members = members_of(stage, place.slot) | members_of(signature, through.slot)
    if "through" not in names:
        members.pop("through", None)
    context.enter(
        through.slot, Entry(signature.name, through.slot, members_of(signature, through.slot))
    )
    _register(context, place, Entry(signature.name, place.slot, members))
    made = core.Build(signature.kind, signature.name, inner, through.slot, span)
    outer = {name: value for name, value in values.items() if name not in names}
    return core.Build("stage", stage.name, {"through": made, **outer}, place.slot, span)


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
    values: dict[str, core.Core] = {}
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
        if value is not None and _is_new(context, overrides, found, argument, place):
            overrides[found.slot] = value
    if inside and members:
        _register(context, place, Entry(declared.name, place.slot, members))
    return core.Arm(declared.name, values, overrides, span, places if inside else {})


def _is_new(
    context: Context,
    overrides: dict[str, core.Core],
    found: Member,
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
    best = _best(context, path)
    if best is not None:
        return best
    declared = context.definition(name.text)
    if declared is not None and declared.kind == "method" and len(path.names) == 1:
        outside = replace(place, scope=replace(place.scope, inside=None))
        return arm(context, declared, arguments, span=expression.span, place=outside)
    _refuse_arm(context, path, declared, want, place)
    return None


def _best(context: Context, path: syntax.Path) -> core.Core | None:
    if len(path.names) == 2 and path.names[1].text == "best":
        search = path.names[0].text
        if search in context.searches or search in context.broken:
            return core.Arm(f"{search}.best", {}, {}, path.span)
    return None


def _refuse_arm(
    context: Context, path: syntax.Path, declared: Declared | None, want: Want, place: Place
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
    else:
        context.unknown(name, place.scope, what="unknown method", candidates=methods)
