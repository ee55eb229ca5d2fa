"""The choices of one run, found again from what it has at the paths of its grid.

Each axis is asked for itself which of its options reads so: that takes time in the number of
options, not in the number of points.
"""

from collections.abc import Iterator, Mapping

from lab.compiler.canonical import Shown
from lab.compiler.chooser import Chooser
from lab.compiler.evaluate import NOWHERE, Closure, Evaluator, coerced
from lab.compiler.plan import Run
from lab.compiler.points import ROOTS, Scope, arm_text, axes_of
from lab.compiler.texts import parts
from lab.spec import core
from lab.spec.signature import Type
from lab.spec.values import Value

#: Types whose values are written in a way of their own; any other's as they are.
_KINDS = ("", "share", "bits", "bytes", "seconds", "decibels", "pixels", "duration", "int")


class Pointed(Chooser):
    """A chooser some of whose choices are made; the others turn like any odometer's."""

    def __init__(self, made: Mapping[int, int]) -> None:
        super().__init__()
        self._made = made

    def choose(self, site: object, count: int) -> int:
        """The choice that is made, or the next one to try."""
        made = self._made.get(id(site))
        return super().choose(site, count) if made is None else made

    def met(self, site: object) -> bool:
        """Whether it is decided what stands at a site."""
        return id(site) in self._made or super().met(site)


def choices(scope: Scope, grid: core.Grid, run: Run) -> dict[int, int]:
    """The options that a run has at the axes of its grid, by the `id` of the place."""
    made: dict[int, int] = {}
    axes = axes_of(grid)
    for axis in grid.axes:
        made |= _of_axis(scope, axis, run, axes)
    return made


def _of_axis(
    scope: Scope, axis: core.Axis, run: Run, axes: Mapping[str, Closure]
) -> dict[int, int]:
    sites = [one for one in parts(axis.value) if isinstance(one, core.Choice | core.RangeChoice)]
    chooser = Chooser()
    while True:
        evaluator = scope.evaluator(axes, chooser)
        if all(_reads(evaluator, axis, i, run) for i in range(len(axis.paths))):
            return {id(one): chooser.position(one) for one in sites if chooser.met(one)}
        if not chooser.advance():
            return {}


def _reads(evaluator: Evaluator, axis: core.Axis, i: int, run: Run) -> bool:
    """Whether a run has what one path of an axis has here; a path that it lacks says nothing."""
    path = axis.paths[i]
    said = run.settings.get(path.text)
    if said is None:
        return True
    closure = Closure(axis.value, NOWHERE, i if len(axis.paths) > 1 else None)
    expression = evaluator.closed(closure)[0]
    while isinstance(expression, core.Choice):
        expression = evaluator.chosen(expression)
    if "method" in path.slots and isinstance(expression, core.Core):
        return said == arm_text(expression)
    if any(root in path.slots for root in ROOTS) and isinstance(expression, core.Named):
        return said == expression.name
    if isinstance(expression, core.Arm | core.Pipeline):
        return False
    value = evaluator.of(closure)
    return said in _spellings(value, Shown(evaluator.catalog))


def _spellings(value: Value, shown: Shown) -> Iterator[str]:
    """How a value is written, whatever its type."""
    for kind in _KINDS:
        yield shown.text(coerced(value, Type(kind)), kind)
