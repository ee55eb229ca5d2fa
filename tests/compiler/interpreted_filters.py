"""Filters as the interpreter reads them: conditions at one point."""

from collections.abc import Mapping

from interpreted_numbers import ANY, Value, plain, written_number
from interpreted_paths import Location, Places, stripped

from lab.spec import syntax


class LacksError(Exception):
    """A condition names something that the point has not."""


def removes(one: syntax.Filter, noted: Mapping[Location, Value], places: Places) -> bool:
    """Whether a filter removes a point."""
    try:
        true = is_true(one.condition, noted, places)
    except LacksError:
        return False
    return true == (one.kind == "skip")


def is_true(condition: syntax.Expr, noted: Mapping[Location, Value], places: Places) -> bool:
    """A condition at a point; all its parts are looked at."""
    condition = stripped(condition)
    match condition:
        case syntax.Not():
            return not is_true(condition.operand, noted, places)
        case syntax.Logic():
            parts = [is_true(one, noted, places) for one in condition.operands]
            return all(parts) if condition.op == "and" else any(parts)
        case syntax.Comparison(op="in", right=syntax.ListOf() as options):
            left = side(condition.left, noted, places)
            return left in [side(one, noted, places) for one in options.items]
        case syntax.Comparison():
            left, right = (side(s, noted, places) for s in (condition.left, condition.right))
            return compare(condition.op, left, right)
        case _:
            return bool(side(condition, noted, places))


def compare(op: str, left: Value, right: Value) -> bool:
    """One comparison. `none` is no number that could be larger."""
    if op in ("==", "!="):
        return (left == right) == (op == "==")
    if left is None or right is None:
        raise LacksError
    return {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[op]


def side(expression: syntax.Expr, noted: Mapping[Location, Value], places: Places) -> Value:
    """One side of a comparison: a path of the point, a word, or a number."""
    expression = stripped(expression)
    match expression:
        case syntax.Path() if len(expression.names) > 1 or str(expression) in (
            *("method", "model", "data"),
            *(name for name, one in places.declared.items() if one.kind == "let"),
        ):
            has = {str(at[0]): name for at, name in noted.items() if len(at) == 1}
            for place in places.here(expression, has):
                if place in noted:
                    return bare(noted[place])
            raise LacksError
        case syntax.Path():
            words: dict[str, Value] = {"true": True, "false": False, "none": None}
            return words.get(str(expression), str(expression))
        case syntax.Number():
            return bare(plain(written_number(expression), ANY))
        case _:
            raise AssertionError(expression)


def bare(value: Value) -> Value:
    """A component goes by its name, a duration by its length."""
    if isinstance(value, dict):
        return value["component"] if "component" in value else value["duration"]
    return value
