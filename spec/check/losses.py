"""Losses: components, sums of them, and schedules that scale them."""

from lab.spec import core, syntax
from lab.spec.check.components import read_component
from lab.spec.check.context import Context, Place, Scope, Want
from lab.spec.check.quantities import described
from lab.spec.check.schedules import SCHEDULE
from lab.spec.check.text import head, unwrapped


def read_loss(
    context: Context, expression: syntax.Expr, want: Want, place: Place
) -> core.Core | None:
    """A loss: components, sums of them, and schedules that scale them."""
    expression = unwrapped(expression)
    return _loss(context, expression, want, place, terms=[])


def _loss(
    context: Context, expression: syntax.Expr, want: Want, place: Place, *, terms: list[core.Core]
) -> core.Core | None:
    expression = unwrapped(expression)
    if isinstance(expression, syntax.Sign):
        inner = _loss(context, expression.operand, want, place, terms=terms)
        if inner is None or expression.op == "+":
            return inner
        return core.Arithmetic("*", core.Const(-1.0, expression.span), inner, expression.span)
    if not isinstance(expression, syntax.Binary):
        return _term(context, expression, want, place, terms=terms)
    if expression.op in ("+", "-"):
        left = _part(context, expression.left, want, place, terms=terms)
        right = _part(context, expression.right, want, place, terms=terms)
    else:
        left, right = _scaled(context, expression, want, place, terms=terms)
    if left is None or right is None:
        return None
    return core.Arithmetic(expression.op, left, right, expression.span)


def _part(
    context: Context, expression: syntax.Expr, want: Want, place: Place, *, terms: list[core.Core]
) -> core.Core | None:
    """One side of a sum, with slots of its own."""
    if isinstance(unwrapped(expression), syntax.Binary | syntax.Sign):
        return _loss(context, expression, want, place, terms=terms)
    return _own_slot(context, expression, want, place, terms=terms)


def _own_slot(
    context: Context, expression: syntax.Expr, want: Want, place: Place, *, terms: list[core.Core]
) -> core.Core | None:
    said = head(unwrapped(expression))
    name = said[0].names[-1].text if said else "term"
    slot = f"{place.slot}.{name}"
    if slot in context.entries:
        slot = f"{slot}#{len(terms)}"
    made = _term(context, expression, want, place.at(slot), terms=terms)
    for entry in context.entries.get(slot, []):
        context.enter(place.slot, entry)
    return made


def _scaled(
    context: Context, binary: syntax.Binary, want: Want, place: Place, *, terms: list[core.Core]
) -> tuple[core.Core | None, core.Core | None]:
    """The sides of a product or quotient: one is a loss, the other a schedule."""
    left_is, right_is = (is_loss(context, one, place) for one in (binary.left, binary.right))
    if left_is and right_is:
        context.report("E0411", "two losses cannot be multiplied", binary.span, place.scope)
        return None, None
    if not left_is and not right_is:
        message = f"{want.what} takes a loss, not {described(binary, place)}"
        context.report("E0411", message, binary.span, place.scope)
        return None, None
    if binary.op == "/" and right_is:
        context.report("E0411", "nothing can be divided by a loss", binary.span, place.scope)
        return None, None
    scale = Want(SCHEDULE, "the weight of a loss")
    weight = place.at(f"{place.slot}.weight#{len(terms)}")
    if left_is:
        left = _part(context, binary.left, want, place, terms=terms)
        return left, context.read(binary.right, scale, weight)
    return context.read(binary.left, scale, weight), _part(
        context, binary.right, want, place, terms=terms
    )


def is_loss(  # noqa: PLR0911 - one return for each form
    context: Context, expression: syntax.Expr, place: Place
) -> bool:
    """Whether an expression has the form of a loss."""
    expression = unwrapped(expression)
    match expression:
        case syntax.Binary(left=left, right=right):
            return is_loss(context, left, place) or is_loss(context, right, place)
        case syntax.Sign(operand=operand):
            return is_loss(context, operand, place)
        case syntax.Alternatives(options=options):
            return any(is_loss(context, option, place) for option in options)
        case syntax.Path() | syntax.Call():
            said = head(expression)
            name = said[0].names[0].text if said else ""
            if name in place.scope.parameters:
                return False
            let = context.definition(name, "let")
            if let is not None:
                return is_loss(context, let.node.value, Place(Scope(let.source), ""))
            known = context.catalog.get("loss", name) is not None
            return known or (not context.catalog_has(name) and context.definition(name) is None)
        case _:
            return False


def _term(
    context: Context, expression: syntax.Expr, want: Want, place: Place, *, terms: list[core.Core]
) -> core.Core | None:
    expression = unwrapped(expression)
    if not isinstance(expression, syntax.Path | syntax.Call):
        if isinstance(expression, syntax.Alternatives):
            made = context.read(expression, want, place)
        else:
            message = f"{want.what} takes a loss, not {described(expression, place)}"
            context.report("E0411", message, expression.span, place.scope)
            return None
    elif isinstance(expression, syntax.Path) and _is_bare(context, expression, place):
        made = context.read(expression, want, place)
    else:
        made = read_component(context, expression, want, place)
    if made is not None:
        terms.append(made)
    return made


def _is_bare(context: Context, path: syntax.Path, place: Place) -> bool:
    name = path.names[0].text
    return name in place.scope.parameters or context.definition(name, "let") is not None
