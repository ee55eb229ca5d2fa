"""Conditions of filters and claims, at one point."""

from collections.abc import Mapping
from operator import eq, ge, gt, le, lt, ne
from typing import Any, cast

from lab.compiler.axes import slots_at
from lab.compiler.evaluate import Noted
from lab.compiler.problem import Absent, Problem
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
            return _compared(condition, settings)
        case _:
            return bool(_operand(condition, settings))


def _compared(condition: core.Compare, settings: Mapping[str, Noted]) -> bool:
    if condition.op not in ("==", "!="):
        return _ordered(condition, settings)
    left, right = _operand(condition.left, settings), _operand(condition.right, settings)
    return bool(_COMPARE[condition.op](left, right))


def _ordered(condition: core.Compare, settings: Mapping[str, Noted]) -> bool:
    """Whether one side is larger. Durations have an order within one unit only."""
    sides = _sized(condition.left, settings), _sized(condition.right, settings)
    units = [side.unit if isinstance(side, Duration) else "a plain number" for side in sides]
    if units[0] != units[1]:
        message = f"{units[0]} and {units[1]} have no order"
        raise Problem("E0407", message, condition.span, "compare with what has the same unit")
    left, right = (side.amount if isinstance(side, Duration) else side for side in sides)
    return bool(_COMPARE[condition.op](left, right))


def _sized(expression: core.Core, settings: Mapping[str, Noted]) -> float | Duration:
    """A number or a duration. `none` and a schedule are neither: the point lacks the number."""
    value = _operand(expression, settings)
    if isinstance(expression, core.PathValue) and _is_instead_of_a_number(expression, settings):
        raise Absent
    if isinstance(value, Duration) or (
        isinstance(value, int | float) and not isinstance(value, bool)
    ):
        return value
    raise Problem("E0505", f"`{value}` has no size", expression.span)


def _is_instead_of_a_number(path: core.PathValue, settings: Mapping[str, Noted]) -> bool:
    value = next(settings[slot].value for slot in slots_at(path, settings) if slot in settings)
    return value is None or (isinstance(value, dict) and "duration" not in value)


def _number(expression: core.Core, settings: Mapping[str, Noted]) -> float:
    value = _sized(expression, settings)
    if isinstance(value, Duration):
        message = "a condition calculates with plain numbers, and this is a duration"
        raise Problem("E0407", message, expression.span)
    return value


def _operand(expression: core.Core, settings: Mapping[str, Noted]) -> Any:
    match expression:
        case core.PathValue():
            for slot in slots_at(expression, settings):
                if slot in settings:
                    return _bare(settings[slot].value)
            raise Absent
        case core.NameOf():
            return expression.name
        case core.Const():
            return expression.value
        case core.Arithmetic():
            left, right = _number(expression.left, settings), _number(expression.right, settings)
            if expression.op == "/" and right == 0:
                raise Problem("E0412", "this divides by zero", expression.span)
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
