"""Numbers with units: constants are computed, what depends on a choice stays an expression."""

from lab.spec import core, syntax
from lab.spec.check.context import NUMBER, Context, Declared, Place, Scope, Want, suggestion
from lab.spec.check.dimensions import (
    FITS,
    PLAIN,
    SHARE,
    Unit,
    base,
    called,
    combined,
    computed,
    shown,
)
from lab.spec.check.limits import Quantity, duration_of, fitted
from lab.spec.check.ranges import range_of
from lab.spec.check.text import text_of, unwrapped
from lab.spec.records import replaced
from lab.spec.signature import Type
from lab.spec.source import Span
from lab.spec.units import DURATIONS, UNITS, Duration

_PLURAL = [unit for unit in UNITS if unit not in {"step", "epoch", "sample", "bit", "FLOP"}]

#: Lengths of training: they keep the unit that they are written in.
LENGTHS = DURATIONS - {"share", "seconds"}


def read_number(
    context: Context, expression: syntax.Expr, want: Want, place: Place
) -> core.Core | None:
    """A number of the wanted type: the reader of `int`, `share`, `duration` and kin."""
    expression = unwrapped(expression)
    if want.type.name == "moment" and isinstance(expression, syntax.Path):
        words = {"end": Duration(1, "share"), "never": "never"}
        if str(expression) in words:
            return core.Const(words[str(expression)], expression.span)
    if isinstance(expression, syntax.Range):
        return range_of(context, expression, want, place, read=quantity)
    if isinstance(expression, syntax.Path):
        let = _let_of(context, expression, place)
        unit = None if let is None else _unit_of_let(context, let)
        if let is not None and (unit is None or base(unit) in FITS[want.type.name]):
            use_let(context, let.name, want)
    found = quantity(context, expression, want, place)
    return None if found is None else fitted(context, found, want, place)


def quantity(  # noqa: PLR0911 - one return for each form
    context: Context, expression: syntax.Expr, want: Want, place: Place
) -> Quantity | None:
    """A number with its unit, whatever is wanted; None after a finding."""
    expression = unwrapped(expression)
    match expression:
        case syntax.Number():
            return _number(context, expression, place)
        case syntax.Sign(op=op, operand=operand, span=span):
            inner = quantity(context, operand, want, place)
            return inner if inner is None or op == "+" else _negative(inner, span)
        case syntax.Binary():
            return _binary(context, expression, want, place)
        case syntax.Path():
            return _named(context, expression, want, place)
        case syntax.Alternatives():
            return _alternatives(context, expression, want, place)
        case syntax.Range():
            unit = unit_of(context, expression.start, place)
            wanted = _as_unit(unit, want)
            made = range_of(context, expression, wanted, place, read=quantity)
            return None if made is None else Quantity(made, unit, None)
        case _:
            refuse(context, expression, want, place)
            return None


def refuse(context: Context, expression: syntax.Expr, want: Want, place: Place) -> None:
    """Report that something else than what is wanted stands here; an unknown name is just that."""
    expression = unwrapped(expression)
    if isinstance(expression, syntax.Path | syntax.Call):
        path = expression if isinstance(expression, syntax.Path) else expression.function
        if not is_known(context, path.names[0].text, place):
            candidates = [*place.scope.parameters, *context.names("let"), *want.type.words]
            what = "unknown name"
            context.unknown(path.names[0], place.scope, what=what, candidates=candidates)
            return
    message = f"{want.what} takes {called(want.type.name)}, not {described(expression, place)}"
    context.report("E0401", message, expression.span, place.scope)


def is_known(context: Context, name: str, place: Place) -> bool:
    """Whether a name means anything at all, anywhere."""
    return (
        name in place.scope.parameters
        or name in context.declared
        or name in context.broken
        or name in {"method", "model", "data", "none", "true", "false", "end", "never"}
        or name in context.words
        or context.catalog_has(name)
    )


def described(expression: syntax.Expr, place: Place) -> str:
    """What an expression is, for a message."""
    if isinstance(expression, syntax.Text):
        return "text in quotes"
    if isinstance(expression, syntax.ListOf):
        return "a list"
    text = text_of(place.scope.source, expression.span)
    return f"`{text}`" if len(text) <= 40 else f"`{text[:37]}…`"


def _number(context: Context, number: syntax.Number, place: Place) -> Quantity | None:
    if number.percent:
        value = number.value / 100
        return Quantity(core.Const(value, number.span), SHARE, value)
    if number.unit is None:
        return Quantity(core.Const(number.value, number.span), PLAIN, number.value)
    known = UNITS.get(number.unit.text)
    if known is None:
        unit = number.unit
        hint = suggestion(unit.text, unit.span, [*_PLURAL, *UNITS])
        lines = [f"units are {', '.join(_PLURAL)}"]
        context.report(
            "E0402",
            f"unknown unit `{unit.text}`",
            unit.span,
            place.scope,
            help_lines=lines,
            hint=hint,
        )
        return None
    value = number.value * known[1]
    value = int(value) if float(value).is_integer() else value
    return Quantity(core.Const(value, number.span), ((known[0], 1),), value)


def _negative(inner: Quantity, span: Span) -> Quantity:
    if inner.value is not None:
        return Quantity(core.Const(-inner.value, span), inner.unit, -inner.value)
    return Quantity(core.Arithmetic("*", core.Const(-1, span), inner.core, span), inner.unit, None)


def _binary(context: Context, binary: syntax.Binary, want: Want, place: Place) -> Quantity | None:
    left = quantity(context, binary.left, want, place)
    right = quantity(context, binary.right, want, place)
    if left is None or right is None:
        return None
    unit, fits = combined(binary.op, left.unit, right.unit)
    if not fits:
        message = f"{shown(left.unit)} and {shown(right.unit)} do not add up"
        context.report("E0407", message, binary.span, place.scope)
        return None
    if binary.op == "/" and right.value == 0:
        context.report("E0412", "this divides by zero", binary.right.span, place.scope)
        return None
    if left.value is not None and right.value is not None:
        value = computed(binary.op, left.value, right.value)
        return Quantity(core.Const(value, binary.span), unit, value)
    made = core.Arithmetic(binary.op, _operand(left), _operand(right), binary.span)
    return Quantity(made, unit, None)


def _operand(found: Quantity) -> core.Core:
    """An operand of arithmetic that stays; a constant length of training keeps its unit."""
    if found.value is None or base(found.unit) not in LENGTHS:
        return found.core
    return core.Const(duration_of(found), found.core.span)


def _alternatives(
    context: Context, alternatives: syntax.Alternatives, want: Want, place: Place
) -> Quantity | None:
    found = [quantity(context, option, want, place) for option in alternatives.options]
    options = [one for one in found if one is not None]
    if len(options) != len(found):
        return None
    texts = tuple(text_of(place.scope.source, option.span) for option in alternatives.options)
    made = core.Choice(tuple(_operand(one) for one in options), texts, alternatives.span)
    first, *others = [one.unit for one in options]
    is_alike = all(one == first or {base(one), base(first)} <= LENGTHS for one in others)
    return Quantity(made, first if is_alike else None, None)


def _named(context: Context, path: syntax.Path, want: Want, place: Place) -> Quantity | None:
    name = path.names[0].text
    if len(path.names) == 1 and name in place.scope.parameters:
        return _parameter(context, path, want, place)
    if len(path.names) == 1 and context.definition(name, "let") is not None:
        return _let(context, path, want)
    refuse(context, path, want, place)
    return None


def _parameter(context: Context, path: syntax.Path, want: Want, place: Place) -> Quantity:
    name = path.names[0].text
    slot = place.scope.parameters[name]
    node = context.declared[slot.partition("(")[0]].node
    default = next((one.default for one in node.parameters if one.name.text == name), None)
    outside = Place(replaced(place.scope, parameters={}), slot)
    unit = None if default is None else unit_of(context, default, outside)
    if not context.weighing:
        context.use(slot, _as_unit(unit, want))
    return Quantity(core.Reference(slot, path.span), unit, None)


def _let(context: Context, path: syntax.Path, want: Want) -> Quantity | None:
    declared = context.declared[path.names[0].text]
    unit = _unit_of_let(context, declared)
    if not context.weighing and not use_let(context, declared.name, _as_unit(unit, want)):
        return None
    return Quantity(core.Reference(f"let {declared.name}", path.span), unit, None)


def _let_of(context: Context, path: syntax.Path, place: Place) -> Declared | None:
    name = path.names[0].text
    if len(path.names) > 1 or name in place.scope.parameters:
        return None
    return context.definition(name, "let", owner=place.scope.owner)


def _unit_of_let(context: Context, declared: Declared) -> Unit | None:
    """The unit of a shared value; unknown while it is being found."""
    if declared.name in context.measuring:
        return None
    context.measuring.add(declared.name)
    place = Place(Scope(declared.source), f"let {declared.name}")
    unit = unit_of(context, declared.node.value, place)
    context.measuring.discard(declared.name)
    return unit


def use_let(context: Context, name: str, want: Want) -> bool:
    """Note how a `let` is used, and read it so when it is used for the first time.

    False where the `let` is just being read, and so depends on itself.
    """
    declared = context.declared[name]
    known = declared.types.setdefault("", [])
    if all(one.type.name != want.type.name for one in known):
        known.append(replaced(want, what=f"`{name}`"))
    is_busy = declared.state == "busy"
    context.define(declared)
    return not is_busy


def _as_unit(unit: Unit | None, want: Want) -> Want:
    """What a name in arithmetic is used as: a number of its own unit."""
    name = base(unit) or ""
    if name in LENGTHS:
        return Want(Type("duration"), want.what)
    if want.type.name == "schedule" and unit == PLAIN:
        return Want(want.type, want.what)
    known = {"bytes", "seconds", "bits", "pixels", "decibels"}
    return Want(Type(name) if name in known else NUMBER, want.what)


def unit_of(context: Context, expression: syntax.Expr, place: Place) -> Unit | None:
    """The unit of an expression, None where it is no number or has a mistake in it."""
    if not is_numeric(expression):
        return None
    with context.muted(), context.only_weighing():
        found = quantity(context, expression, Want(NUMBER, "this"), place)
    return None if found is None else found.unit


def is_numeric(expression: syntax.Expr) -> bool:
    """Whether an expression has the form of a number."""
    expression = unwrapped(expression)
    match expression:
        case syntax.Number() | syntax.Path():
            return True
        case syntax.Sign(operand=inner):
            return is_numeric(inner)
        case syntax.Binary(left=left, right=right):
            return is_numeric(left) and is_numeric(right)
        case syntax.Alternatives(options=options):
            return all(is_numeric(option) for option in options)
        case syntax.Range(start=start, stop=stop):
            return is_numeric(start) and is_numeric(stop)
        case _:
            return False
