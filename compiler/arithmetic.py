"""Arithmetic on resolved values, and the members of a range."""

from math import exp, log
from typing import Literal, cast

from lab.compiler.problem import Problem
from lab.spec import core
from lab.spec.source import Span
from lab.spec.values import Value

Op = Literal["+", "-", "*", "/"]


def combined(op: Op, left: Value, right: Value, span: Span) -> Value:
    """`left op right` for numbers, durations, and (sum and product only) schedules and losses."""
    if _is_number(left) and _is_number(right):
        return _numbers(op, cast(float, left), cast(float, right), span)
    if _is_duration(left) or _is_duration(right):
        return _durations(op, left, right, span)
    if _is_measured(left) or _is_measured(right):
        return {"op": op, "of": [left, right]}
    if op == "-":
        return {"schedule": "sum", "of": [left, combined("*", -1.0, right, span)]}
    if op == "/":
        return {"schedule": "product", "of": [left, combined("/", 1.0, right, span)]}
    return {"schedule": "sum" if op == "+" else "product", "of": [left, right]}


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_measured(value: Value) -> bool:
    return isinstance(value, dict) and ("op" in value or value.get("kind") == "measurement")


def _is_duration(value: Value) -> bool:
    return isinstance(value, dict) and "duration" in value


def _numbers(op: Op, left: float, right: float, span: Span) -> float:
    if op == "+":
        return left + right
    if op == "-":
        return left - right
    if op == "*":
        return left * right
    if right == 0:
        raise Problem("E0412", "this divides by zero", span)
    return left / right


def _durations(op: Op, left: Value, right: Value, span: Span) -> Value:
    if op in ("*", "/") and _is_duration(left) and _is_number(right):
        length = cast(dict[str, Value], left)
        amount = _numbers(op, cast(float, length["duration"]), cast(float, right), span)
        return _lasting(length, amount)
    if op == "*" and _is_duration(right):
        return _durations("*", right, left, span)
    if op in ("+", "-") and _is_duration(left) and _is_duration(right):
        first, second = cast(dict[str, Value], left), cast(dict[str, Value], right)
        if first["unit"] == second["unit"]:
            total = _numbers(
                op, cast(float, first["duration"]), cast(float, second["duration"]), span
            )
            return _lasting(first, total)
    raise Problem("E0407", "durations of different units do not add up here", span)


def _lasting(length: dict[str, Value], amount: float) -> Value:
    """A duration of another amount; a whole one is written as if it had been given so."""
    is_whole = float(amount).is_integer() and length["unit"] != "share"
    return {**length, "duration": int(amount) if is_whole else amount}


def between(expression: core.RangeChoice, ends: tuple[Value, Value]) -> tuple[float, float]:
    """The ends of a continuous range. Raises Problem where nothing is between them."""
    start, stop = cast(float, ends[0]), cast(float, ends[1])
    if start > stop or (expression.log and start <= 0):
        raise Problem("E0408", f"this range is empty: {start:g} .. {stop:g}", expression.span)
    return start, stop


def range_values(expression: core.RangeChoice, ends: tuple[Value, Value], by: Value) -> list[Value]:
    """The members of a range, both ends included where the step meets them."""
    start, stop = cast(float, ends[0]), cast(float, ends[1])
    if expression.points:
        values = _points(start, stop, int(cast(float, by)), expression.log)
    else:
        values = _steps(start, stop, 1 if by is None else cast(float, by))
    if not values:
        raise Problem("E0408", f"this range is empty: {start:g} .. {stop:g}", expression.span)
    return [round(value) if expression.whole else float(value) for value in values]


def range_length(expression: core.RangeChoice, start: Value, stop: Value, by: Value) -> int:
    """How many members a range has, none of which is made."""
    if expression.points:
        number = int(cast(float, by))
        is_none = number < 1 or (number > 1 and expression.log and cast(float, start) <= 0)
        return 0 if is_none else number
    step = 1 if by is None else cast(float, by)
    length = cast(float, stop) - cast(float, start)
    return int(length / step + 1e-9) + 1 if step > 0 and length >= 0 else 0


def _steps(start: float, stop: float, by: float) -> list[float]:
    if by <= 0:
        return []
    count = int((stop - start) / by + 1e-9)
    return [start + i * by for i in range(count + 1)] if stop >= start else []


def _points(start: float, stop: float, count: int, is_log: bool) -> list[float]:
    if count < 2 or (is_log and start <= 0):
        return [start] if count == 1 else []
    if is_log:
        first, last = log(start), log(stop)
        inner = [exp(first + (last - first) * i / (count - 1)) for i in range(1, count - 1)]
        rounded = [float(f"{value:.12g}") for value in inner]
    else:
        rounded = [
            float(f"{start + (stop - start) * i / (count - 1):.12g}") for i in range(1, count - 1)
        ]
    return [start, *rounded, stop]
