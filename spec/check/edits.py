"""Profiles and `--set`: edits of a checked study.

`path: value` replaces the value in its definition and in every block that sets it; `repeat`,
`trials` and `budget` replace all. A claim inside a profile is tested only there, and a grid inside
it is run only there.
"""

from collections.abc import Iterable, Sequence

from lab.spec import core, syntax
from lab.spec.check.blocks import only, read_axis, read_filters, read_grid
from lab.spec.check.claims import read_claim
from lab.spec.check.context import Context, Place, Scope, Want
from lab.spec.check.limits import fitted
from lab.spec.check.quantities import quantity
from lab.spec.check.repeats import read_repeats
from lab.spec.check.rewrite import Rewriter
from lab.spec.check.searches import read_trials
from lab.spec.records import record, replaced
from lab.spec.signature import Catalog, Type
from lab.spec.source import Source, Span

TYPES = {"seconds": "the time of a budget", "bytes": "the memory of a budget"}


@record
class Budget:
    """Wall seconds and bytes of memory, and where they are written."""

    wall_seconds: float | None = None
    memory_bytes: float | None = None
    span: Span | None = None


@record
class Edits:
    """What a profile changes."""

    axes: tuple[core.Axis, ...] = ()
    repeat: core.Repeat | None = None
    trials: int | None = None
    budget: Budget | None = None
    filters: tuple[core.Filter, ...] = ()
    claims: tuple[core.Claim, ...] = ()
    grids: tuple[core.Grid, ...] = ()


def read_profile(context: Context, node: syntax.Profile, source: Source) -> Edits:
    """The edits of a profile; those with a mistake are left out."""
    scope = Scope(source, node.name.text)
    axes = [read_edit(context, one, scope) for one in only(syntax.Axis, node.entries)]
    trials = [read_trials(context, one, scope) for one in only(syntax.Trials, node.entries)]
    budgets = only(syntax.Budget, node.entries)
    claims = [read_claim(context, one, source) for one in only(syntax.Claim, node.entries)]
    return Edits(
        axes=tuple(one for one in axes if one is not None),
        repeat=read_repeats(context, only(syntax.Repeat, node.entries), scope),
        trials=trials[-1] if trials else None,
        budget=read_budget(context, budgets[-1], scope) if budgets else None,
        filters=tuple(read_filters(context, only(syntax.Filter, node.entries), scope)),
        claims=tuple(one for one in claims if one is not None),
        grids=tuple(read_grid(context, one, source) for one in only(syntax.Grid, node.entries)),
    )


def read_edit(context: Context, node: syntax.Axis, scope: Scope) -> core.Axis | None:
    """One `path: value` of a profile or of `--set`; a pair has no definition to replace."""
    if len(node.paths) > 1:
        message = "a profile replaces one value at a time, and this is a pair"
        lines = ["write a line for each path, or a `grid` inside the profile"]
        context.report("E0506", message, node.span, scope, help_lines=lines)
        return None
    read = read_axis(context, node, scope)
    return None if read is None else read.axis


def read_budget(context: Context, node: syntax.Budget, scope: Scope) -> Budget:
    """A time, a size of memory, or both."""
    found: dict[str, float] = {}
    for amount in node.amounts:
        want = Want(Type("number"), "a budget")
        read = quantity(context, amount, want, Place(scope, "budget"))
        if read is None:
            continue
        unit = read.unit[0][0] if read.unit else ""
        if unit not in TYPES or read.value is None or unit in found:
            message = "a budget is a time, a size of memory, or one of each"
            lines = ["write `budget 30 min, 4 GiB`"]
            context.report("E0608", message, amount.span, scope, help_lines=lines)
            continue
        if read.value <= 0:
            message = "nothing fits into this budget: a budget is above zero"
            context.report("E0608", message, amount.span, scope)
            continue
        if fitted(context, read, Want(Type(unit), TYPES[unit]), Place(scope, "budget")):
            found[unit] = float(read.value)
    return Budget(found.get("seconds"), found.get("bytes"), node.span)


def edited(study: core.Study, edits: Edits, catalog: Catalog) -> core.Study:
    """The study as a profile has it."""
    if edits == Edits():
        return study
    changes: dict[str, core.Core] = {}
    for axis in edits.axes:
        if len(axis.paths) == 1:
            changes |= dict.fromkeys(axis.paths[0].slots, axis.value)
    rewrite = Rewriter(catalog, changes)
    budget = edits.budget or Budget(study.wall_seconds, study.memory_bytes, study.budget_span)
    return replaced(
        study,
        definitions={
            name: _definition(one, changes, rewrite) for name, one in study.definitions.items()
        },
        grids=(*(_grid(one, edits, changes, rewrite) for one in study.grids), *edits.grids),
        searches=tuple(_search(one, edits, changes, rewrite) for one in study.searches),
        repeat=edits.repeat or study.repeat,
        claims=(*study.claims, *edits.claims),
        wall_seconds=budget.wall_seconds,
        memory_bytes=budget.memory_bytes,
        budget_span=budget.span,
    )


def _definition(
    definition: core.Definition, changes: dict[str, core.Core], rewrite: Rewriter
) -> core.Definition:
    whole = changes.get(f"{definition.kind} {definition.name}")
    parameters = {
        name: changes.get(f"{definition.name}({name})")
        or (None if default is None else rewrite(default))
        for name, default in definition.parameters.items()
    }
    return replaced(definition, value=whole or rewrite(definition.value), parameters=parameters)


def _grid(
    grid: core.Grid, edits: Edits, changes: dict[str, core.Core], rewrite: Rewriter
) -> core.Grid:
    return replaced(
        grid,
        axes=_axes(grid.axes, edits.axes, changes, rewrite),
        repeat=None if edits.repeat is not None else grid.repeat,
        filters=(*grid.filters, *edits.filters),
    )


def _search(
    search: core.Search, edits: Edits, changes: dict[str, core.Core], rewrite: Rewriter
) -> core.Search:
    return replaced(
        search,
        axes=_axes(search.axes, edits.axes, changes, rewrite),
        repeat=None if edits.repeat is not None else search.repeat,
        filters=(*search.filters, *edits.filters),
        trials=edits.trials or search.trials,
    )


def _axes(
    axes: Sequence[core.Axis],
    edits: Sequence[core.Axis],
    changes: dict[str, core.Core],
    rewrite: Rewriter,
) -> tuple[core.Axis, ...]:
    made: list[core.Axis] = []
    for axis in axes:
        if len(axis.paths) > 1:
            made.append(_paired(axis, edits, changes, rewrite))
        else:
            made += _split(axis, changes, rewrite)
    return tuple(made)


def _split(
    axis: core.Axis, changes: dict[str, core.Core], rewrite: Rewriter
) -> Iterable[core.Axis]:
    """An axis, and apart from it the slots of it that have a value of their own now."""
    (path,) = axis.paths
    kept = [slot for slot in path.slots if slot not in changes]
    if kept:
        yield core.Axis((_only(path, kept),), rewrite(axis.value), axis.span)
    by_value: dict[int, list[str]] = {}
    for slot in path.slots:
        if slot in changes:
            by_value.setdefault(id(changes[slot]), []).append(slot)
    for slots in by_value.values():
        value = changes[slots[0]]
        yield core.Axis((_only(path, slots),), value, axis.span)


def _only(path: core.AxisPath, slots: Sequence[str]) -> core.AxisPath:
    """A path for some of its slots."""
    of = tuple(name for slot, name in zip(path.slots, path.of, strict=False) if slot in slots)
    return replaced(path, slots=tuple(one for one in path.slots if one in slots), of=of)


def _paired(
    axis: core.Axis,
    edits: Sequence[core.Axis],
    changes: dict[str, core.Core],
    rewrite: Rewriter,
) -> core.Axis:
    """A paired axis: replaced by one over the same paths, or with one of its columns replaced."""
    slots = [set(path.slots) for path in axis.paths]
    for edit in edits:
        if [set(path.slots) for path in edit.paths] == slots:
            return replaced(axis, value=edit.value)
    columns = {
        i: changes[slot]
        for i, path in enumerate(axis.paths)
        for slot in path.slots
        if slot in changes
    }
    return replaced(axis, value=_with_columns(rewrite(axis.value), columns))


def _with_columns(value: core.Core, columns: dict[int, core.Core]) -> core.Core:
    if not columns:
        return value
    if isinstance(value, core.Choice):
        return replaced(value, options=tuple(_with_columns(one, columns) for one in value.options))
    if isinstance(value, core.ListValue):
        items = tuple(columns.get(i, item) for i, item in enumerate(value.items))
        return replaced(value, items=items)
    return value


def sets_nothing(study: core.Study, edits: Edits) -> list[core.AxisPath]:
    """Paths of a profile that no definition has and no block sets."""
    in_blocks = {
        slot
        for block in (*study.grids, *study.searches)
        for axis in block.axes
        for path in axis.paths
        for slot in path.slots
    }
    roots = {"method", "model", "data"}
    return [
        path
        for axis in edits.axes
        for path in axis.paths
        if all(slot in roots and slot not in in_blocks for slot in path.slots)
    ]
