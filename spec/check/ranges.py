"""`a .. b`: alternatives, or in a search everything between."""

from collections.abc import Callable

from lab.spec import core, syntax
from lab.spec.check.context import Context, Place, Want
from lab.spec.check.dimensions import PLAIN
from lab.spec.check.limits import Quantity, fitted
from lab.spec.records import replaced
from lab.spec.settle import WHOLE
from lab.spec.source import Span
from lab.spec.units import DURATIONS, Duration

ReadQuantity = Callable[[Context, syntax.Expr, Want, Place], Quantity | None]


def range_of(
    context: Context,
    expression: syntax.Range,
    want: Want,
    place: Place,
    *,
    read: ReadQuantity,
) -> core.Core | None:
    """A range of the wanted numbers; None after a finding."""
    ends = _ends(context, expression, want, place, read=read)
    if ends is None:
        return None
    start, stop = ends
    by, points = _step(context, expression, want, place, read=read)
    whole = want.type.name in WHOLE or (_is_whole(start) and _is_whole(stop) and _is_whole(by))
    continuous = by is None and (expression.log or not (_is_whole(start) and _is_whole(stop)))
    problem = _problem(expression, (start, stop, by), points=points)
    if problem is None and continuous and not place.scope.search:
        message = "numbers between two ends are alternatives only in steps"
        lines = ["add `by 5 points`, or `by` and a step"]
        context.report("E0409", message, expression.span, place.scope, help_lines=lines)
        return None
    if problem is not None:
        context.report("E0408", problem, expression.span, place.scope)
        return None
    made = [fitted(context, one, want, place) for one in (start, stop)]
    if made[0] is None or made[1] is None:
        return None
    if by is None and not continuous:
        by = Quantity(core.Const(1, expression.span), PLAIN, 1)
    if isinstance(made[0], core.Const) and isinstance(made[0].value, Duration):
        return _durations(expression, made[0], (start, stop, by))
    return core.RangeChoice(
        start=made[0],
        stop=made[1],
        by=None if by is None else by.core,
        points=points,
        log=expression.log,
        whole=whole and want.type.name in {*WHOLE, "number"},
        continuous=continuous,
        span=expression.span,
    )


def _ends(
    context: Context, expression: syntax.Range, want: Want, place: Place, *, read: ReadQuantity
) -> tuple[Quantity, Quantity] | None:
    start = read(context, expression.start, want, place)
    stop = read(context, expression.stop, want, place)
    if start is None or stop is None:
        return None
    if start.unit == PLAIN and stop.unit not in (PLAIN, None) and start.value is not None:
        value = start.value * _factor(expression.stop, stop)
        start = Quantity(start.core, stop.unit, int(value) if value.is_integer() else value)
    return start, stop


def _factor(expression: syntax.Expr, stop: Quantity) -> float:
    """What a bare first end is multiplied with to have the unit of the last."""
    if isinstance(expression, syntax.Number) and expression.value and stop.value is not None:
        return stop.value / expression.value
    return 1.0


def _step(
    context: Context, expression: syntax.Range, want: Want, place: Place, *, read: ReadQuantity
) -> tuple[Quantity | None, bool]:
    by = expression.by
    if by is None:
        return None, False
    if isinstance(by, syntax.Number) and by.unit is not None and by.unit.text == "points":
        return Quantity(core.Const(by.value, by.span), PLAIN, by.value), True
    return read(context, by, replaced(want, what="the step of this range"), place), False


def _is_whole(found: Quantity | None) -> bool:
    return found is None or isinstance(found.value, int)


def _problem(
    expression: syntax.Range,
    numbers: tuple[Quantity, Quantity, Quantity | None],
    *,
    points: bool,
) -> str | None:
    """What is wrong with the constants of a range, if anything."""
    start, stop, by = (None if one is None else one.value for one in numbers)
    if start is not None and stop is not None and start > stop:
        return "this range is empty: it starts above its end"
    if expression.log and start is not None and start <= 0:
        return "a logarithmic range starts above zero"
    if by is not None and points and (by < 2 or not float(by).is_integer()):
        return "a range has two points at least, and a whole number of them"
    if by is not None and by <= 0:
        return "the step of a range is above zero"
    if expression.log and by is not None and not points:
        return "a logarithmic range has a number of points: `by 4 points`"
    return None


def _durations(
    expression: syntax.Range,
    first: core.Const,
    numbers: tuple[Quantity, Quantity, Quantity | None],
) -> core.Core | None:
    """Lengths of training, listed: their unit is part of each."""
    start, stop, by = (0 if one is None else one.value or 0 for one in numbers)
    if not isinstance(first.value, Duration) or first.value.unit not in DURATIONS:
        return None
    count = int((stop - start) / (by or 1) + 1e-9)
    amounts = [start + i * (by or 1) for i in range(count + 1)]
    options = tuple(_length(amount, first.value, expression.span) for amount in amounts)
    texts = tuple(f"{amount:g} {first.value.unit}" for amount in amounts)
    return core.Choice(options, texts, expression.span)


def _length(amount: float, like: Duration, span: Span) -> core.Const:
    whole = int(amount) if float(amount).is_integer() else amount
    return core.Const(Duration(whole, like.unit), span)
