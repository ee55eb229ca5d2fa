"""Methods: pipelines of stages, and declared methods with what a call changes in them."""

from lab.spec import core, syntax
from lab.spec.check.arguments import bind, formals, refuse_rest
from lab.spec.check.arms import arm, best_of, stage_names
from lab.spec.check.components import build, members_of, read_bound, take_mapped
from lab.spec.check.context import Context, Declared, Entry, Place, Want
from lab.spec.check.dimensions import called
from lab.spec.check.quantities import described
from lab.spec.check.text import head, text_of, unwrapped
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
    best = best_of(context, path)
    if best is not None:
        return best
    signature = context.catalog.get("stage", name)
    if declared is None and signature is not None and len(path.names) == 1:
        place = context.apart(place, name)
        made = build(context, signature, arguments, span=span, place=place)
        context.enter_stage(place, context.entries[place.slot][-1])
        return made
    signature = context.catalog.get("reparameterization", name)
    if declared is None and signature is not None and len(path.names) == 1:
        place = context.apart(place, name)
        return _short_stage(context, signature, arguments, span=span, place=place)
    _refuse(context, path, declared, place)
    return None


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


def _short_stage(
    context: Context,
    signature: Signature,
    arguments: tuple[syntax.Argument, ...],
    *,
    span: Span,
    place: Place,
) -> core.Core | None:
    """`inwf(width: 64, for: D)`, short for `fit(through: inwf(width: 64), for: D)`."""
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
    members = members_of(signature, through.slot)
    others_in = members_of(stage, place.slot).items()
    members |= {n: one for n, one in others_in if n not in names and n != "through"}
    context.enter(
        through.slot, Entry(signature.name, through.slot, members_of(signature, through.slot))
    )
    context.enter_stage(place, Entry(signature.name, place.slot, members))
    made = core.Build(signature.kind, signature.name, inner, through.slot, span)
    outer = {name: value for name, value in values.items() if name not in names}
    return core.Build("stage", stage.name, {"through": made, **outer}, place.slot, span)
