"""How large a grid is before it is expanded: a slip of a zero is refused at once."""

from lab.compiler.problem import Problem
from lab.spec import core

#: Combinations of one grid that are worth expanding.
LARGEST = 5_000_000


def refuse_too_large(study: core.Study) -> None:
    """Refuse a grid with more combinations than anybody means, naming its longest axis."""
    for grid in study.grids:
        counts = {axis: count(axis.value) for axis in grid.axes}
        total = len((grid.repeat or study.repeat).seeds)
        for number in counts.values():
            total *= number
        if total > LARGEST:
            longest = max(counts, key=lambda axis: counts[axis])
            path = longest.paths[0]
            message = (
                f"grid `{grid.name}` has up to {total:.3g} runs: `{path.text}` alone has "
                f"{counts[longest]:,} values"
            )
            raise Problem("E0511", message, path.span, "make the axis shorter, or its step larger")


def count(expression: core.Core) -> int:
    """The number of alternatives of an axis: exact for constants, nested ones included."""
    match expression:
        case core.Choice():
            return sum(count(option) for option in expression.options)
        case core.RangeChoice():
            return _members(expression)
        case core.Build():
            total = 1
            for argument in expression.arguments.values():
                total *= count(argument)
            return total
        case _:
            return 1


def _members(expression: core.RangeChoice) -> int:
    by = 1 if expression.by is None else _number(expression.by)
    start, stop = _number(expression.start), _number(expression.stop)
    if start is None or stop is None or by is None:
        return 1
    if expression.points:
        return int(by)
    return int((stop - start) / by + 1e-9) + 1 if by > 0 and stop >= start else 1


def _number(expression: core.Core) -> float | None:
    if isinstance(expression, core.Const) and isinstance(expression.value, int | float):
        return float(expression.value)
    return None
