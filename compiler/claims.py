"""Claims as cases: which settings and replicates the evidence comes from.

An arm in a claim means the arm as defined. `over some p` and `over every p` let it range over the
values that the grids give to `p`, in the combinations that occur in them. The arm's own
alternatives, and the models and data it was run on, must all satisfy the claim: they make groups,
as `every` does.
"""

from collections.abc import Iterator, Mapping, Sequence

from lab.compiler.axes import Axes, guards_of, slots_at
from lab.compiler.canonical import Shown, digest
from lab.compiler.chooser import Chooser
from lab.compiler.conditions import holds
from lab.compiler.evaluate import NOWHERE, Closure, Noted, Resolved
from lab.compiler.formulas import Formula, tree
from lab.compiler.graph import Asking
from lab.compiler.measures import Metrics, Universe
from lab.compiler.plan import Case, ClaimPlan, Comparison, Junction, Tree
from lab.compiler.points import Point, Scope, narrowed
from lab.compiler.problem import Problem
from lab.spec import core
from lab.spec.records import record


@record
class Setting:
    """One combination of the slots a claim ranges over."""

    values: Mapping[str, Noted]

    def closures(self) -> dict[str, Closure]:
        """The setting as axes."""
        return {
            slot: Closure(Resolved(noted.value), NOWHERE) for slot, noted in self.values.items()
        }

    @classmethod
    def of_point(cls, point: Point, paths: Sequence[core.AxisPath]) -> "Setting":
        """What a point has at some paths. `method.rank` is set for every arm that has one."""
        here = point.settings
        found: dict[str, Noted] = {}
        for path in paths:
            own = {slot: here[slot] for slot in slots_at(path, here) if slot in here}
            if path.of and own:
                own = dict.fromkeys(path.slots, next(iter(own.values())))
            found |= own
        return cls(dict(sorted(found.items())))


def plan_claim(claim: core.Claim, *, universe: Universe, graph: Asking) -> ClaimPlan:
    """A claim with the measurements it demands."""
    scope, points = universe.scope, universe.points
    arms = frozenset(_arm_names(claim.condition))
    relevant = [point for point in points if point.settings["method"].value in arms]
    cases = _Cases(scope, claim, _replicates(scope.study, relevant), graph, universe)
    found = [
        case
        for setting in _settings(claim, relevant)
        for roots in _roots(relevant)
        for case in cases.at({**roots, **setting.closures()}, setting)
    ]
    return ClaimPlan(
        claim.name, claim.title, claim.text, claim.level, tuple(found), source=claim.source
    )


def _replicates(study: core.Study, points: list[Point]) -> core.Repeat:
    """The replicates that the arms of a claim have: those of the block with the most of them."""
    repeats = [point.grid.repeat or study.repeat for point in points] or [study.repeat]
    return max(repeats, key=lambda repeat: len(repeat.seeds))


def _settings(claim: core.Claim, points: list[Point]) -> list[Setting]:
    """Combinations, found in the grids, of the slots that the claim ranges over."""
    paths = [path for one in claim.over for path in one.paths]
    slots = {slot for path in paths for slot in path.slots}
    if not slots:
        return [Setting({})]
    found: dict[str, Setting] = {}
    for point in points:
        setting = Setting.of_point(point, paths)
        if setting.values and point.departs <= slots:
            key = digest({slot: noted.value for slot, noted in setting.values.items()})
            found.setdefault(key, setting)
    return list(found.values()) or [Setting({})]


def _roots(points: list[Point]) -> list[dict[str, Closure]]:
    """The models and data sources that the arms of a claim were run on."""
    found: dict[tuple[object, ...], dict[str, Closure]] = {}
    for point in points:
        names = tuple(
            point.settings[kind].value if kind in point.settings else None
            for kind in ("model", "data")
        )
        if names in found:
            continue
        axes = {kind: point.axes[kind] for kind in ("model", "data") if kind in point.axes}
        found[names] = {kind: _fixed(closure, point) for kind, closure in axes.items()}
    return list(found.values()) or [{}]


def _fixed(closure: Closure, point: Point) -> Closure:
    """An axis narrowed to the option that a point chose."""
    expression = closure.expression
    while isinstance(expression, core.Choice):
        expression = expression.options[max(0, point.chooser.position(expression))]
    return Closure(expression, NOWHERE)


@record
class _Cases:
    """The cases of one claim."""

    scope: Scope
    claim: core.Claim
    repeat: core.Repeat
    graph: Asking
    universe: Universe

    def at(self, axes: Mapping[str, Closure], setting: Setting) -> Iterator[Case]:
        """Cases at a setting: one for each combination of the arms' own alternatives."""
        chooser, roots = Chooser(), _chosen_roots(axes, self.scope.study)
        paths = (path for one in self.claim.over for path in one.paths)
        axes = Axes(axes, guards_of(paths))
        while True:
            evaluator = narrowed(self.scope.evaluator(axes, chooser), roots)
            metrics = Metrics(evaluator, self.repeat.vary, None, universe=self.universe)
            condition = self._condition(self.claim.condition, metrics)
            settings = {**evaluator.settings, **setting.values}
            settings.update(roots)
            if self.claim.where is None or holds(self.claim.where, settings) is not False:
                yield self._case(settings, chooser, condition)
            if not chooser.advance():
                return

    def _case(
        self,
        settings: Mapping[str, Noted],
        chooser: Chooser,
        condition: Comparison | Junction,
    ) -> Case:
        some: dict[str, str] = {}
        group = {kind: str(settings[kind].value) for kind in self._chosen_kinds(settings)}
        for one in self.claim.over:
            target = some if one.quantifier == "some" else group
            target.update(_texts(one.paths, settings, self.scope.shown))
        group.update({f"alternative {i + 1}": text for i, text in enumerate(chooser.texts())})
        return Case(some, group, self.repeat.seeds, condition)

    def _chosen_kinds(self, settings: Mapping[str, Noted]) -> list[str]:
        """What had to be chosen: a sole model or data source goes without saying."""
        kinds = [one.kind for one in self.scope.study.definitions.values()]
        return [kind for kind in ("model", "data") if kind in settings and kinds.count(kind) > 1]

    def _condition(self, condition: core.Core, metrics: Metrics) -> Comparison | Junction:
        match condition:
            case core.Logical():
                operands = tuple(self._condition(one, metrics) for one in condition.operands)
                return Junction(condition.op, operands)
            case core.Compare(op="<" | "<=" | ">" | ">=" | "==" | "!=" as op):
                left = metrics.formula(condition.left, NOWHERE)
                right = metrics.formula(condition.right, NOWHERE)
                return Comparison(op, self._replicated(left), self._replicated(right))
            case _:
                raise Problem("E0601", "a claim compares metrics", condition.span)

    def _replicated(self, formula: Formula) -> tuple[Tree, ...]:
        vary = self.repeat.vary
        return tuple(tree(formula, seed, vary, self.graph) for seed in self.repeat.seeds)


def _texts(
    paths: tuple[core.AxisPath, ...], settings: Mapping[str, Noted], shown: Shown
) -> Iterator[tuple[str, str]]:
    for path in paths:
        for slot in path.slots:
            if slot in settings:
                yield path.text, shown.text(settings[slot].value, settings[slot].kind)


def _chosen_roots(axes: Mapping[str, Closure], study: core.Study) -> dict[str, Noted]:
    """The names of the model and the data source that a case is about."""
    found: dict[str, Noted] = {}
    for kind in ("model", "data"):
        closure = axes.get(kind)
        declared = [d.name for d in study.definitions.values() if d.kind == kind]
        if closure is not None and isinstance(closure.expression, core.Named):
            found[kind] = Noted(closure.expression.name, kind)
        elif len(declared) == 1:
            found[kind] = Noted(declared[0], kind)
    return found


def _arm_names(expression: core.Core) -> Iterator[str]:
    """Arms that a claim names itself, not those inside its metrics."""
    match expression:
        case core.Logical():
            for one in expression.operands:
                yield from _arm_names(one)
        case core.Compare() | core.Arithmetic():
            yield from _arm_names(expression.left)
            yield from _arm_names(expression.right)
        case core.MetricCall(arm=core.Arm() as arm) | core.Measure(arm=core.Arm() as arm):
            yield arm.name
        case _:
            return
