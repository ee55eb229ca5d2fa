"""Searches: blocks whose points are proposed one after another."""

from collections.abc import Iterator

from lab.spec import core, syntax
from lab.spec.check.blocks import CONDITION, ask_for_method, only, read_axes, read_filters
from lab.spec.check.conditions import read_condition
from lab.spec.check.context import Context, Place, Scope, Want
from lab.spec.check.metrics import read_metric
from lab.spec.check.repeats import read_repeats
from lab.spec.records import replaced
from lab.spec.signature import Type
from lab.spec.source import Source

METRIC = Want(Type("metric"), "the goal of a search")


def read_search(context: Context, node: syntax.Search, source: Source) -> core.Search | None:
    """A checked search; None where its goal or its trials are missing."""
    scope = Scope(source, node.name.text, search=True)
    axes = read_axes(context, only(syntax.Axis, node.entries), scope)
    ask_for_method(context, axes, node.name, scope)
    goals = only(syntax.Goal, node.entries)
    trials = only(syntax.Trials, node.entries)
    for what, like, found in (("goal", "maximize ratio", goals), ("trials", "trials 100", trials)):
        if len(found) != 1:
            count = "no" if not found else "more than one"
            message = f"the search `{node.name.text}` has {count} {what}"
            lines = [f"write one `{like}`"]
            context.report("E0607", message, node.name.span, scope, help_lines=lines)
    if len(goals) != 1 or len(trials) != 1:
        return None
    inside = replaced(scope, measured=True, search=False)
    goal = read_metric(context, goals[0].metric, METRIC, Place(inside, f"search {node.name.text}"))
    constraint = None
    if goals[0].constraint is not None:
        place = Place(inside, f"search {node.name.text}")
        constraint = read_condition(context, goals[0].constraint, CONDITION, place)
    refuse_test(context, goals[0], inside)
    count = read_trials(context, trials[0], scope)
    if goal is None or count is None:
        return None
    return core.Search(
        name=node.name.text,
        axes=tuple(one.axis for one in axes),
        repeat=read_repeats(context, only(syntax.Repeat, node.entries), scope),
        filters=tuple(read_filters(context, only(syntax.Filter, node.entries), scope)),
        direction=goals[0].direction,
        goal=goal,
        constraint=constraint,
        trials=count,
        span=node.span,
        title=None if node.title is None else node.title.value,
    )


def read_trials(context: Context, node: syntax.Trials, scope: Scope) -> int | None:
    """How many trials a search has."""
    count = node.count
    if isinstance(count, syntax.Number) and isinstance(count.value, int) and count.value > 0:
        return count.value
    context.report("E0607", "`trials` is a whole number above zero", count.span, scope)
    return None


def refuse_test(context: Context, goal: syntax.Goal, scope: Scope) -> None:
    """Report a search that would see the test split."""
    for expression in (goal.metric, goal.constraint):
        for argument in _arguments(expression):
            is_test = isinstance(argument.value, syntax.Path) and str(argument.value) == "test"
            if argument.name is not None and str(argument.name) == "on" and is_test:
                message = "a search is measured on validation data and may not see the test split"
                context.report("E0605", message, argument.value.span, scope)


def _arguments(expression: syntax.Expr | None) -> Iterator[syntax.Argument]:
    match expression:
        case syntax.Call(arguments=arguments):
            yield from arguments
        case syntax.Binary(left=left, right=right) | syntax.Comparison(left=left, right=right):
            yield from _arguments(left)
            yield from _arguments(right)
        case syntax.Group(items=items):
            for item in items:
                yield from _arguments(item)
        case _:
            return
