"""Conditions of filters, `where` and figures: comparisons of what a point has at its paths."""

from typing import Literal, cast

from lab.spec import core, syntax
from lab.spec.check.context import Context, Member, Place, Want
from lab.spec.check.dimensions import FITS, called
from lab.spec.check.metrics import read_metric
from lab.spec.check.paths import ROOTS, owners_of, resolve
from lab.spec.check.quantities import described
from lab.spec.check.text import head, unwrapped
from lab.spec.records import replaced
from lab.spec.signature import Type

ORDERED = ("<", "<=", ">", ">=")


def read_condition(
    context: Context, expression: syntax.Expr, want: Want, place: Place
) -> core.Core | None:
    """A condition; None after a finding."""
    expression = unwrapped(expression)
    match expression:
        case syntax.Logic(op=op, operands=operands):
            read = [read_condition(context, one, want, place) for one in operands]
            kept = tuple(one for one in read if one is not None)
            return core.Logical(op, kept, expression.span) if kept else None
        case syntax.Not(operand=operand):
            inner = read_condition(context, operand, want, place)
            return None if inner is None else core.Logical("not", (inner,), expression.span)
        case syntax.Comparison():
            return _comparison(context, expression, place)
        case syntax.Path():
            return _truth(context, expression, place)
        case _:
            message = f"a condition compares, and {described(expression, place)} does not"
            context.report("E0505", message, expression.span, place.scope)
            return None


def _truth(context: Context, path: syntax.Path, place: Place) -> core.Core | None:
    members = resolve(context, path, place.scope)
    if not members:
        return None
    if members[0].want.type.name != "bool":
        message = f"`{path}` is neither true nor false: compare it with something"
        context.report("E0505", message, path.span, place.scope)
        return None
    return _path_value(path, members)


def _path_value(path: syntax.Path, members: list[Member]) -> core.PathValue:
    slots = tuple(one.slot for one in members)
    return core.PathValue(str(path), slots, path.span, owners_of(members))


def _comparison(context: Context, comparison: syntax.Comparison, place: Place) -> core.Core | None:
    left, right = unwrapped(comparison.left), unwrapped(comparison.right)
    if not _names_point(context, left) and not _names_point(context, right):
        return _measured(context, comparison, place)
    if isinstance(left, syntax.Path) and _names_point(context, left):
        return _against(context, comparison, left, other=right, place=place)
    if isinstance(right, syntax.Path) and _is_alone(left) and comparison.op != "in":
        turned = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}.get(comparison.op, comparison.op)
        flipped = replaced(comparison, op=cast(Literal["<"], turned), left=right, right=left)
        return _against(context, flipped, right, other=left, place=place)
    sides = (_operand(context, left, place), _operand(context, right, place))
    if sides[0] is None or sides[1] is None:
        return None
    return core.Compare(comparison.op, sides[0], sides[1], comparison.span)


def _is_alone(expression: syntax.Expr) -> bool:
    return not isinstance(expression, syntax.Binary | syntax.Sign)


def _names_point(context: Context, expression: syntax.Expr) -> bool:
    """Whether an expression mentions a path of the point rather than a metric."""
    expression = unwrapped(expression)
    match expression:
        case syntax.Path(names=names):
            head_name = names[0].text
            declared = context.definition(head_name)
            if head_name in ROOTS or head_name in context.broken:
                return True
            if declared is None:
                return context.catalog.get("measurement", head_name) is None
            return declared.kind != "metric"
        case syntax.Binary(left=left, right=right):
            return _names_point(context, left) or _names_point(context, right)
        case syntax.Sign(operand=operand):
            return _names_point(context, operand)
        case _:
            return False


def _measured(context: Context, comparison: syntax.Comparison, place: Place) -> core.Core | None:
    """A comparison of metrics."""
    want = Want(Type("metric"), "a condition")
    left = read_metric(context, comparison.left, want, place)
    right = read_metric(context, comparison.right, want, place)
    if left is None or right is None:
        return None
    return core.Compare(comparison.op, left, right, comparison.span)


def _against(
    context: Context,
    comparison: syntax.Comparison,
    path: syntax.Path,
    *,
    other: syntax.Expr,
    place: Place,
) -> core.Core | None:
    """A path compared with a value of its type."""
    members = resolve(context, path, place.scope)
    if not members:
        return None
    want = members[0].want
    if comparison.op in ORDERED and want.type.name not in FITS:
        message = f"`{path}` is {called(want.type.name)}, which has no order"
        context.report("E0505", message, comparison.span, place.scope)
        return None
    value = _value(context, comparison, other, want=want, place=place)
    if value is None:
        return None
    return core.Compare(comparison.op, _path_value(path, members), value, comparison.span)


def _value(
    context: Context,
    comparison: syntax.Comparison,
    other: syntax.Expr,
    *,
    want: Want,
    place: Place,
) -> core.Core | None:
    if comparison.op != "in":
        return _item(context, other, want, place)
    if not isinstance(other, syntax.ListOf):
        message = "`in` is followed by a list: `in [16, 32]`"
        context.report("E0505", message, other.span, place.scope)
        return None
    items = [_item(context, item, want, place) for item in other.items]
    return core.ListValue(tuple(item for item in items if item is not None), other.span)


def _item(context: Context, expression: syntax.Expr, want: Want, place: Place) -> core.Core | None:
    """What a path is compared with: a value, or the name of an arm, model, data or component."""
    expression = unwrapped(expression)
    kind = want.type.name
    said = head(expression)
    name = said[0].names[0].text if said and len(said[0].names) == 1 else ""
    if kind in {"arm", "model", "data"}:
        root = "method" if kind == "arm" else cast(Literal["model", "data"], kind)
        if context.definition(name, root) is not None and isinstance(expression, syntax.Path):
            return core.NameOf(root, name, expression.span)
        if name in context.broken:
            return None
        if kind == "arm" or context.catalog.get(kind, name) is None:
            names = context.names(root)
            if said is not None:
                what = f"unknown {root}"
                context.unknown(said[0].names[0], place.scope, what=what, candidates=names)
                return None
    elif isinstance(expression, syntax.Path) and context.catalog.get(kind, name) is not None:
        return core.Const(name, expression.span)
    if (
        isinstance(expression, syntax.Path)
        and _names_point(context, expression)
        and (len(expression.names) > 1)
    ):
        return _operand(context, expression, place)
    plain = Want(want.one().type, want.what)
    return context.read(expression, plain, place.at("condition"))


def _operand(context: Context, expression: syntax.Expr, place: Place) -> core.Core | None:
    """One side of a comparison that calculates."""
    expression = unwrapped(expression)
    match expression:
        case syntax.Path():
            members = resolve(context, expression, place.scope)
            return _path_value(expression, members) if members else None
        case syntax.Binary():
            left = _operand(context, expression.left, place)
            right = _operand(context, expression.right, place)
            if left is None or right is None:
                return None
            return core.Arithmetic(expression.op, left, right, expression.span)
        case _:
            plain = Want(Type("number"), "a condition")
            return context.read(expression, plain, place.at("condition"))
