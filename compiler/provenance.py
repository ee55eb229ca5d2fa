"""Where the value of a node's argument was written.

A plan keeps values, not their origin. To explain one, its point is evaluated once more by an
evaluator that notes which expression gave each argument its value: what a call of the method says,
what an axis, a profile or `--set` says, what the definition says, or nobody, and it is a default.
That costs a point, not a study, so only what is shown is explained.

Alternatives that no axis of the run's grid sets are tried in turn until a stage has the node's key.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

from lab.compiler.differences import inside
from lab.compiler.evaluate import NOWHERE
from lab.compiler.formulas import Leaf, leaves
from lab.compiler.measures import Metrics
from lab.compiler.plan import Comparison, Junction, Node, Plan, Run, Tree
from lab.compiler.pointed import Pointed, choices
from lab.compiler.points import Scope, axes_of, chosen_method
from lab.compiler.problem import Problem
from lab.compiler.searches import search_winners
from lab.compiler.stages import Pipelines, Template
from lab.compiler.texts import Place, Texts, parts
from lab.compiler.tracing import Steps, Trace, Tracing, descended
from lab.spec import core
from lab.spec.records import record
from lab.spec.values import Value

#: Points that are tried at most, where alternatives stand that no axis sets.
MOST_TRIES = 256


@record
class Origin:
    """What a value is called, and where it was written: the innermost place first.

    `name` is a path of the study, or of the parameter or `let` that the value was taken from.
    """

    name: str
    places: tuple[Place, ...]


@record
class Point:
    """One evaluated point: its traces, and the templates of everything that it has."""

    grid: core.Grid
    run: Run
    tracing: Tracing
    templates: dict[str, Template]

    def trace(self, node: Node) -> Trace | None:
        """The trace of a node; one that stands for another key is known by its arguments."""
        template = self.templates.get(node.key)
        if template is not None:
            return self.tracing.stages.get(id(template.arguments))
        alike = (
            one
            for one in self.templates.values()
            if one.signature.name == node.component and one.arguments == node.arguments
        )
        return next((self.tracing.stages.get(id(one.arguments)) for one in alike), None)


class Provenance:
    """Origins of the values of a plan."""

    def __init__(self, scope: Scope, texts: Texts, plan: Plan) -> None:
        self.scope = scope
        self.texts = texts
        self.plan = plan
        self._points: dict[tuple[str, str, int], Point | None] = {}
        self._users: dict[str, str] | None = None
        self._named = {
            slot: path.text
            for grid in scope.study.grids
            for axis in grid.axes
            for path in axis.paths
            for slot in path.slots
        }
        if not scope.winners:
            search_winners(scope)

    def origin(self, node: Node, steps: Steps) -> Origin:
        """What gave a value inside the arguments of a node."""
        name = self._name(node, steps)
        point = self._point_of(node)
        trace = None if point is None else point.trace(node)
        if trace is None:
            return Origin(name, self._claims(node))
        way = descended(trace, steps)
        declared = next(
            (one.expression for one in way if isinstance(one.expression, core.Named)), None
        )
        if declared is not None:
            name = ".".join((declared.name, *_words(steps[1:])))
        return Origin(self._called(way) or name, tuple(self._places(way)))

    def kind(self, node: Node, steps: Steps) -> str:
        """The name of the type of a value inside the arguments of a node."""
        signature = self.scope.catalog.get(node.role, node.component)
        value: Value = dict(node.arguments)
        name = ""
        for step in steps:
            if isinstance(value, dict) and "component" in value and step == "args":
                signature = self.scope.catalog.get(str(value["kind"]), str(value["component"]))
                value, name = value["args"], ""
                continue
            info = signature.parameter(step) if signature and isinstance(step, str) else None
            name = info.type.name if info else name
            value = inside(value, step)
        return name

    def stage(self, node: Node) -> tuple[Place, ...]:
        """Where a node is written, and where its grid asks for the arm that it is in."""
        point = self._point_of(node)
        if point is None:
            return self._claims(node)
        trace = point.trace(node)
        written = [] if trace is None or trace.expression is None else [trace.expression]
        places = [self.texts.place(one, "definition") for one in written]
        return (*places, *self._arm(point))

    def _claims(self, node: Node) -> tuple[Place, ...]:
        """The claim that asks for a node that no run has."""
        wanted: str | None = node.key
        while wanted is not None:
            for claim, planned in zip(self.scope.study.claims, self.plan.claims, strict=False):
                if any(_compares(case.condition, wanted) for case in planned.cases):
                    return (self.texts.at(claim.span, "claim"),)
            wanted = self._user(wanted)
        return ()

    def replicates(self, node: Node) -> tuple[Place, ...]:
        """Where it is said how many replicates a node has."""
        point = self._point_of(node)
        if point is None:
            return ()
        return (self.texts.of_repeat(point.grid.repeat or self.scope.study.repeat),)

    # Places

    def _places(self, way: Sequence[Trace]) -> Iterator[Place]:
        """Of the innermost trace first; what nobody wrote is where it is left out."""
        is_default, is_first = way[-1].expression is None, True
        for i in range(len(way) - 1, -1, -1):
            expression, kind = way[i].expression, way[i].kind
            is_component = isinstance(expression, core.Build | core.Measure)
            if is_component and not is_first:
                return  # a component around the value is no origin of it
            if i and isinstance(way[i - 1].expression, core.Choice):
                kind = way[i - 1].kind
            if expression is not None and not isinstance(expression, core.Choice):
                yield self.texts.place(expression, "default" if is_default else kind)
                is_first = False

    def _called(self, way: Sequence[Trace]) -> str | None:
        """The innermost name that a value was taken from whole."""
        for trace in reversed(way):
            if isinstance(trace.expression, core.Reference):
                slot = trace.expression.slot
                return self._named.get(slot) or slot.removeprefix("let ").replace("(", ".").rstrip(
                    ")"
                )
            if not isinstance(trace.expression, core.Const | core.RangeChoice | core.Choice):
                return None
        return None

    def _name(self, node: Node, steps: Steps) -> str:
        slot = ".".join(_words(steps))
        owner = node.label.partition(": ")[0]
        if node.role == "measurement":
            return f"{node.component}.{slot}"
        return ".".join(filter(None, (owner, slot)))

    def _arm(self, point: Point) -> Iterator[Place]:
        """Where the axis of a grid names the arm of a run."""
        for axis in point.grid.axes:
            if any("method" in path.slots for path in axis.paths):
                for one in parts(axis.value):
                    if isinstance(one, core.Arm) and one.name == point.run.arm.partition("(")[0]:
                        yield self.texts.place(one, "axis")
                        return

    # Points

    def _point_of(self, node: Node) -> Point | None:
        """The first point whose run uses a node."""
        run = self._run_of(node.key)
        if run is None:
            return None
        at = (run.grid, run.point, run.seed)
        if at not in self._points or node.key not in _keys(self._points[at]):
            self._points[at] = self._evaluated(run, node.key)
        return self._points[at]

    def _run_of(self, key: str) -> Run | None:
        wanted: str | None = key
        while wanted is not None:
            for run in self.plan.runs:
                if wanted in run.stages or any(_mentions(one, wanted) for one in _trees(run)):
                    return run
            wanted = self._user(wanted)
        return None

    def _user(self, key: str) -> str | None:
        """A node that uses another one, until it is one that a run has."""
        if self._users is None:
            self._users = {
                one: node.key for node in self.plan.nodes for one in node.inputs.values()
            }
        return self._users.get(key)

    def _evaluated(self, run: Run, key: str) -> Point | None:
        grid = next((one for one in self.scope.study.grids if one.name == run.grid), None)
        if grid is None:
            return None
        chooser, found = Pointed(choices(self.scope, grid, run)), None
        for _ in range(MOST_TRIES):
            point = self._at(grid, run, chooser)
            if point is not None and key in point.templates:
                return point
            found = point or found
            if not chooser.advance():
                break
        return found

    def _at(self, grid: core.Grid, run: Run, chooser: Pointed) -> Point | None:
        scope = self.scope
        repeat = grid.repeat or scope.study.repeat
        tracing = Tracing(
            scope.study, scope.catalog, scope.contents, axes=axes_of(grid), chooser=chooser
        )
        tracing.winners = scope.winners
        tracing.begin()
        templates: dict[str, Template] = {}
        try:
            stage = Pipelines(tracing, repeat.vary).method(chosen_method(tracing))
            _note(templates, stage, run.seed, repeat.vary)
            tracing.forks = False
            metrics = Metrics(tracing, repeat.vary, stage)
            for one in self._measured(metrics):
                _note(templates, one, run.seed, repeat.vary)
        except Problem:
            return None
        return Point(grid, run, tracing, templates)

    def _measured(self, metrics: Metrics) -> Iterator[Template]:
        """What is measured at a point; a claim's metric may mean nothing there."""
        for one in self.texts.metrics:
            try:
                formula = metrics.formula(one, NOWHERE)
                yield from (leaf.template for leaf in leaves(formula) if isinstance(leaf, Leaf))
            except Problem:
                continue


def _words(steps: Steps) -> list[str]:
    """The way into a value as a path is written."""
    return [str(one) for one in steps if one not in ("args", "through", "pieces", "of")]


def _note(templates: dict[str, Template], one: Template, seed: int, vary: tuple[str, ...]) -> None:
    """Keep a template and all that it needs, by key."""
    key = one.key(seed, vary)
    if key not in templates:
        templates[key] = one
        for upstream in one.inputs.values():
            _note(templates, upstream, seed, vary)


def _trees(run: Run) -> Iterator[Tree]:
    yield from run.metrics.values()


def _compares(condition: Comparison | Junction, key: str) -> bool:
    if isinstance(condition, Junction):
        return any(_compares(one, key) for one in condition.operands)
    return any(_mentions(one, key) for one in (*condition.left, *condition.right))


def _mentions(tree: Tree, key: str) -> bool:
    if "node" in tree:
        return tree["node"] == key
    inner = cast(list[Tree], tree.get("of", []))
    return any(_mentions(one, key) for one in inner)


def _keys(point: Point | None) -> Mapping[str, Template]:
    return {} if point is None else point.templates
