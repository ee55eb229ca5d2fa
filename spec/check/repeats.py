"""`repeat 5 as seed vary init, batches`."""

from collections.abc import Sequence

from lab.spec import core, syntax
from lab.spec.check.context import Context, Scope, suggestion
from lab.spec.check.text import unwrapped
from lab.spec.diagnostics import Label

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
    if node.until is not None:
        message = "`until` is not part of this edition: say how many replicates there are"
        context.report("E0508", message, node.until.span, scope)
    seeds = _seeds(context, node, scope)
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
    vary = tuple(name.text for name in node.vary if name.text in known)
    return None if seeds is None else core.Repeat(seeds, vary, node.span)


def _seeds(context: Context, node: syntax.Repeat, scope: Scope) -> tuple[int, ...] | None:
    count = unwrapped(node.count)
    match count:
        case syntax.Number(value=int() as number, unit=None, percent=False) if 1 <= number <= MOST:
            return tuple(range(number))
        case syntax.ListOf(items=items) if items:
            return _listed(context, items, scope)
        case _:
            message = "`repeat` takes a number of replicates above zero, or a list of seeds"
            context.report("E0508", message, count.span, scope)
            return None


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
