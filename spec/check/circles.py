"""Shared values that come to depend on themselves where a block or an edit sets them.

In definitions a circle is found as they are read; an axis or a profile may close another,
`effort: 2 * effort`.
"""

from collections.abc import Iterable, Mapping, Sequence

from lab.spec import core
from lab.spec.check.context import Context, Scope
from lab.spec.check.edits import edited
from lab.spec.check.lints import walk
from lab.spec.check.origins import EditedBy
from lab.spec.source import Source

PREFIX = "let "


def refuse_circles(
    context: Context, study: core.Study, edits: Sequence[EditedBy], source: Source
) -> None:
    """Report shared values that depend on themselves, in the study as it is and under edits."""
    _refuse(context, study, (), source)
    for one in edits:
        if _names([*one.edits.axes, *(axis for grid in one.edits.grids for axis in grid.axes)]):
            study = edited(study, one.edits, context.catalog)
            _refuse(context, study, one.edits.axes, one.source)


def _refuse(
    context: Context, study: core.Study, edits: Sequence[core.Axis], source: Source
) -> None:
    lets = {one.name: one.value for one in study.definitions.values() if one.kind == "let"}
    for axes in ((), *(block.axes for block in (*study.grids, *study.searches))):
        names = _names(axes)
        circle = _circle({**lets, **names}) if names or edits else frozenset[str]()
        for name, value in (_names(edits) or names).items():
            if name in circle:
                message = f"`{name}` depends on itself"
                context.report("E0203", message, value.span, Scope(source))
                return


def _names(axes: Iterable[core.Axis]) -> dict[str, core.Core]:
    """The shared values that axes set, by name."""
    return {
        slot.removeprefix(PREFIX): axis.value
        for axis in axes
        for path in axis.paths
        for slot in path.slots
        if slot.startswith(PREFIX)
    }


def _circle(values: Mapping[str, core.Core]) -> frozenset[str]:
    """The shared values that depend on themselves, or on some that do."""
    left = {
        name: {
            part.slot.removeprefix(PREFIX)
            for part in walk(value)
            if isinstance(part, core.Reference) and part.slot.startswith(PREFIX)
        }
        for name, value in values.items()
    }
    free = True
    while free:
        free = [name for name, others in left.items() if not others & left.keys()]
        for name in free:
            del left[name]
    return frozenset(left)
