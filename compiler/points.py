"""A grid as points: every combination of its axes that its filters leave."""

from collections.abc import Iterator, Mapping
from typing import Literal, cast

from lab.compiler.axes import Axes, guards_of
from lab.compiler.canonical import Shown, digest, number_text
from lab.compiler.cells import Settings
from lab.compiler.chooser import Chooser
from lab.compiler.conditions import holds
from lab.compiler.evaluate import NOWHERE, Closure, Contents, Evaluator, Noted
from lab.compiler.problem import Problem
from lab.compiler.remember import Remembering
from lab.compiler.shapes import Memory
from lab.compiler.stages import Pipelines, Template
from lab.spec import core
from lab.spec.records import made_by, record
from lab.spec.signature import Catalog

ROOTS: tuple[Literal["method", "model", "data"], ...] = ("method", "model", "data")


@record
class Point:
    """One combination: its arm as a template, and what was found at each slot on the way.

    `narrowed` are the axes that are meant for its method, model and data. `order` sorts the points
    of a grid as its axes are written.
    """

    grid: core.Grid
    arm: str
    method: core.Core
    stage: Template
    settings: Settings
    chooser: Chooser
    axes: Mapping[str, Closure]
    narrowed: Mapping[str, Closure]
    order: tuple[int, ...]
    baselines: "Baselines"

    def same(self, vary: tuple[str, ...]) -> tuple[object, ...]:
        """Equal for points that are one run: the same arm with the same last stage.

        Replicates of a random stage that differ in other streams are other runs.
        """
        if not self.stage.random:
            return self.arm, self.stage.digest, "fixed"
        return (self.arm, self.stage.digest, vary) if vary else (self.arm, self.stage.digest)

    def identity(self, vary: tuple[str, ...]) -> str:
        """The name of what is equal for points that are one run."""
        return digest(self.same(vary))[:16]

    @property
    def departs(self) -> frozenset[str]:
        """The slots at which an axis set a value that the arm as defined does not have."""
        at, method, axes = self.settings.at, self.method, self.axes
        here = [(slot, at(slot)) for slot in self.narrowed if slot not in ROOTS]
        return frozenset(
            slot
            for slot, noted in here
            if noted is not None and noted.value not in self.baselines.at(method, slot, axes)
        )


@record
class Expansion:
    """The points of a grid, and how many each filter removed."""

    points: tuple[Point, ...]
    removed: Mapping[core.Filter, int]


@record
class Scope:
    """What an expansion needs to know besides the grid.

    `winners` are the arms that searches make, by name (`tune.best`).
    """

    study: core.Study
    catalog: Catalog
    contents: Contents
    winners: dict[str, Template] = made_by(default_factory=dict[str, Template])
    memory: Memory = made_by(default_factory=Memory)

    @property
    def shown(self) -> Shown:
        """How values of this study are written."""
        return Shown(self.catalog)

    def evaluator(self, axes: Mapping[str, Closure], chooser: Chooser) -> Evaluator:
        """An evaluator of this study."""
        made = Remembering(
            self.study,
            self.catalog,
            self.contents,
            axes=axes,
            chooser=chooser,
            memory=self.memory,
        )
        made.winners = self.winners
        return made


def axes_of(grid: core.Grid | core.Search) -> Axes:
    """What a block sets, by slot."""
    closures: dict[str, Closure] = {}
    for axis in grid.axes:
        for i, path in enumerate(axis.paths):
            item = i if len(axis.paths) > 1 else None
            closures.update({slot: Closure(axis.value, NOWHERE, item) for slot in path.slots})
    return Axes(closures, guards_of(path for axis in grid.axes for path in axis.paths))


def expand(scope: Scope, grid: core.Grid) -> Expansion:
    """All points of a grid, in the order of its axes."""
    removed: dict[core.Filter, int] = dict.fromkeys(grid.filters, 0)
    kept: list[Point] = []
    baselines = Baselines(scope)
    for point in _every(scope, grid, baselines):
        filter_hit = _rejected(grid, point)
        if filter_hit is None:
            kept.append(point)
        else:
            removed[filter_hit] += 1
    return Expansion(tuple(sorted(kept, key=lambda point: point.order)), removed)


def _rejected(grid: core.Grid, point: Point) -> core.Filter | None:
    for one in grid.filters:
        applies = holds(one.condition, point.settings)
        if applies is not None and applies == (one.kind == "skip"):
            return one
    return None


def _every(scope: Scope, grid: core.Grid, baselines: "Baselines") -> Iterator[Point]:
    axes = axes_of(grid)
    chooser = Chooser()
    repeat = grid.repeat or scope.study.repeat
    while True:
        yield _point(scope, grid, axes=axes, chooser=chooser, vary=repeat.vary, baselines=baselines)
        if not chooser.advance():
            return


def _point(
    scope: Scope,
    grid: core.Grid,
    *,
    axes: Mapping[str, Closure],
    chooser: Chooser,
    vary: tuple[str, ...],
    baselines: "Baselines",
) -> Point:
    evaluator = scope.evaluator(axes, chooser)
    method = chosen_method(evaluator)
    stage = Pipelines(evaluator, vary).method(method)
    point = Point(
        grid,
        evaluator.recalled(("arm", method), lambda: note_roots(evaluator, method)),
        method,
        stage,
        evaluator.settings,
        chooser.snapshot(),
        axes,
        evaluator.axes,
        tuple([chooser.position(axis.value) for axis in grid.axes]),
        baselines,
    )
    if not baselines.know(method):
        _ = point.departs  # what is wrong with an arm as defined is told before it is planned
    return point


def chosen_method(evaluator: Evaluator) -> core.Core:
    """The arm of a point. What axes set for whichever the point has is set from here on."""
    axes = evaluator.axes
    for kind in ("model", "data"):
        if isinstance(axes, Axes) and axes.guarded(kind):
            evaluator.narrow(kind, _root_name(evaluator, kind) or "")
    method = evaluator.recalled(("method",), lambda: _chosen(evaluator))
    if isinstance(method, core.Arm):
        evaluator.narrow("method", method.name)
    return method


def _chosen(evaluator: Evaluator) -> core.Core:
    axis = evaluator.lookup("method", NOWHERE)
    if axis is None:
        return _last_method(evaluator.study)
    expression, _ = evaluator.closed(axis)
    expression = cast(core.Core, expression)
    while isinstance(expression, core.Choice):
        expression = evaluator.chosen(expression)
    return expression


def _last_method(study: core.Study) -> core.Arm:
    methods = [one for one in study.definitions.values() if one.kind == "method"]
    if not methods:
        raise Problem("E0510", "there is no method to run", study.repeat.span)
    return core.Arm(methods[-1].name, {}, {}, methods[-1].span)


def note_roots(evaluator: Evaluator, method: core.Core) -> str:
    """Note the names of the point's method, model and data; what tables call the arm."""
    name = method.name if isinstance(method, core.Arm) else "method"
    evaluator.settings["method"] = Noted(name, "method")
    for kind in ("model", "data"):
        name = _root_name(evaluator, kind)
        if name is not None:
            evaluator.settings[kind] = Noted(name, kind)
    return arm_text(method)


def _root_name(evaluator: Evaluator, kind: str) -> str | None:
    """The name of the point's model or data, where that is one declared."""
    axis = evaluator.lookup(kind, NOWHERE)
    declared = [d.name for d in evaluator.study.definitions.values() if d.kind == kind]
    name = declared[0] if len(declared) == 1 else None
    if axis is not None:
        expression = evaluator.closed(axis)[0]
        while isinstance(expression, core.Choice):
            expression = evaluator.chosen(expression)
        name = expression.name if isinstance(expression, core.Named) else name
    return name


def narrowed(evaluator: Evaluator, settings: Mapping[str, Noted]) -> Evaluator:
    """An evaluator at a point whose method, model and data are noted."""
    axes = evaluator.axes
    for kind in ROOTS if isinstance(axes, Axes) and axes.roots else ():
        if kind in settings:
            evaluator.narrow(kind, str(settings[kind].value))
    return evaluator


def arm_text(method: core.Core) -> str:
    """How tables call an arm: its name, with what a call refined."""
    if not isinstance(method, core.Arm):
        return "method"
    said = {**method.arguments, **method.overrides}
    inside = ", ".join(f"{_short(name)}: {_constant(value)}" for name, value in said.items())
    return f"{method.name}({inside})" if inside else method.name


def _short(slot: str) -> str:
    return slot.rsplit("#", 1)[-1].split(".", 1)[-1].removeprefix("through.")


def _constant(value: core.Core) -> str:
    match value:
        case core.Const(value=None):
            return "none"
        case core.Const(value=bool() as switch):
            return "true" if switch else "false"
        case core.Const(value=int() | float() as number):
            return number_text(number, "")
        case core.Const(value=str() as word):
            return word
        case core.Build():
            return value.component
        case _:
            return "…"


class Baselines:
    """The values that each arm has at a slot when no axis but method, model and data is set."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._found: dict[int, dict[str, list[object]]] = {}

    def know(self, method: core.Core) -> bool:
        """Whether the values of an arm are worked out."""
        return id(method) in self._found

    def at(self, method: core.Core, slot: str, axes: Mapping[str, Closure]) -> list[object]:
        """Values at a slot in an arm as defined; none where it lacks the slot."""
        found = self._found.get(id(method))
        if found is None:
            found = self._found[id(method)] = self._values(method, axes)
        return found.get(slot, [])

    def _values(self, method: core.Core, axes: Mapping[str, Closure]) -> dict[str, list[object]]:
        roots = {slot: axes[slot] for slot in ("model", "data") if slot in axes}
        chooser = Chooser()
        found: dict[str, list[object]] = {}
        while True:
            evaluator = self._scope.evaluator(roots, chooser)
            try:
                Pipelines(evaluator, ()).method(method)
            except Problem as problem:
                if problem.code == "E0301":  # only an axis gives it what it needs
                    return {}
                raise
            for slot, noted in evaluator.settings.items():
                values = found.setdefault(slot, [])
                if noted.value not in values:
                    values.append(noted.value)
            if not chooser.advance():
                return found
