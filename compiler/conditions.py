"""Conditions of filters and claims, at one point."""

from collections.abc import Mapping
from operator import eq, ge, gt, le, lt, ne
from typing import Any, cast

from lab.compiler.evaluate import Noted
from lab.compiler.problem import Absent
from lab.spec import core
from lab.spec.units import Duration, DurationUnit
from lab.spec.values import Value

_COMPARE = {"==": eq, "!=": ne, "<": lt, "<=": le, ">": gt, ">=": ge}


def holds(condition: core.Core, settings: Mapping[str, Noted]) -> bool | None:
    """Whether a condition holds; None where it names something that the point lacks."""
    try:
        return _truth(condition, settings)
    except Absent:
        return None


def _truth(condition: core.Core, settings: Mapping[str, Noted]) -> bool:
    match condition:
        case core.Logical(op="not"):
            return not _truth(condition.operands[0], settings)
        case core.Logical(op="and"):
            return all([_truth(one, settings) for one in condition.operands])
        case core.Logical():
            return any([_truth(one, settings) for one in condition.operands])
        case core.Compare(op="in", right=core.ListValue() as members):
            left = _operand(condition.left, settings)
            return left in [_operand(item, settings) for item in members.items]
        case core.Compare():
            left, right = _operand(condition.left, settings), _operand(condition.right, settings)
            return bool(_COMPARE[condition.op](left, right))
        case _:
            return bool(_operand(condition, settings))


def _operand(expression: core.Core, settings: Mapping[str, Noted]) -> Any:
    match expression:
        case core.PathValue():
            for slot in expression.slots:
                if slot in settings:
                    return _bare(settings[slot].value)
            raise Absent
        case core.NameOf():
            return expression.name
        case core.Const():
            return expression.value
        case core.Arithmetic():
            left, right = _operand(expression.left, settings), _operand(expression.right, settings)
            return _calculated(expression.op, left, right)
        case core.Build():
            return expression.component
        case _:
            raise Absent


def _bare(value: Value) -> object:
    """What a condition compares: a component goes by its name, a duration by what was written."""
    if isinstance(value, dict) and "component" in value:
        return value["component"]
    if isinstance(value, dict) and "duration" in value:
        amount, unit = cast(float, value["duration"]), cast(DurationUnit, value["unit"])
        return Duration(amount, unit)
    return value


def _calculated(op: str, left: Any, right: Any) -> Any:
    if op == "+":
        return left + right
    if op == "-":
        return left - right
    if op == "*":
        return left * right
    return left / right
