"""Grids and searches: axes, filters and replicates."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from lab.spec import core, syntax
from lab.spec.check.conditions import read_condition
from lab.spec.check.context import Context, Member, Place, Scope, Want
from lab.spec.check.paths import ROOTS, axis_path, resolve
from lab.spec.check.repeats import read_repeats
from lab.spec.check.text import text_of, unwrapped
from lab.spec.diagnostics import Label
from lab.spec.records import record, replaced
from lab.spec.signature import Type
from lab.spec.source import Source, Span

CONDITION = Want(Type("condition"), "a condition")
METRIC = Want(Type("metric"), "the goal of a search")
Entry = TypeVar("Entry")


@record
class Read:
    """An axis that was read, where it was written, and what its paths stand for."""

    axis: core.Axis
    members: tuple[tuple[Member, ...], ...]


def read_grid(context: Context, grid: syntax.Grid, source: Source) -> core.Grid:
    """A checked grid; entries with a mistake are left out."""
    scope = Scope(source, grid.name.text)
    axes = read_axes(context, only(syntax.Axis, grid.entries), scope)
    ask_for_method(context, axes, grid.name, scope)
    return core.Grid(
        name=grid.name.text,
        axes=(*(one.axis for one in axes), *_implicit(context, grid.name, axes, scope)),
        repeat=read_repeats(context, only(syntax.Repeat, grid.entries), scope),
        filters=tuple(read_filters(context, only(syntax.Filter, grid.entries), scope)),
        span=grid.span,
        title=None if grid.title is None else grid.title.value,
    )


def only(kind: type[Entry], entries: Iterable[object]) -> list[Entry]:
    """Entries of one kind."""
    return [entry for entry in entries if isinstance(entry, kind)]


def read_axes(context: Context, nodes: Sequence[syntax.Axis], scope: Scope) -> list[Read]:
    """Axes of a block, in the order they were written; what they may set depends on its arms."""
    order = sorted(range(len(nodes)), key=lambda i: _depth(nodes[i]))
    found: dict[int, Read] = {}
    arms: list[str] | None = None
    for i in order:
        read = read_axis(context, nodes[i], scope, arms=arms)
        if read is not None:
            found[i] = read
        if [str(path) for path in nodes[i].paths] == ["method"]:
            arms = arm_names(context, nodes[i].value)
    axes = [found[i] for i in sorted(found)]
    _refuse_overlap(context, axes, scope)
    return axes


def _depth(node: syntax.Axis) -> int:
    if any(str(path) in ROOTS for path in node.paths):
        return 0
    return max(len(path.names) for path in node.paths)


def arm_names(context: Context, expression: syntax.Expr) -> list[str]:
    """Names of the methods that an axis over `method` lists."""
    expression = unwrapped(expression)
    if isinstance(expression, syntax.Alternatives):
        return [name for one in expression.options for name in arm_names(context, one)]
    if isinstance(expression, syntax.Call):
        return arm_names(context, expression.function)
    if isinstance(expression, syntax.Path):
        name = expression.names[0].text
        return [name] if context.definition(name, "method") else []
    return []


def read_axis(
    context: Context, node: syntax.Axis, scope: Scope, *, arms: Sequence[str] | None = None
) -> Read | None:
    """One axis; None after a finding that leaves nothing of it."""
    context.attempted |= {(scope.subject, str(path)) for path in node.paths}
    members = tuple(tuple(resolve(context, path, scope, arms=arms)) for path in node.paths)
    if not all(members):
        return None
    scope = replaced(scope, sets=True)
    if len(node.paths) == 1:
        value = _value(context, node.value, members[0], scope)
    else:
        value = _rows(context, node.value, members, scope)
    if value is None:
        return None
    paths = tuple(axis_path(path, found) for path, found in zip(node.paths, members, strict=True))
    return Read(core.Axis(paths, value, node.span), members)


def _value(
    context: Context, expression: syntax.Expr, members: Sequence[Member], scope: Scope
) -> core.Core | None:
    """A value for a path; every definition that the path stands for has a say in it."""
    first = members[0]
    value = context.read(expression, first.want, Place(scope, first.slot))
    seen = [first.want.type]
    for member in members[1:]:
        if value is not None and member.want.type not in seen:
            seen.append(member.want.type)
            context.read(expression, member.want, Place(scope, member.slot))
        elif value is not None:
            context.aliases.setdefault(member.slot, []).append(first.slot)
    return value


def _rows(
    context: Context,
    expression: syntax.Expr,
    members: Sequence[Sequence[Member]],
    scope: Scope,
) -> core.Core | None:
    """The rows of a paired axis."""
    if isinstance(expression, syntax.Group) and len(expression.items) == 1:
        expression = expression.items[0]
    if not isinstance(expression, syntax.Alternatives):
        return _row(context, expression, members, scope)
    rows = [(_row(context, option, members, scope), option) for option in expression.options]
    kept = [(row, option) for row, option in rows if row is not None]
    if not kept:
        return None
    texts = tuple(text_of(scope.source, option.span) for _, option in kept)
    return core.Choice(tuple(row for row, _ in kept), texts, expression.span)


def _row(
    context: Context,
    expression: syntax.Expr,
    members: Sequence[Sequence[Member]],
    scope: Scope,
) -> core.Core | None:
    items = expression.items if isinstance(expression, syntax.Group) else ()
    if len(items) != len(members):
        message = f"every row of this axis has {len(members)} values in brackets"
        context.report("E0506", message, expression.span, scope)
        return None
    read = [_value(context, item, found, scope) for item, found in zip(items, members, strict=True)]
    kept = tuple(value for value in read if value is not None)
    return core.ListValue(kept, expression.span) if len(kept) == len(read) else None


def _refuse_overlap(context: Context, axes: Sequence[Read], scope: Scope) -> None:
    """Report a path that is set twice, and a path set together with something inside it."""
    set_before: dict[str, Span] = {}
    for read in axes:
        for path in read.axis.paths:
            for slot in path.slots:
                _refuse_slot(context, path, slot, set_before, scope=scope)
            set_before |= dict.fromkeys(path.slots, path.span)


def _refuse_slot(
    context: Context,
    path: core.AxisPath,
    slot: str,
    set_before: dict[str, Span],
    *,
    scope: Scope,
) -> None:
    if slot in set_before:
        first = Label(set_before[slot], "first here")
        message = f"`{path.text}` is set twice in one block"
        context.report("E0504", message, path.span, scope, also=[first])
        return
    for other, span in set_before.items():
        outer = slot.startswith(f"{other}.")
        if outer or other.startswith(f"{slot}."):
            what = "what it is inside of" if outer else "something inside it"
            message = f"`{path.text}` and {what} are both set"
            also = [Label(span, "set here too")]
            context.report("E0503", message, path.span, scope, also=also)
            return


def ask_for_method(context: Context, axes: Sequence[Read], name: syntax.Name, scope: Scope) -> None:
    """Report a block that does not say which of several methods it runs."""
    if any(path.text == "method" for read in axes for path in read.axis.paths):
        return
    methods = context.names("method")
    if len(methods) == 1 or any("method" in one for one in context.broken):
        return
    message = f"`{name.text}` does not say which method it runs"
    lines = [f"add `method: {' | '.join(methods[:3])}`"] if methods else ["declare a method"]
    if (scope.subject, "method") not in context.attempted:
        context.report("E0510", message, name.span, scope, help_lines=lines)


def _implicit(
    context: Context, name: syntax.Name, axes: Sequence[Read], scope: Scope
) -> Iterator[core.Axis]:
    """Model and data where several are declared and only one is not named by a stage."""
    for kind in ("model", "data"):
        declared = context.names(kind)
        chosen = any(path.text == kind for read in axes for path in read.axis.paths)
        if chosen or len(declared) < 2 or (scope.subject, kind) in context.attempted:
            continue
        free = [one for one in declared if one not in context.named_by_stages]
        if len(free) == 1:
            value = core.Named(kind, free[0], name.span)
            path = core.AxisPath(kind, (kind,), name.span)
            yield core.Axis((path,), value, name.span)
        else:
            message = f"`{name.text}` does not say which {kind} it uses"
            lines = [f"add `{kind}: {' | '.join(declared)}`"]
            context.report("E0507", message, name.span, scope, help_lines=lines)


def read_filters(
    context: Context, nodes: Iterable[syntax.Filter], scope: Scope
) -> Iterator[core.Filter]:
    """`skip` and `keep`."""
    for node in nodes:
        condition = read_condition(context, node.condition, CONDITION, Place(scope, "condition"))
        if condition is not None:
            reason = "" if node.reason is None else node.reason.value
            text = text_of(scope.source, node.condition.span)
            yield core.Filter(node.kind, condition, text, reason, node.span)
