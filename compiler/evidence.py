"""Measurements of metrics: one node that reads many others.

`log(gain)` reads the metric of its own point; `power_law(gain, size: …, over: [model, tensor])`
reads it of every point of the study. The node's argument `rows` has, for each point, its settings
and the metrics as trees whose leaves name inputs of the node, so that its key covers all of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

from lab.compiler.axes import slots_at
from lab.compiler.evaluate import NOWHERE, Environment, Noted
from lab.compiler.formulas import Formula, Leaf, Operation, number_of
from lab.compiler.problem import Problem
from lab.compiler.stages import Pipelines, Template
from lab.spec import core
from lab.spec.records import record
from lab.spec.signature import ParameterInfo, Signature
from lab.spec.values import Value


class Reader(Protocol):
    """What makes a formula of a metric at one point."""

    def formula(self, metric: core.Core, environment: Environment) -> Formula:
        """What a metric means there."""
        ...


@record
class Row:
    """A point: how metrics are read there, and what it has at each slot."""

    reader: Reader
    settings: Mapping[str, Noted]
    environment: Environment = NOWHERE


class Inputs:
    """Templates that trees refer to, each under a role of its own."""

    def __init__(self) -> None:
        self.templates: dict[str, Template] = {}
        self._roles: dict[str, str] = {}

    def tree(self, formula: Formula) -> Value:
        """A formula whose leaves are roles."""
        if isinstance(formula, Operation):
            return {"op": formula.op, "of": [self.tree(formula.left), self.tree(formula.right)]}
        if not isinstance(formula, Leaf):
            return {"number": number_of(formula)}
        digest = formula.template.digest
        role = self._roles.setdefault(digest, f"of {len(self._roles)}")
        self.templates[role] = formula.template
        return {"input": role, "field": formula.field}

    def condition(self, condition: core.Core, row: Row) -> Value:
        """A condition over metrics at a point."""
        match condition:
            case core.Logical():
                return {
                    "op": condition.op,
                    "of": [self.condition(one, row) for one in condition.operands],
                }
            case core.Compare():
                sides = (condition.left, condition.right)
                read = [self.tree(row.reader.formula(one, row.environment)) for one in sides]
                return {"op": condition.op, "of": [*read]}
            case _:
                raise Problem("E0608", "this compares no metrics", condition.span)


def evidence(
    pipelines: Pipelines, signature: Signature, measure: core.Measure, rows: Sequence[Row]
) -> Template:
    """The template of a measurement of metrics over some points."""
    inputs = Inputs()
    arguments = {name: value for name, value in _plain(pipelines, signature, measure)}
    arguments["rows"] = [_row(signature, measure, row, inputs) for row in rows]
    return pipelines.template(
        "measurement",
        signature,
        arguments,
        inputs=inputs.templates,
        owner=measure.measurement,
        slot=measure.slot or measure.measurement,
    )


def _plain(
    pipelines: Pipelines, signature: Signature, measure: core.Measure
) -> Iterator[tuple[str, Value]]:
    """Arguments that are no metrics: values, and paths by name."""
    evaluator = pipelines.evaluator
    for info in signature.parameters:
        written = measure.arguments.get(info.name)
        if info.type.name == "path" and written is not None:
            yield info.name, [one.text for one in _paths(written)]
        elif info.type.name not in {"metric", "condition", "path", "arm"}:
            slot = f"{measure.slot}.{info.name}"
            yield info.name, evaluator.argument(info, written, slot, NOWHERE)


def _paths(written: core.Core) -> list[core.PathValue]:
    items = written.items if isinstance(written, core.ListValue) else (written,)
    return [one for one in items if isinstance(one, core.PathValue)]


def _row(signature: Signature, measure: core.Measure, row: Row, inputs: Inputs) -> Value:
    found: dict[str, Value] = {}
    for info in signature.parameters:
        if info.type.name == "metric":
            for name, written in _metrics(signature, info, measure.arguments):
                found[name] = inputs.tree(row.reader.formula(written, row.environment))
        elif info.type.name == "condition" and info.name in measure.arguments:
            found[info.name] = inputs.condition(measure.arguments[info.name], row)
        elif info.type.name == "path" and info.name in measure.arguments:
            for path in _paths(measure.arguments[info.name]):
                slot = next(
                    (one for one in slots_at(path, row.settings) if one in row.settings), None
                )
                if slot is not None:
                    found[f"at {path.text}"] = row.settings[slot].value
    return found


def _metrics(
    signature: Signature, info: ParameterInfo, written: Mapping[str, core.Core]
) -> Iterator[tuple[str, core.Core]]:
    if not info.type.mapping:
        if info.name in written:
            yield info.name, written[info.name]
        return
    for label, value in written.items():
        if signature.parameter(label) is None:
            yield label, value
