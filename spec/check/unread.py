"""A warning about arguments that no run reads: every block that uses the method sets them anew.

A claim or a metric that names a method asks for it as it is defined, and a table shows runs that
depart nowhere from that; so what is written counts where one of them could look at it.
"""

from collections.abc import Iterator, Sequence

from lab.spec import core
from lab.spec.check.context import Context, Scope
from lab.spec.check.lints import asked_for, closure, walk
from lab.spec.diagnostics import Label
from lab.spec.records import record
from lab.spec.source import Source

Block = core.Grid | core.Search


@record
class _Written:
    """An argument in a method's definition, and the slot at which an axis would set it."""

    name: str
    slot: str
    value: core.Core


def lint_unread(context: Context, study: core.Study, source: Source) -> None:
    """Warn of written arguments that no run of the study, or of a profile's grids, ever reads."""
    looked_at = closure(study, [*asked_for(study)])
    reach = {block: _reached(study, block) for block in (*study.grids, *study.searches)}
    for definition in study.definitions.values():
        declared = context.declared.get(definition.name)
        is_here = declared is not None and declared.source is source
        if definition.kind != "method" or definition.name in looked_at or not is_here:
            continue
        blocks = [block for block, names in reach.items() if definition.name in names]
        for one in _written(definition.value) if blocks else ():
            axis = _always_set(one, blocks, source)
            if axis is not None:
                _warn(context, definition, one, axis=axis, source=source)


def _warn(
    context: Context,
    definition: core.Definition,
    one: _Written,
    *,
    axis: core.Axis,
    source: Source,
) -> None:
    text = source.text[one.value.span.start : one.value.span.end]
    name = definition.name
    message = f"no run reads `{one.name}: {text}`: wherever `{name}` runs, an axis sets it"
    also = [Label(axis.paths[0].span, "set here")]
    scope = Scope(source, definition.name)
    context.report("W0804", message, one.value.span, scope, also=also)


def _reached(study: core.Study, block: Block) -> set[str]:
    """Methods that the points of a block can use."""
    arms = [axis.value for axis in block.axes if "method" in axis.paths[0].slots]
    if not arms:
        return {name for name, one in study.definitions.items() if one.kind == "method"}
    return closure(study, [axis.value for axis in block.axes])


def _written(value: core.Core) -> Iterator[_Written]:
    """Arguments of the stages of a definition, outer ones first."""
    for node in walk(value):
        if isinstance(node, core.Build):
            for name, inner in node.arguments.items():
                if not isinstance(inner, core.Build) or inner.slot == f"{node.slot}.{name}":
                    yield _Written(name, f"{node.slot}.{name}", inner)


def _always_set(one: _Written, blocks: Sequence[Block], source: Source) -> core.Axis | None:
    """The axis that sets an argument, where every block has one and none says what is written."""
    found = [_setting(one.slot, block) for block in blocks]
    axes = [axis for axis in found if axis is not None]
    if len(axes) < len(blocks) or any(_may_say(axis, one, source) for axis in axes):
        return None
    return axes[0]


def _setting(slot: str, block: Block) -> core.Axis | None:
    """The axis of a block that sets a slot for every one of its points."""
    for axis in block.axes:
        if any(slot in path.slots for path in axis.paths):
            return axis
    return None


def _may_say(axis: core.Axis, one: _Written, source: Source) -> bool:
    """Whether an axis has the written value among its own, or may have."""
    value = axis.value
    if len(axis.paths) > 1 or not isinstance(one.value, core.Const | core.Build):
        return True
    if isinstance(value, core.RangeChoice):
        return not _is_outside(one.value, value)
    written = source.text[one.value.span.start : one.value.span.end]
    options = value.options if isinstance(value, core.Choice) else (value,)
    return any(_is_like(option, one.value, written, source) for option in options)


def _is_like(option: core.Core, value: core.Core, written: str, source: Source) -> bool:
    if isinstance(option, core.Const) and isinstance(value, core.Const):
        return option.value == value.value
    if isinstance(option, core.Const | core.Build):
        return source.text[option.span.start : option.span.end] == written
    return True


def _is_outside(value: core.Core, among: core.RangeChoice) -> bool:
    ends = [one.value for one in (among.start, among.stop) if isinstance(one, core.Const)]
    number = value.value if isinstance(value, core.Const) else None
    numbers = [one for one in (*ends, number) if isinstance(one, int | float)]
    if len(numbers) < 3:
        return False
    return not min(numbers[:2]) <= numbers[2] <= max(numbers[:2])
