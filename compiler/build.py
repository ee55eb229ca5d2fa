"""A checked study as a plan: the front door of the compiler."""

from collections.abc import Iterator

from lab.compiler.axes import slots_at
from lab.compiler.claims import plan_claim
from lab.compiler.evaluate import NOWHERE, Contents, Noted
from lab.compiler.formulas import Formulas, Own, formulas_of
from lab.compiler.graph import Asked
from lab.compiler.measures import Metrics, Universe, measured
from lab.compiler.needs import refuse_unmet
from lab.compiler.plan import Adaptive, AxisSummary, ColumnPlan, FigurePlan, Plan, Removed
from lab.compiler.points import ROOTS, Expansion, Point, Scope, arm_text, expand, narrowed
from lab.compiler.problem import Problem
from lab.compiler.runs import Described, Unfolding
from lab.compiler.searches import Decisions, search_winners
from lab.compiler.size import refuse_too_large
from lab.compiler.stages import owners
from lab.spec import core
from lab.spec.records import record
from lab.spec.signature import Catalog
from lab.spec.source import Span
from lab.spec.values import Value


@record
class Refusal:
    """Why a checked study has no plan: the driver makes it a diagnostic."""

    code: str
    message: str
    span: Span
    help_lines: tuple[str, ...]


def compile_study(
    study: core.Study, catalog: Catalog, contents: Contents, decided: Decisions | None = None
) -> Plan | Refusal:
    """The plan of a study, or the first reason why it has none.

    Args:
        study: checked. `catalog`: the one it was checked against.
        contents: checksum of a file named in the study, None while it is not known.
        decided: best trials of the searches that are over; the arms of the others wait.
    """
    try:
        plan = _Builder(Scope(study, catalog, contents)).plan(decided)
        refuse_unmet(study, plan, catalog)
        return plan
    except Problem as problem:
        return Refusal(problem.code, problem.message, problem.span, problem.help_lines)


def runs_touching(study: core.Study, catalog: Catalog, subjects: frozenset[str]) -> dict[str, int]:
    """How many runs use each of some definitions or grids, and all runs under `""`.

    A run that two grids share is one run.
    """
    scope = Scope(study, catalog, lambda _: None)
    found: dict[str, set[tuple[str, int]]] = {one: set() for one in (*subjects, "")}
    metrics = [one.name for one in study.definitions.values() if one.kind == "metric"]
    try:
        refuse_too_large(scope)
        search_winners(scope)
        for grid in study.grids:
            for point in expand(scope, grid).points:
                repeat = grid.repeat or study.repeat
                identity = point.identity(repeat.vary)
                used = {core.owner(slot) for slot in point.settings} | set(owners(point.stage))
                used |= {
                    str(point.settings[root].value) for root in ROOTS if root in point.settings
                }
                used |= {grid.name, *metrics}
                for subject in (*(subjects & used), ""):
                    found[subject].update((identity, seed) for seed in repeat.seeds)
    except Problem:
        return {}
    return {subject: len(runs) for subject, runs in found.items()}


class _Builder:
    """One compilation."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.study = scope.study
        self.written = _paths(scope.study)
        self.others = [path for path in self.written if path.text != "method"]
        self.texts = {slot: path.text for path in self.written for slot in path.slots}
        self.columns = _columns(scope.study)
        self._known_texts: dict[int, tuple[Noted, str]] = {}
        #: By the axes that are meant for a point, which its grid keeps, and what replicates vary.
        self._known_formulas: dict[tuple[int, tuple[str, ...]], Formulas] = {}
        self._departs: dict[frozenset[str], tuple[str, ...]] = {}

    def plan(self, decided: Decisions | None = None) -> Plan:
        refuse_too_large(self.scope)
        searches = search_winners(self.scope, decided)
        expansions = [(grid, expand(self.scope, grid)) for grid in self.study.grids]
        points = tuple(point for _, expansion in expansions for point in expansion.points)
        universe = Universe(self.scope, points)
        described = [self._described(point, universe) for point in points]
        unfolding, asked = Unfolding(described, self.scope.shown), Asked()
        claims = tuple(
            plan_claim(claim, universe=universe, graph=asked) for claim in self.study.claims
        )
        return Plan(
            study=self.study.name,
            title=self.study.title,
            profile=self.study.profile,
            nodes=unfolding.nodes(asked),
            runs=unfolding.runs(),
            claims=claims,
            figures=tuple(_figure(figure) for figure in self.study.report),
            axes=tuple(self._axes(expansions)),
            removed=tuple(self._removed(expansions)),
            wall_seconds=self.study.wall_seconds,
            memory_bytes=self.study.memory_bytes,
            components=self._own_components(),
            searches=searches,
            adaptive=tuple(_adaptive(self.study)),
        )

    def _described(self, point: Point, universe: Universe) -> Described:
        repeat = point.grid.repeat or self.study.repeat
        formulas, method, vary = self._formulas(point, universe), point.stage, repeat.vary
        found = [
            measured(one, method, vary) if isinstance(one, Own) else one.template
            for one in formulas.leaves
        ]
        return Described(point, repeat, formulas, tuple(found), self)

    def _formulas(self, point: Point, universe: Universe) -> Formulas:
        """The columns at a point, known where they ask for nothing that points differ in."""
        vary = (point.grid.repeat or self.study.repeat).vary
        key = id(point.narrowed), vary
        known = self._known_formulas.get(key)
        if known is None:
            evaluator = narrowed(self.scope.evaluator(point.axes, point.chooser), point.settings)
            evaluator.forks = False
            metrics = Metrics(evaluator, vary, point.stage, universe=universe)
            known = formulas_of(
                {
                    column.label: metrics.open_formula(column.metric, NOWHERE)
                    for column in self.columns.values()
                }
            )
            if not evaluator.asked:
                self._known_formulas[key] = known
        return known

    def departing(self, point: Point) -> tuple[str, ...]:
        """The paths at which axes set what the point's arm as defined does not have."""
        slots = point.departs
        known = self._departs.get(slots)
        if known is None:
            known = tuple(sorted({self.texts.get(slot, slot) for slot in slots}))
            self._departs[slots] = known
        return known

    def settings(self, point: Point) -> dict[str, str]:
        """What a point has at the paths that the study mentions."""
        found, settings = {"method": point.arm}, point.settings
        for path in self.others:
            for slot in slots_at(path, settings) if path.of else path.slots:
                noted = settings.at(slot)
                if noted is not None:
                    found[path.text] = self._text(noted)
                    break
        return found

    def _text(self, noted: Noted) -> str:
        """A value as it is written, worked out once."""
        known = self._known_texts.get(id(noted))
        if known is None:
            text = self.scope.shown.text(noted.value, noted.kind)
            known = self._known_texts[id(noted)] = (noted, text)
        return known[1]

    def _axes(self, expansions: list[tuple[core.Grid, Expansion]]) -> Iterator[AxisSummary]:
        for grid, expansion in expansions:
            for axis in grid.axes:
                for path in axis.paths:
                    values: dict[str, None] = {}
                    for point in expansion.points:
                        text = self._at(point, path)
                        if text is not None:
                            values[text] = None
                    yield AxisSummary(grid.name, path.text, tuple(values))

    def _at(self, point: Point, path: core.AxisPath) -> str | None:
        """What a point has at a path, as text."""
        if "method" in path.slots:
            return point.arm
        for slot in slots_at(path, point.settings):
            noted = point.settings.at(slot)
            if noted is not None:
                return self._text(noted)
        return None

    def _own_components(self) -> tuple[str, ...]:
        """Files of components that do not ship with `lab`."""
        signatures = self.scope.catalog.signatures.values()
        return tuple(sorted({one.file for one in signatures if not one.module.startswith("lab.")}))

    def _removed(self, expansions: list[tuple[core.Grid, Expansion]]) -> Iterator[Removed]:
        for grid, expansion in expansions:
            replicates = len((grid.repeat or self.study.repeat).seeds)
            for one, count in expansion.removed.items():
                left = len(expansion.points) * replicates
                yield Removed(grid.name, one.text, one.reason, count * replicates, left)


def _paths(study: core.Study) -> list[core.AxisPath]:
    """Every path that the study mentions once, with its slots wherever it is mentioned."""
    found: dict[str, core.AxisPath] = {}
    for one in _mentioned_paths(study):
        known = found.setdefault(one.text, one)
        more = [i for i, slot in enumerate(one.slots) if slot not in known.slots]
        slots = (*known.slots, *(one.slots[i] for i in more))
        of = (*known.of, *(one.of[i] for i in more if one.of))
        found[one.text] = core.AxisPath(one.text, slots, known.span, of)
    return list(found.values())


def _mentioned_paths(study: core.Study) -> Iterator[core.AxisPath]:
    yield from (core.AxisPath(root, (root,), study.repeat.span) for root in ROOTS)
    for grid in study.grids:
        for axis in grid.axes:
            yield from axis.paths
    for claim in study.claims:
        for one in claim.over:
            yield from one.paths
    for figure in study.report:
        for paths in figure.paths.values():
            yield from paths


def _columns(study: core.Study) -> dict[str, core.Column]:
    """What is measured of every run: the columns of all figures, and what replicates wait for."""
    shown = {
        column.label: column
        for figure in study.report
        for columns in figure.metrics.values()
        for column in columns
    }
    waited = {
        one.until.text: core.Column(one.until.text, one.until.metric)
        for one in _repeats(study)
        if one.until is not None
    }
    return {**shown, **waited}


def _repeats(study: core.Study) -> list[core.Repeat]:
    return [grid.repeat or study.repeat for grid in study.grids]


def _adaptive(study: core.Study) -> Iterator[Adaptive]:
    for grid, repeat in zip(study.grids, _repeats(study), strict=True):
        one = repeat.until
        if one is not None:
            most = len(repeat.seeds)
            yield Adaptive(grid.name, one.least, most, one.text, one.level, one.width, one.text)


def _figure(figure: core.Figure) -> FigurePlan:
    columns = {
        name: tuple(ColumnPlan(column.label, column.unit, column.better) for column in columns)
        for name, columns in figure.metrics.items()
    }
    options = {name: _option(value) for name, value in figure.options.items()}
    paths = {name: tuple(path.text for path in paths) for name, paths in figure.paths.items()}
    return FigurePlan(figure.figure, columns, paths, options, figure.text)


def _option(value: core.Core) -> Value:
    """An option of a figure: a plain value, a list of such, or an arm's name."""
    if isinstance(value, core.ListValue):
        return [_option(item) for item in value.items]
    if isinstance(value, core.Arm):
        return arm_text(value)
    if isinstance(value, core.Const) and isinstance(value.value, int | float | str):
        return value.value
    return None
