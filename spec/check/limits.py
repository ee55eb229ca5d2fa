"""Whether a number fits the parameter it is given to: its unit, wholeness and range."""

from collections.abc import Iterator, Sequence
from functools import partial
from typing import cast

from lab.spec import core
from lab.spec.check.context import NO_HINT, Context, Declared, Hint, Place, Scope, Want
from lab.spec.check.dimensions import FITS, PLAIN, Unit, base, called, thing
from lab.spec.check.later import Misfit
from lab.spec.check.text import text_of
from lab.spec.diagnostics import Edit, Label
from lab.spec.records import record, replaced
from lab.spec.settle import WHOLE, settled
from lab.spec.source import Span
from lab.spec.units import Duration, DurationUnit

#: Units to suggest where one is missing.
_WRITTEN = {
    "duration": ("steps", "epochs"),
    "moment": ("steps", "epochs"),
    "bytes": ("MB",),
    "seconds": ("s", "min"),
}


@record
class Quantity:
    """A number that was read: its unit (None where unknown) and its value where it is constant."""

    core: core.Core
    unit: Unit | None
    value: int | float | None


def fitted(context: Context, found: Quantity, want: Want, place: Place) -> core.Core | None:
    """A quantity as the wanted type has it; None after a finding."""
    let = _let_of(found)
    if found.unit is not None and base(found.unit) not in FITS[want.type.name]:
        _refuse_unit(context, found, want, place)
        return None
    if let is not None:
        context.later.fitting.add(let)
    if found.value is None:
        return found.core
    if want.type.name in {"duration", "moment"}:
        return _fitted_duration(context, found, want, place)
    if not (_is_whole(context, found, want, place) and _in_range(context, found, want, place)):
        return None
    return core.Const(settled(found.value, want.type), found.core.span)


def duration_of(found: Quantity) -> Duration:
    """A constant length of training."""
    amount = found.value or 0
    amount = int(amount) if float(amount).is_integer() else amount
    return Duration(amount, cast(DurationUnit, base(found.unit)))


def _fitted_duration(
    context: Context, found: Quantity, want: Want, place: Place
) -> core.Core | None:
    duration = duration_of(found)
    problem = None
    if duration.amount < 0:
        problem = f"{want.what} is a length of training and cannot be negative"
    elif duration.unit == "share" and duration.amount > 1:
        problem = f"{want.what} is at most 100% of its stage"
    if problem is not None:
        context.report("E0404", problem, found.core.span, place.scope)
        return None
    return core.Const(duration, found.core.span)


def _let_of(found: Quantity) -> str | None:
    """The `let` that a quantity is."""
    if isinstance(found.core, core.Reference) and found.core.slot.startswith("let "):
        return found.core.slot.removeprefix("let ")
    return None


def _refuse_unit(context: Context, found: Quantity, want: Want, place: Place) -> None:
    """Report a wrong unit; that of a `let` is told once, when all of its uses are known."""
    let = _let_of(found)
    report = partial(_report_unit, context, found, want, place)
    if let is None:
        report()
    elif not context.is_muted:

        def at_let(declared: Declared, one: Misfit) -> None:
            value, scope = declared.node.value, Scope(declared.source, declared.name)
            shown = replaced(found, core=core.Const(0, value.span))
            here = [Label(one.span, "used here")] if declared.source == one.scope.source else []
            _report_unit(context, shown, want, Place(scope, place.slot), also=here)

        one = Misfit(found.core.span, place.scope, report, at_let)
        context.later.misfits.setdefault(let, []).append(one)


def _report_unit(
    context: Context, found: Quantity, want: Want, place: Place, *, also: Sequence[Label] = ()
) -> None:
    text = text_of(place.scope.source, found.core.span)
    expected = called(want.type.name)
    if found.unit == PLAIN:
        units = _WRITTEN.get(want.type.name, ())
        help_line = "write " + " or ".join(f"`{text} {unit}`" for unit in units)
        if isinstance(found.core, core.Reference):
            help_line = "give it a unit where it is defined"
        message = f"{want.what} takes {expected}, and `{text}` has no unit"
        context.report(
            "E0410", message, found.core.span, place.scope, help_lines=[help_line], also=also
        )
        return
    message = f"{want.what} takes {expected}, not {thing(found.unit)}"
    context.report("E0403", message, found.core.span, place.scope, also=also)


#: The largest whole number that is not taken for a slip: 32 bits count what a machine can hold.
LARGEST = 2**31 - 1
LARGEST_BYTES = 2**63 - 1


def _is_whole(context: Context, found: Quantity, want: Want, place: Place) -> bool:
    if want.type.name not in WHOLE or found.value is None or float(found.value).is_integer():
        return True
    message = f"{want.what} takes {called(want.type.name)}, and {found.value:g} is not whole"
    context.report("E0405", message, found.core.span, place.scope)
    return False


def _in_range(context: Context, found: Quantity, want: Want, place: Place) -> bool:
    value = found.value or 0
    broken = [text for text, holds in _limits(want, value) if not holds]
    if broken:
        span = found.core.span
        text = text_of(place.scope.source, span)
        hint = _percent(value, want, span) if found.unit == PLAIN else NO_HINT
        message = f"{want.what} is {' and '.join(broken)}, and `{text}` is not"
        context.report("E0404", message, span, place.scope, hint=hint)
    return not broken


def _percent(value: float, want: Want, span: Span) -> Hint:
    if want.type.name == "share" and 1 < value <= 100:
        return Hint(f"did you mean `{value:g}%`?", Edit(span, f"{value:g}%"))
    return NO_HINT


def _limits(want: Want, value: float) -> Iterator[tuple[str, bool]]:
    """Every limit in words, and whether a value keeps it."""
    if want.type.name in WHOLE:
        largest = LARGEST_BYTES if want.type.name == "bytes" else LARGEST
        yield f"at most {largest:,}", abs(value) <= largest
    info = want.info
    if info is None:
        if want.type.name == "share":
            yield "at least 0%", value >= 0
        return
    text = _share if want.type.name == "share" else _plain
    if info.low is not None:
        yield f"at least {text(info.low)}", value >= info.low
    if info.high is not None:
        yield f"at most {text(info.high)}", value <= info.high
    if info.above is not None:
        yield f"above {text(info.above)}", value > info.above
    if info.below is not None:
        yield f"below {text(info.below)}", value < info.below


def _plain(limit: float) -> str:
    return f"{limit:.12g}"


def _share(limit: float) -> str:
    return f"{limit * 100:.12g}%"
