"""Metrics at a point, as trees over measurements."""

from dataclasses import dataclass

from lab.compiler.evaluate import Environment, Evaluator
from lab.compiler.graph import Graph
from lab.compiler.plan import Tree
from lab.compiler.problem import Problem
from lab.compiler.stages import Pipelines, Template
from lab.spec import core
from lab.spec.values import Value


@dataclass(frozen=True)
class Leaf:
    """A measurement of one point; `field` picks one of its numbers."""

    template: Template


@dataclass(frozen=True)
class Operation:
    """Arithmetic over measurements."""

    op: str
    left: "Formula"
    right: "Formula"


#: A metric of a point, whatever the replicate.
Formula = Leaf | Operation | float


class Metrics:
    """Formulas of metrics at the point of an evaluator whose choices are made."""

    def __init__(
        self, evaluator: Evaluator, vary: tuple[str, ...], method: Template | None
    ) -> None:
        self.evaluator = evaluator
        self.pipelines = Pipelines(evaluator, vary)
        self.method = method
        self._arms: dict[int, Template] = {}

    def formula(self, metric: core.Core, environment: Environment) -> Formula:
        """What a metric means here."""
        match metric:
            case core.Const(value=int() | float() as number):
                return float(number)
            case core.Arithmetic():
                left = self.formula(metric.left, environment)
                right = self.formula(metric.right, environment)
                return Operation(metric.op, left, right)
            case core.Measure():
                return self._measure(metric, environment)
            case core.MetricCall():
                return self._call(metric, environment)
            case core.Reference():
                return self._number(self.evaluator.reference(metric.slot, environment, metric.span))
            case core.Choice():
                return self.formula(self.evaluator.chosen(metric), environment)
            case _:
                raise Problem("E0401", "this is no metric", metric.span)

    def _number(self, value: Value) -> float:
        if isinstance(value, int | float):
            return float(value)
        raise TypeError("a parameter of a metric that is used as a number is one")

    def _measure(self, measure: core.Measure, environment: Environment) -> Leaf:
        signature = self.evaluator.catalog.signatures["measurement", measure.measurement]
        arguments = self.evaluator.arguments(
            signature, measure.arguments, measure.slot or measure.measurement, environment
        )
        self.pipelines.supply(signature, arguments, measure, first=False)
        inputs = self.pipelines.arms(signature, measure, environment)
        inputs["of"] = self._arm(measure.arm, environment)
        owner = inputs["of"].owner
        made = self.pipelines.template(
            "measurement", signature, arguments, inputs=inputs, owner=owner
        )
        return Leaf(made)

    def _arm(self, arm: core.Core, environment: Environment) -> Template:
        if isinstance(arm, core.TheMethod):
            if self.method is None:
                raise Problem("E0601", "`method` means nothing here: name an arm", arm.span)
            return self.method
        known = self._arms.get(id(arm))
        if known is None:
            known = self._arms[id(arm)] = self.pipelines.method(arm, environment)
        return known

    def _call(self, call: core.MetricCall, environment: Environment) -> Formula:
        inside = self.evaluator.bound(call.name, call.arguments, environment)
        body = self.evaluator.study.definitions[call.name].value
        if call.arm is None or isinstance(call.arm, core.TheMethod):
            return self.formula(body, inside)
        there = Metrics(self.evaluator, self.pipelines.vary, self._arm(call.arm, environment))
        return there.formula(body, inside)


def tree(formula: Formula, seed: int, vary: tuple[str, ...], graph: Graph) -> Tree:
    """A formula for one replicate; its measurements are added to the graph."""
    if isinstance(formula, Leaf):
        return {"node": graph.add(formula.template, seed, vary)}
    if not isinstance(formula, Operation):
        return {"number": float(formula)}
    left, right = tree(formula.left, seed, vary, graph), tree(formula.right, seed, vary, graph)
    return {"op": formula.op, "of": [dict(left), dict(right)]}
