"""Claims: comparisons of metrics, and what they range over."""

from lab.spec import core, syntax
from lab.spec.check.blocks import CONDITION
from lab.spec.check.conditions import read_condition
from lab.spec.check.context import Context, Hint, Place, Scope, Want, suggestion
from lab.spec.check.dimensions import PLAIN, SHARE, base, thing
from lab.spec.check.items import ITEMS
from lab.spec.check.metrics import Metered, metric
from lab.spec.check.paths import axis_path, resolve
from lab.spec.check.quantities import described
from lab.spec.check.text import text_of, unwrapped
from lab.spec.diagnostics import Edit
from lab.spec.signature import ParameterInfo, Type
from lab.spec.source import Source
from lab.spec.trees import same_meaning

LEVEL = ParameterInfo("at", "at", Type("share"), False, 0.95, "", above=0.5, below=1)


def read_claim(context: Context, node: syntax.Claim, source: Source) -> core.Claim | None:
    """A checked claim; None where its condition says nothing."""
    scope = Scope(source, node.name.text)
    condition = _condition(context, node.condition, Place(scope, f"claim {node.name.text}"))
    where = None
    if node.where is not None:
        where = read_condition(context, node.where, CONDITION, Place(scope, "condition"))
    over = tuple(core.Quantifier(one.quantifier, _paths(context, one, scope)) for one in node.over)
    if condition is None:
        return None
    return core.Claim(
        name=node.name.text,
        title=None if node.title is None else node.title.value,
        condition=condition,
        where=where,
        over=tuple(one for one in over if one.paths),
        paired=_paired(context, node, scope),
        level=_level(context, node, scope),
        text=text_of(source, node.condition.span),
        span=node.span,
        source=None if node.source is None else node.source.value,
    )


def _paths(context: Context, over: syntax.Over, scope: Scope) -> tuple[core.AxisPath, ...]:
    made: list[core.AxisPath] = []
    for path in over.paths:
        if len(path.names) == 1 and str(path) in ITEMS:
            made.append(core.AxisPath(str(path), (), path.span))
            continue
        members = resolve(context, path, scope)
        if members:
            made.append(axis_path(path, members))
    return tuple(made)


def _paired(context: Context, node: syntax.Claim, scope: Scope) -> tuple[str, ...]:
    known = [*sorted(context.seeds), *sorted(ITEMS)]
    for name in node.paired:
        if name.text not in known:
            hint = suggestion(name.text, name.span, known)
            message = f"nothing to pair by is called `{name.text}`"
            lines = [f"claims are paired by {', '.join(known)}"]
            context.report("E0201", message, name.span, scope, hint=hint, help_lines=lines)
    return tuple(name.text for name in node.paired if name.text in known)


def _level(context: Context, node: syntax.Claim, scope: Scope) -> float:
    if node.level is None:
        return 0.95
    with context.muted():
        want = Want(Type("share"), "the confidence", LEVEL)
        read = context.read(node.level, want, Place(scope, "level"))
    if isinstance(read, core.Const) and isinstance(read.value, float):
        return read.value
    text = text_of(scope.source, node.level.span)
    number = node.level if isinstance(node.level, syntax.Number) else None
    hint = Hint("")
    if number is not None and number.unit is None and 50 < number.value < 100:
        hint = Hint(f"did you mean `{text}%`?", Edit(number.span, f"{text}%"))
    message = "a confidence is above 50% and below 100%"
    context.report("E0603", message, node.level.span, scope, hint=hint)
    return 0.95


def _condition(context: Context, expression: syntax.Expr, place: Place) -> core.Core | None:
    expression = unwrapped(expression)
    match expression:
        case syntax.Logic(op=op, operands=operands):
            read = [
                _condition(context, one, place.at(f"{place.slot}#{i}"))
                for i, one in enumerate(operands)
            ]
            kept = tuple(one for one in read if one is not None)
            return core.Logical(op, kept, expression.span) if len(kept) == len(read) else None
        case syntax.Not(operand=operand):
            inner = _condition(context, operand, place)
            return None if inner is None else core.Logical("not", (inner,), expression.span)
        case syntax.Comparison(op=op) if op != "in":
            return _comparison(context, expression, place)
        case _:
            found = described(expression, place)
            message = f"a claim compares metrics, and {found} does not"
            context.report("E0601", message, expression.span, place.scope)
            return None


def _comparison(context: Context, comparison: syntax.Comparison, place: Place) -> core.Core | None:
    want = Want(Type("metric"), "a claim")
    left = metric(context, comparison.left, want, place.at(f"{place.slot}.left"))
    right = metric(context, comparison.right, want, place.at(f"{place.slot}.right"))
    if left is None or right is None:
        return None
    if not (_comparable(left, right) and _comparable(right, left)):
        _refuse_units(context, comparison, (left, right), place)
        return None
    if left.open or right.open:
        message = "a claim names the methods that it compares, and `method` is none"
        context.report("E0601", message, comparison.span, place.scope)
        return None
    if same_meaning(unwrapped(comparison.left), unwrapped(comparison.right)):
        always = "holds" if comparison.op in ("==", "<=", ">=") else "fails"
        message = f"both sides of this comparison are the same, so that it always {always}"
        context.report("W0813", message, comparison.span, place.scope)
    return core.Compare(comparison.op, left.core, right.core, comparison.span)


def _comparable(one: Metered, other: Metered) -> bool:
    if one.unit is None or other.unit is None or one.unit == other.unit:
        return True
    if {one.unit, other.unit} != {PLAIN, SHARE}:
        return False
    plain = one if one.unit == PLAIN else other
    value = plain.core.value if isinstance(plain.core, core.Const) else None
    is_limit = isinstance(value, int | float) and abs(value) >= 1
    return not is_limit


def _refuse_units(
    context: Context,
    comparison: syntax.Comparison,
    sides: tuple[Metered, Metered],
    place: Place,
) -> None:
    left, right = sides
    other = unwrapped(comparison.right)
    hint = Hint("")
    if base(left.unit) == "share" and isinstance(other, syntax.Number) and other.unit is None:
        text = text_of(place.scope.source, other.span)
        hint = Hint(f"did you mean `{text}%`?", Edit(other.span, f"{text}%"))
    message = f"{thing(left.unit)} is compared with {thing(right.unit)}"
    where = other.span if hint.edit else comparison.span
    context.report("E0602", message, where, place.scope, hint=hint)
