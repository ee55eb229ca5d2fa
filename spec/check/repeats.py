"""`repeat 5 as seed vary init, batches`, `repeat 3 .. 10 as seed until ci95(drop) < 0.2%`."""

import re
from collections.abc import Sequence

from lab.spec import core, syntax
from lab.spec.check.context import Context, Place, Scope, Want, suggestion
from lab.spec.check.dimensions import shown
from lab.spec.check.metrics import Metered, metric
from lab.spec.check.text import text_of, unwrapped
from lab.spec.diagnostics import Label
from lab.spec.records import replaced
from lab.spec.signature import Type

STREAMS = ("init", "batches", "augment", "dropout")
MOST = 100_000


def read_repeats(
    context: Context, nodes: Sequence[syntax.Repeat], scope: Scope
) -> core.Repeat | None:
    """The one repeat of a block, if it has one."""
    for node in nodes[1:]:
        first = Label(nodes[0].span, "first here")
        context.report("E0509", "`repeat` stands twice here", node.span, scope, also=[first])
    return read_repeat(context, nodes[0], scope) if nodes else None


def read_repeat(context: Context, node: syntax.Repeat, scope: Scope) -> core.Repeat | None:
    """Seeds and streams of a repeat; None after a finding."""
    if node.seed is not None:
        context.seeds.add(node.seed.text)
    seeds = _seeds(context, node, scope)
    until = _until(context, node, scope)
    known = {
        *STREAMS,
        *(name for one in context.catalog.signatures.values() for name in one.streams),
    }
    for name in node.vary:
        if name.text not in known:
            hint = suggestion(name.text, name.span, sorted(known))
            lines = [f"streams are {', '.join(sorted(known))}"]
            message = f"no random stream is called `{name.text}`"
            context.report("E0508", message, name.span, scope, hint=hint, help_lines=lines)
    named = {name.text for name in node.vary} & known
    vary = () if named == known else tuple(sorted(named))
    return None if seeds is None else core.Repeat(seeds, vary, node.span, until)


def _seeds(context: Context, node: syntax.Repeat, scope: Scope) -> tuple[int, ...] | None:
    count = unwrapped(node.count)
    if isinstance(count, syntax.Range) or node.until is not None:
        bounds = _bounds(context, node, scope)
        return None if bounds is None else tuple(range(bounds[1]))
    match count:
        case syntax.Number(value=int() as number, unit=None, percent=False) if 1 <= number <= MOST:
            return tuple(range(number))
        case syntax.ListOf(items=items) if items:
            return _listed(context, items, scope)
        case _:
            message = f"`repeat` takes 1 to {MOST:,} replicates, or a list of seeds"
            context.report("E0508", message, count.span, scope)
            return None


def _bounds(context: Context, node: syntax.Repeat, scope: Scope) -> tuple[int, int] | None:
    """How many replicates there are at least and at most; None after a finding."""
    count = unwrapped(node.count)
    if node.until is None:
        message = "`repeat` with a range goes on until something: say what"
        lines = ["write `repeat 3 .. 10 as seed until ci95(accuracy) < 0.5%`, or one number"]
        context.report("E0508", message, count.span, scope, help_lines=lines)
        return None
    ends = (count.start, count.stop) if isinstance(count, syntax.Range) else ()
    whole = [
        one.value
        for one in ends
        if isinstance(one, syntax.Number)
        and isinstance(one.value, int)
        and one.unit is None
        and not one.percent
    ]
    plain = isinstance(count, syntax.Range) and count.by is None and not count.log
    if plain and len(whole) == 2 and 2 <= whole[0] <= whole[1] <= MOST:
        return int(whole[0]), int(whole[1])
    message = "with `until`, `repeat` takes the least and the most replicates, two at least"
    lines = ["write `repeat 3 .. 10 as seed until …`"]
    context.report("E0508", message, count.span, scope, help_lines=lines)
    return None


_INTERVAL = re.compile(r"ci(\d\d)")


def _until(context: Context, node: syntax.Repeat, scope: Scope) -> core.Until | None:
    """`ci95(metric) < width`: the half-width of the metric's interval over the replicates."""
    if node.until is None:
        return None
    condition = unwrapped(node.until)
    said = _interval(condition)
    if said is None or not isinstance(condition, syntax.Comparison):
        message = "replicates go on until an interval is narrow: `ci95(metric) < width`"
        context.report("E0508", message, condition.span, scope)
        return None
    level, measured = said
    place = Place(replaced(scope, measured=True), f"until {scope.subject}")
    found = metric(context, measured, Want(Type("metric"), "`until`"), place)
    width = metric(context, condition.right, Want(Type("metric"), "the width"), place)
    if found is None or width is None:
        return None
    limit = _limit(context, found, width, scope)
    bounds = _bounds(context, node, scope)
    if bounds is None or limit is None:
        return None
    text = text_of(scope.source, condition.span)
    return core.Until(bounds[0], found.core, level / 100, limit, text)


def _limit(context: Context, found: Metered, width: Metered, scope: Scope) -> float | None:
    """The width as a number in the metric's unit; None after a finding."""
    limit = width.core.value if isinstance(width.core, core.Const) else None
    if found.unit is not None and width.unit != found.unit:
        message = f"the interval is in {shown(found.unit)}, and its width in {shown(width.unit)}"
        context.report("E0602", message, width.core.span, scope)
        return None
    if not isinstance(limit, int | float) or limit <= 0:
        context.report("E0508", "a width is a number above zero", width.core.span, scope)
        return None
    return float(limit)


def _interval(condition: syntax.Expr) -> tuple[int, syntax.Expr] | None:
    """The level and the metric of `ci95(metric) < …`."""
    if not isinstance(condition, syntax.Comparison) or condition.op not in ("<", "<="):
        return None
    call = unwrapped(condition.left)
    if not isinstance(call, syntax.Call) or len(call.arguments) != 1:
        return None
    level = _INTERVAL.fullmatch(str(call.function))
    argument = call.arguments[0]
    if level is None or argument.name is not None or int(level[1]) <= 50:
        return None
    return int(level[1]), argument.value


def _listed(context: Context, items: Sequence[syntax.Expr], scope: Scope) -> tuple[int, ...] | None:
    seeds: list[int] = []
    for item in items:
        is_seed = isinstance(item, syntax.Number) and isinstance(item.value, int)
        if not isinstance(item, syntax.Number) or not is_seed or item.unit is not None:
            context.report("E0508", "a seed is a whole number", item.span, scope)
        elif item.value in seeds:
            context.report("E0508", f"the seed {item.value} is given twice", item.span, scope)
        else:
            seeds.append(int(item.value))
    return tuple(seeds) or None
