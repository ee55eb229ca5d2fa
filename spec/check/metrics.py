"""Metrics: expressions over measurements of arms, with units.

A measurement's bare name measures the arm in question, `m(field)` another arm at the same point; a
declared metric is called the same way, and takes its own parameters by name.
"""

from typing import Literal

from lab.spec import core, syntax
from lab.spec.check.arguments import bind, formals, missing, refuse_rest
from lab.spec.check.arms import read_arm
from lab.spec.check.components import read_bound, take_mapped
from lab.spec.check.context import NUMBER, Context, Declared, Place, Want, suggestion
from lab.spec.check.dimensions import Unit, called, combined, named, shown
from lab.spec.check.quantities import described, quantity
from lab.spec.check.schedules import declared_formals
from lab.spec.check.text import head, listed, text_of, unwrapped
from lab.spec.records import record, replaced
from lab.spec.signature import Signature, Type
from lab.spec.source import Span

ARM = Want(Type("arm"), "a metric")
Better = Literal["higher", "lower"]


@record
class Metered:
    """A metric that was read: its unit, which way is better, and whether it asks for an arm."""

    core: core.Core
    unit: Unit | None
    better: str | None = None
    open: bool = False


def read_metric(
    context: Context, expression: syntax.Expr, want: Want, place: Place
) -> core.Core | None:
    """A metric as an argument: what is measured of is said by whatever takes it."""
    inside = replaced(place, scope=replaced(place.scope, measured=True))
    found = metric(context, expression, want, inside)
    return None if found is None else found.core


def metric(  # noqa: PLR0911 - one return for each form
    context: Context, expression: syntax.Expr, want: Want, place: Place
) -> Metered | None:
    """A metric with its unit; None after a finding."""
    expression = unwrapped(expression)
    match expression:
        case syntax.Number() | syntax.Range():
            return _number(context, expression, place)
        case syntax.Sign(op=op, operand=operand):
            inner = metric(context, operand, want, place)
            if inner is None or op == "+":
                return inner
            minus = core.Const(-1.0, expression.span)
            made = core.Arithmetic("*", minus, inner.core, expression.span)
            return Metered(made, inner.unit, _flipped(inner.better), inner.open)
        case syntax.Binary():
            return _binary(context, expression, want, place)
        case syntax.Alternatives():
            return _alternatives(context, expression, want, place)
        case syntax.Path() | syntax.Call():
            return _named(context, expression, want, place)
        case _:
            message = (
                f"a metric is made of measurements, and {described(expression, place)} is none"
            )
            context.report("E0401", message, expression.span, place.scope)
            return None


def _number(context: Context, expression: syntax.Expr, place: Place) -> Metered | None:
    found = quantity(context, expression, Want(NUMBER, "a metric"), place)
    return None if found is None else Metered(found.core, found.unit)


def _alternatives(
    context: Context, alternatives: syntax.Alternatives, want: Want, place: Place
) -> Metered | None:
    found = [metric(context, option, want, place) for option in alternatives.options]
    kept = [one for one in found if one is not None]
    if len(kept) < len(found):
        return None
    texts = tuple(text_of(place.scope.source, option.span) for option in alternatives.options)
    made = core.Choice(tuple(one.core for one in kept), texts, alternatives.span)
    return Metered(made, kept[0].unit, kept[0].better, any(one.open for one in kept))


def _binary(context: Context, binary: syntax.Binary, want: Want, place: Place) -> Metered | None:
    left = metric(context, binary.left, want, place)
    right = metric(context, binary.right, want, place)
    if left is None or right is None:
        return None
    unit, fits = combined(binary.op, left.unit, right.unit)
    if not fits:
        message = f"{shown(left.unit)} and {shown(right.unit)} do not add up"
        context.report("E0407", message, binary.span, place.scope)
        return None
    if isinstance(right.core, core.Const) and right.core.value == 0 and binary.op == "/":
        context.report("E0412", "this divides by zero", binary.right.span, place.scope)
        return None
    flip = binary.op in ("-", "/")
    better = _agreed(left.better, _flipped(right.better) if flip else right.better)
    made = core.Arithmetic(binary.op, left.core, right.core, binary.span)
    return Metered(made, unit, better, left.open or right.open)


def _flipped(better: str | None) -> str | None:
    return {"higher": "lower", "lower": "higher"}.get(better or "")


def _agreed(left: str | None, right: str | None) -> str | None:
    if left is None or right is None or left == right:
        return left or right
    return None


def _named(
    context: Context, expression: syntax.Path | syntax.Call, want: Want, place: Place
) -> Metered | None:
    said = head(expression)
    if said is None:
        return None
    path, arguments = said
    name = path.names[0].text
    item = ".".join(one.text for one in path.names[1:]) or "value"
    if item == "value" and name in place.scope.parameters:
        return _number(context, path, place)
    declared = context.definition(name, owner=place.scope.owner)
    if declared is not None and declared.kind == "let":
        return _number(context, path, place)
    if declared is not None and declared.kind == "metric":
        return _metric_call(
            context, declared, arguments, item=item, span=expression.span, place=place
        )
    signature = context.catalog.get("measurement", name)
    if declared is None and signature is not None:
        return _measure(context, signature, arguments, item=item, span=expression.span, place=place)
    _refuse(context, path, declared, place)
    return None


def _refuse(context: Context, path: syntax.Path, declared: Declared | None, place: Place) -> None:
    name = path.names[0]
    known = [*context.names("metric"), *context.catalog.names("measurement")]
    if declared is not None or name.text in {"method", "model", "data"}:
        what = "the arm that is measured" if declared is None else called(declared.kind)
        message = f"a metric is made of measurements, and `{name.text}` is {what}"
        lines = (
            [f"write `accuracy({name.text})`"]
            if what in ("a method", "the arm that is measured")
            else []
        )
        context.report("E0401", message, path.span, place.scope, help_lines=lines)
        return
    kinds = [kind for kind, other in context.catalog.signatures if other == name.text]
    if kinds:
        message = f"a metric is made of measurements, and `{name.text}` is {called(kinds[0])}"
        hint = suggestion(name.text, name.span, known)
        context.report("E0401", message, name.span, place.scope, hint=hint)
        return
    candidates = [*known, *place.scope.parameters]
    what = "unknown metric or measurement"
    lines = [f"measurements are {listed(context.catalog.names('measurement'))}"]
    context.unknown(name, place.scope, what=what, candidates=candidates, help_lines=lines)


def _metric_call(
    context: Context,
    declared: Declared,
    arguments: tuple[syntax.Argument, ...],
    *,
    item: str,
    span: Span,
    place: Place,
) -> Metered | None:
    made = context.define(declared)
    parameters = [replaced(one, positional=False) for one in declared_formals(declared)]
    arm_want = Want(ARM.type, f"`{declared.name}`")
    bound_arm, rest = _arm(context, arguments, arm_want, place)
    bound = bind(context, rest, parameters, callee=declared.name, span=span, place=place)
    names = [one.name for one in parameters]
    refuse_rest(context, bound, names, callee=declared.name, place=place)
    values = missing(context, bound, parameters, callee=declared.name, span=span)
    for name, given in bound.given.items():
        slot = f"{declared.name}({name})"
        value = context.read(given.value, given.formal.want, place.at(slot))
        if value is not None:
            values[name] = value
    if made is None:
        return None
    if bound_arm.arm is None and not bound_arm.missing:
        return None
    known, is_open = context.metrics.get(declared.name, (None, False))
    if bound_arm.missing and is_open and not _may_be_open(context, declared.name, place, span):
        return None
    unit = known if item == "value" else None
    better = made.better if isinstance(bound_arm.arm, core.TheMethod | None) else None
    call = core.MetricCall(declared.name, bound_arm.arm, values, span, item)
    return Metered(call, unit, better, is_open and isinstance(bound_arm.arm, core.TheMethod | None))


@record
class _Arm:
    """The arm that a call names; `missing` when it names none."""

    arm: core.Core | None
    missing: bool


def _arm(
    context: Context, arguments: tuple[syntax.Argument, ...], want: Want, place: Place
) -> tuple[_Arm, tuple[syntax.Argument, ...]]:
    """The arm that a call names first, or as `of:`, and the other arguments."""
    for argument in arguments[:1] if arguments and arguments[0].name is None else arguments:
        if argument.name is None or str(argument.name) == "of":
            found = read_arm(context, argument.value, want, place)
            return _Arm(found, missing=False), tuple(a for a in arguments if a is not argument)
    return _Arm(None, missing=True), arguments


def _may_be_open(context: Context, name: str, place: Place, span: Span) -> bool:
    """Whether a metric may leave its arm to the place that measures; a claim has none to give."""
    if place.scope.measured:
        return True
    lines = [f"write `{name}(…)` with a method of the study"]
    message = f"`{name}` is measured of a method, and none is named here"
    context.report("E0301", message, span, place.scope, help_lines=lines)
    return False


def _measure(
    context: Context,
    signature: Signature,
    arguments: tuple[syntax.Argument, ...],
    *,
    item: str,
    span: Span,
    place: Place,
) -> Metered | None:
    over_metrics = any(one.type.name == "metric" for one in signature.parameters)
    if over_metrics:
        given, rest = _Arm(core.TheMethod(span), missing=False), arguments
    else:
        want = Want(ARM.type, f"`{signature.name}`")
        given, rest = _arm(context, arguments, want, place)
    parameters = [one for one in formals(signature) if over_metrics or one.name != "of"]
    inside = place.at(f"{place.slot}.{signature.name}")
    if over_metrics:
        inside = replaced(inside, scope=replaced(inside.scope, measured=True))
    bound = bind(context, rest, parameters, callee=signature.name, span=span, place=inside)
    take_mapped(bound, parameters)
    names = [one.name for one in parameters if not one.want.type.mapping]
    refuse_rest(context, bound, names, callee=signature.name, place=inside)
    values = read_bound(context, bound, inside)
    if given.missing and not _may_be_open(context, signature.name, place, span):
        return None
    if given.arm is None and not given.missing:
        return None
    arm = given.arm or core.TheMethod(span)
    made = core.Measure(signature.name, arm, values, span, inside.slot, item)
    is_open = isinstance(arm, core.TheMethod) and not over_metrics
    unit = named(signature.unit) if item == "value" else None
    return Metered(made, unit, signature.better if is_open else None, is_open)
