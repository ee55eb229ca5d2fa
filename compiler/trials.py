"""One trial of a search: the point that its values make, with its runs and nodes.

A trial is compiled as a point of a grid is, with a `Proposal` where a grid has an odometer: at
every `|` and range that the arm meets, what was proposed for that site is taken. Its stages have
therefore the keys that a grid would give them, and conditional axes need no rule of their own.

A site is named by its place in the search: `field.by`, and `field.by[0].lr` inside it.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import cast

from lab.compiler.axes import slots_at
from lab.compiler.canonical import digest
from lab.compiler.chooser import Chooser
from lab.compiler.conditions import holds
from lab.compiler.evaluate import NOWHERE, Evaluator, Noted
from lab.compiler.formulas import Formula, Leaf, Operation, tree
from lab.compiler.graph import Graph, chain
from lab.compiler.measures import Metrics
from lab.compiler.plan import Comparison, Junction, Node, Run, Tree
from lab.compiler.points import Scope, arm_text, axes_of, chosen_method, note_roots
from lab.compiler.problem import Problem
from lab.compiler.stages import Pipelines, Template
from lab.spec import core
from lab.spec.records import names_of, record


@record
class Options:
    """One of several without an order; a proposal is an index."""

    count: int


@record
class Members:
    """One of several numbers in ascending order; a proposal is an index."""

    count: int


@record
class Between:
    """A number from `low` to `high`, even in its logarithm where `log`."""

    low: float
    high: float
    log: bool
    whole: bool


Domain = Options | Members | Between
Number = int | float
Ask = Callable[[str, Domain], Number]


@record
class Asked:
    """What was proposed for a site."""

    name: str
    domain: Domain
    value: Number


@record
class Trial:
    """A trial of a search.

    `settings` is what it has at each path of the search, as text. `rejected` is the filter that
    leaves it out, as written. `goal` and `constraint` are measured on validation, with a tree for
    each replicate. Always holds: nodes stand after the nodes they use.
    """

    search: str
    arm: str
    asked: tuple[Asked, ...]
    settings: Mapping[str, str]
    rejected: str | None
    nodes: tuple[Node, ...]
    runs: tuple[Run, ...]
    goal: tuple[Tree, ...]
    constraint: Comparison | Junction | None

    @property
    def values(self) -> Mapping[str, Number]:
        """What was proposed, by the names of the sites."""
        return {one.name: one.value for one in self.asked}


class Proposal(Chooser):
    """Takes at every site what `ask` proposes for it, the same however often it is met."""

    def __init__(self, names: Mapping[int, str], ask: Ask) -> None:
        super().__init__()
        self.asked: list[Asked] = []
        self._names = names
        self._ask = ask
        self._numbers: dict[int, float] = {}

    def choose(self, site: object, count: int) -> int:
        """The option proposed for a site."""
        if not self.met(site):
            domain = Members(count) if isinstance(site, core.RangeChoice) else Options(count)
            index = 0 if count == 1 else int(self._proposed(site, domain))
            self._wheels.append((site, count))
            self._positions[id(site)] = index
        return self._positions[id(site)]

    def number(self, site: object, low: float, high: float) -> float:
        """The number proposed for a continuous range."""
        if id(site) not in self._numbers:
            is_range = isinstance(site, core.RangeChoice)
            domain = Between(low, high, is_range and site.log, is_range and site.whole)
            self._numbers[id(site)] = low if low == high else self._proposed(site, domain)
            super().choose(site, 1)
        return self._numbers[id(site)]

    def snapshot(self) -> Chooser:
        """Itself: what is proposed does not change."""
        return self

    def advance(self) -> bool:
        """There is one combination."""
        return False

    def _proposed(self, site: object, domain: Domain) -> Number:
        name = self._names[id(site)]
        found = self._ask(name, domain)
        self.asked.append(Asked(name, domain, found))
        return found


def replay(values: Mapping[str, Number]) -> Ask:
    """What proposes known values. It raises KeyError for a site that they lack."""

    def ask(name: str, _: Domain) -> Number:
        return values[name]

    return ask


def replicates_of(study: core.Study, search: core.Search) -> core.Repeat:
    """The replicates of every trial: the least, where they go on until an interval is narrow."""
    repeat = search.repeat or study.repeat
    if repeat.until is None:
        return repeat
    return core.Repeat(repeat.seeds[: repeat.until.least], repeat.vary, repeat.span)


@record
class TrialPoint:
    """The point of a trial before it has replicates."""

    evaluator: Evaluator
    method: core.Core
    stage: Template
    proposal: Proposal

    def settings(self, scope: Scope, search: core.Search) -> dict[str, str]:
        """What it has at each path of the search, as text."""
        found = {"method": arm_text(self.method)}
        noted = self.evaluator.settings
        for path in (path for axis in search.axes for path in axis.paths):
            here = next((noted[slot] for slot in slots_at(path, noted) if slot in noted), None)
            if here is not None and path.text != "method":
                found[path.text] = scope.shown.text(here.value, here.kind)
        return found


def trial_point(scope: Scope, search: core.Search, ask: Ask) -> TrialPoint:
    """The point that some proposals make."""
    proposal = Proposal(site_names(scope.study, search), ask)
    evaluator = scope.evaluator(axes_of(search), proposal)
    method = chosen_method(evaluator)
    stage = Pipelines(evaluator, replicates_of(scope.study, search).vary).method(method)
    note_roots(evaluator, method)
    return TrialPoint(evaluator, method, stage, proposal)


def compile_trial(scope: Scope, search: core.Search, ask: Ask) -> Trial:
    """The trial that some proposals make.

    Raises Problem where what is proposed cannot be: a number out of its parameter's range.
    """
    point, repeat = trial_point(scope, search, ask), replicates_of(scope.study, search)
    evaluator, seeds, vary = point.evaluator, repeat.seeds, repeat.vary
    settings = dict(evaluator.settings)
    evaluator.forks = False
    metrics = Metrics(evaluator, vary, point.stage, split="validation")
    graph = Graph(scope.shown)

    def replicated(expression: core.Core) -> tuple[Tree, ...]:
        formula = metrics.formula(expression, NOWHERE)
        return tuple(tree(formula, seed, vary, graph) for seed in seeds)

    goal = replicated(search.goal)
    constraint = None if search.constraint is None else _condition(search.constraint, replicated)
    shown, identity = point.settings(scope, search), digest([search.name, point.stage.digest])[:16]
    arm = arm_text(point.method)
    runs = tuple(
        Run(
            grid=search.name,
            point=identity,
            arm=arm,
            seed=seed,
            settings=shown,
            departs=tuple(sorted(set(shown) - {"method", "model", "data"})),
            metrics={"goal": measured},
            stages=tuple(graph.add(one, seed, vary) for one in chain(point.stage)),
        )
        for seed, measured in zip(seeds, goal, strict=True)
    )
    return Trial(
        search=search.name,
        arm=arm,
        asked=tuple(point.proposal.asked),
        settings=shown,
        rejected=next((one.text for one in search.filters if _rejects(one, settings)), None),
        nodes=graph.nodes,
        runs=runs,
        goal=goal,
        constraint=constraint,
    )


def _rejects(one: core.Filter, settings: Mapping[str, Noted]) -> bool:
    applies = holds(one.condition, settings)
    return applies is not None and applies == (one.kind == "skip")


def _condition(
    condition: core.Core, replicated: Callable[[core.Core], tuple[Tree, ...]]
) -> Comparison | Junction:
    match condition:
        case core.Logical():
            operands = tuple(_condition(one, replicated) for one in condition.operands)
            return Junction(condition.op, operands)
        case core.Compare(op="<" | "<=" | ">" | ">=" | "==" | "!=" as op):
            return Comparison(op, replicated(condition.left), replicated(condition.right))
        case _:
            raise Problem("E0608", "this compares no metrics", condition.span)


def unit_of(formula: Formula) -> str | None:
    """The dimension of a metric; None for a plain number."""
    if isinstance(formula, Leaf):
        return formula.template.signature.unit
    if not isinstance(formula, Operation):
        return None
    left, right = unit_of(formula.left), unit_of(formula.right)
    if formula.op == "/":
        return None if left == right else left
    return left or right


def site_names(study: core.Study, search: core.Search) -> Mapping[int, str]:
    """A name for every `|` and range that a trial may meet, by its `id`."""
    found: dict[int, str] = {}
    for axis in search.axes:
        for path in axis.paths[:1]:
            _name(path.text, axis.value, found)
    for name, one in study.definitions.items():
        _name(f"{one.kind} {name}", one.value, found)
        for parameter, default in one.parameters.items():
            _name(f"{name}({parameter})", default, found)
    return found


def _name(prefix: str, value: object, found: dict[int, str]) -> None:
    if isinstance(value, core.Choice | core.RangeChoice):
        found.setdefault(id(value), prefix)
    for inner, part in _parts(value):
        _name(prefix + inner, part, found)


def _parts(value: object) -> Iterator[tuple[str, object]]:
    if isinstance(value, tuple):
        for i, one in enumerate(cast(tuple[object, ...], value)):
            yield f"[{i}]", one
    elif isinstance(value, Mapping):
        for name, one in cast(Mapping[str, object], value).items():
            yield f".{name}", one
    elif isinstance(value, core.Core):
        for name in names_of(type(value)):
            yield "" if name in _UNNAMED else f".{name}", getattr(value, name)


#: Fields whose parts are told apart by what they hold.
_UNNAMED = frozenset({"options", "parts", "items", "arguments"})
