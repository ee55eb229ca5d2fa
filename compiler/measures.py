"""Metrics at a point, as trees over measurements."""

from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, cast

from lab.compiler.canonical import text_of_arguments
from lab.compiler.cells import Cell
from lab.compiler.evaluate import Environment, Evaluator
from lab.compiler.evidence import Row, evidence
from lab.compiler.formulas import Formula, Leaf, Operation, Own, closed
from lab.compiler.points import Point, Scope, narrowed
from lab.compiler.problem import Problem
from lab.compiler.stages import Pipelines, Template, named, shared
from lab.spec import core
from lab.spec.records import made_by, record, replaced
from lab.spec.signature import Signature
from lab.spec.values import Value

M = TypeVar("M", core.Measure, core.MetricCall)


@record
class Universe:
    """All points of a study, for measurements that look at them together; `known` are those."""

    scope: Scope
    points: Sequence[Point]
    known: dict[tuple[int, tuple[str, ...]], Template] = made_by(
        default_factory=dict[tuple[int, tuple[str, ...]], Template]
    )


class Metrics:
    """Formulas of metrics at the point of an evaluator whose choices are made.

    `split` is where a measurement that names no examples is made: the test split, unless something
    is selected by it.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        vary: tuple[str, ...],
        method: Template | None,
        *,
        universe: Universe | None = None,
        split: str | None = None,
    ) -> None:
        self.evaluator = evaluator
        self.pipelines = Pipelines(evaluator, vary)
        self.method = method
        self.universe = universe
        self.split = split
        self._arms: dict[int, tuple[Template, int]] = {}

    def formula(self, metric: core.Core, environment: Environment) -> Formula:
        """What a metric means here."""
        return closed(self.open_formula(metric, environment), self.own)

    def own(self, own: Own) -> Template:
        """A measurement of this point's method."""
        if self.method is None:
            raise Problem("E0601", "`method` means nothing here: name an arm", own.at.arm.span)
        return measured(own, self.method, self.pipelines.vary)

    def open_formula(self, metric: core.Core, environment: Environment) -> Formula:
        """What a metric means whatever the method is."""
        match metric:
            case core.Const(value=int() | float() as number):
                return float(number)
            case core.Arithmetic():
                left = self.open_formula(metric.left, environment)
                right = self.open_formula(metric.right, environment)
                return Operation(metric.op, left, right)
            case core.Measure():
                return self._recalled(metric, environment, self._measure)
            case core.MetricCall():
                return self._recalled(metric, environment, self._call)
            case core.Reference():
                return self._number(self.evaluator.reference(metric.slot, environment, metric.span))
            case core.Choice():
                return self.open_formula(self.evaluator.chosen(metric), environment)
            case _:
                raise Problem("E0401", "this is no metric", metric.span)

    def _recalled(
        self, metric: M, environment: Environment, work: Callable[[M, Environment], Formula]
    ) -> Formula:
        key = (metric, id(environment), self.pipelines.vary, self.split)
        return self.evaluator.recalled(key, lambda: work(metric, environment))

    def _number(self, value: Value) -> float:
        if isinstance(value, int | float):
            return float(value)
        raise TypeError("a parameter of a metric that is used as a number is one")

    def _measure(self, measure: core.Measure, environment: Environment) -> Leaf | Own:
        signature = self.evaluator.catalog.signatures["measurement", measure.measurement]
        if named(signature, "metric"):
            return Leaf(self._of_metrics(measure, signature, environment), measure.field)
        arguments = self.evaluator.worked_out(
            measure,
            signature,
            environment,
            lambda kind: self.pipelines.chosen(kind, measure) if kind == "data" else None,
        )
        arguments = self._on_split(arguments, measure, signature)
        inputs = self.pipelines.arms(signature, measure, environment)
        if isinstance(measure.arm, core.TheMethod):
            return Own(measure, signature, arguments, inputs, measure.field)
        arm = self._arm(measure.arm, environment)
        own = Own(measure, signature, arguments, inputs)
        return Leaf(measured(own, arm, self.pipelines.vary), measure.field)

    def _on_split(self, arguments: Cell, measure: core.Measure, signature: Signature) -> Cell:
        values = cast(Mapping[str, Value], arguments.value)
        if not self.split or "on" not in values or "on" in measure.arguments:
            return arguments
        value: dict[str, Value] = {**values, "on": self.split}
        return Cell(value, text_of_arguments(signature, value, self.evaluator.catalog))

    def _of_metrics(
        self, measure: core.Measure, signature: Signature, environment: Environment
    ) -> Template:
        """A measurement of metrics: here, or (`over:`) of all points of the study at once."""
        if "over" not in measure.arguments or self.universe is None:
            self.evaluator.asked += 1
            here = Row(self, self.evaluator.settings, environment)
            return evidence(self.pipelines, signature, measure, (here,))
        key = (id(measure), self.pipelines.vary)
        known = self.universe.known
        if key not in known:
            rows = [self._elsewhere(self.universe.scope, one) for one in self.universe.points]
            known[key] = evidence(self.pipelines, signature, measure, rows)
        return known[key]

    def _elsewhere(self, scope: Scope, point: Point) -> Row:
        evaluator = narrowed(scope.evaluator(point.axes, point.chooser), point.settings)
        evaluator.forks = False
        vary = (point.grid.repeat or scope.study.repeat).vary
        return Row(Metrics(evaluator, vary, point.stage), point.settings)

    def _arm(self, arm: core.Core, environment: Environment) -> Template:
        known = self._arms.get(id(arm))
        if known is None:
            before = self.evaluator.asked
            found = self._measured(arm, environment)
            known = self._arms[id(arm)] = (found, self.evaluator.asked - before)
            return found
        self.evaluator.asked += known[1]
        return known[0]

    def _measured(self, arm: core.Core, environment: Environment) -> Template:
        """An arm at the same point: the axes over `method` set what this one has."""
        if not isinstance(arm, core.Arm):
            return self.pipelines.method(arm, environment)
        return self.evaluator.at(
            "method", arm.name, lambda: self.pipelines.method(arm, environment)
        )

    def _call(self, call: core.MetricCall, environment: Environment) -> Formula:
        inside = self.evaluator.bound(call.name, call.arguments, environment)
        body = self.evaluator.study.definitions[call.name].value
        if call.arm is None or isinstance(call.arm, core.TheMethod):
            return _part(self.open_formula(body, inside), call)
        there = Metrics(
            self.evaluator,
            self.pipelines.vary,
            self._arm(call.arm, environment),
            universe=self.universe,
            split=self.split,
        )
        return _part(there.formula(body, inside), call)


def measured(own: Own, method: Template, vary: tuple[str, ...]) -> Template:
    """A measurement of a method."""
    what = ("measurement", own.signature, own.arguments, vary)
    inputs = {**own.inputs, "of": method}
    return shared(what, inputs=inputs, owner=method.owner, slot=own.at.slot)


def _part(formula: Formula, call: core.MetricCall) -> Formula:
    """One of the numbers of a metric that has several: `law.size`."""
    if call.field == "value":
        return formula
    if not isinstance(formula, Leaf | Own):
        raise Problem("E0401", f"`{call.name}` is one number, without parts", call.span)
    return replaced(formula, field=call.field)
