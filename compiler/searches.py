"""Searches: their winners as stages that wait or as the best trial, and what is planned of them.

The key of a winner covers all that decides which trial wins: the arm that is searched at the first
corner of the space, the space, the goal and its constraint as measured on validation, the direction
and how many trials there are.
"""

from collections.abc import Mapping
from typing import cast

from lab.compiler.canonical import digest
from lab.compiler.chooser import Chooser
from lab.compiler.evaluate import NOWHERE
from lab.compiler.evidence import Inputs, Row
from lab.compiler.measures import Metrics
from lab.compiler.parts import downstream, keys_in, part_of, trees_of
from lab.compiler.plan import Plan, Run, SearchPlan, Tree
from lab.compiler.points import Scope, axes_of, chosen_method
from lab.compiler.problem import Problem
from lab.compiler.stages import KEY_LENGTH, Pipelines, Template
from lab.compiler.trials import Number, replay, replicates_of, trial_point, unit_of
from lab.spec import core
from lab.spec.records import replaced
from lab.spec.signature import Signature
from lab.spec.units import Duration
from lab.spec.values import Value

SEARCH = Signature("search", "stage", (), "The best trial of a search.", "", "", "", 0, "1")


#: The values of the best trial, by search and site.
Decisions = Mapping[str, Mapping[str, Number]]


def search_winners(scope: Scope, decided: Decisions | None = None) -> tuple[SearchPlan, ...]:
    """Make the winner of every search an arm, in the order they are written.

    Of a search in `decided` it is the best trial's pipeline; of any other, a stage that waits.
    """
    return tuple(_search(scope, one, (decided or {}).get(one.name)) for one in scope.study.searches)


def _search(scope: Scope, search: core.Search, best: Mapping[str, Number] | None) -> SearchPlan:
    winner, unit = _winner(scope, search)
    point = None if best is None else trial_point(scope, search, replay(best))
    name = f"{search.name}.best"
    scope.winners[name] = winner if point is None else replaced(point.stage, owner=name)
    seeds = replicates_of(scope.study, search).seeds
    return SearchPlan(
        name=search.name,
        title=search.title,
        direction=search.direction,
        trials=search.trials,
        replicates=len(seeds),
        space={path.text: _text(axis.value) for axis in search.axes for path in axis.paths},
        key=digest({**winner.arguments, "trials": None})[:KEY_LENGTH],
        goal=said(search.goal),
        constraint=None if search.constraint is None else said(search.constraint),
        unit=unit,
        seed=seeds[0],
        best=None if point is None else point.settings(scope, search),
    )


def waiting(plan: Plan) -> frozenset[str]:
    """Keys of the nodes that wait for a search to be decided."""
    if not plan.searches:
        return frozenset()
    searches = [one for one in plan.nodes if one.role == "stage" and one.component == SEARCH.name]
    return downstream(plan, {node.key for node in searches})


def ready(plan: Plan) -> Plan:
    """What of a plan waits for no search: runs, what is measured of them, and claims."""
    late = waiting(plan)
    if not late:
        return plan

    def waits(tree: Tree) -> bool:
        return any(key in late for key in keys_in(tree))

    def measured(run: Run) -> Run:
        known = {label: tree for label, tree in run.metrics.items() if not waits(tree)}
        return run if len(known) == len(run.metrics) else replaced(run, metrics=known)

    runs = [measured(run) for run in plan.runs if late.isdisjoint(run.stages)]
    claims = [
        replaced(
            claim, cases=tuple(c for c in claim.cases if not any(map(waits, trees_of(c.condition))))
        )
        for claim in plan.claims
    ]
    return part_of(plan, runs, claims)


def _winner(scope: Scope, search: core.Search) -> tuple[Template, str | None]:
    repeat = replicates_of(scope.study, search)
    evaluator = scope.evaluator(axes_of(search), Chooser())
    pipelines = Pipelines(evaluator, repeat.vary)
    corner = pipelines.method(chosen_method(evaluator))
    inputs, metrics = Inputs(), Metrics(evaluator, repeat.vary, corner, split="validation")
    goal = metrics.formula(search.goal, NOWHERE)
    arguments: dict[str, Value] = {
        "space": {slot: _space(scope, axis.value) for axis in search.axes for slot in _slots(axis)},
        "filters": [digest(_condition(one.condition)) + one.kind for one in search.filters],
        "direction": search.direction,
        "trials": search.trials,
        "seeds": list(repeat.seeds),
        "vary": list(repeat.vary),
        "goal": inputs.tree(goal),
    }
    if search.constraint is not None:
        row = Row(metrics, evaluator.settings)
        arguments["constraint"] = inputs.condition(search.constraint, row)
    every = {"corner": corner, **inputs.templates}
    # By name: what is at the corner is not run because its search is waited for.
    arguments["inputs"] = {role: one.digest for role, one in every.items()}
    made = pipelines.template("stage", SEARCH, arguments, inputs={}, owner=f"{search.name}.best")
    return replaced(made, random=any(one.random for one in every.values())), unit_of(goal)


def said(expression: core.Core) -> str:
    """A goal or a condition in a few words, numbers in base units."""
    match expression:
        case core.MetricCall() | core.Measure():
            name = expression.name if isinstance(expression, core.MetricCall) else ""
            arm = expression.arm.name if isinstance(expression.arm, core.Arm) else ""
            shown = name or cast(core.Measure, expression).measurement
            return f"{shown}({arm})" if arm else shown
        case core.Const():
            return _text(expression)
        case core.Arithmetic() | core.Compare():
            return f"{said(expression.left)} {expression.op} {said(expression.right)}"
        case core.Logical(op="not"):
            return f"not {said(expression.operands[0])}"
        case core.Logical():
            return f" {expression.op} ".join(said(one) for one in expression.operands)
        case _:
            return "…"


def _slots(axis: core.Axis) -> list[str]:
    """The slots of an axis, with for whom they are set where that is not everybody."""
    return [
        f"{slot} of {path.of[i]}" if path.of else slot
        for path in axis.paths
        for i, slot in enumerate(path.slots)
    ]


def _space(  # noqa: PLR0911 - one return for each form
    scope: Scope, expression: core.Core
) -> Value:
    """What may stand at a slot, as data: alternatives and ranges described, not chosen."""
    match expression:
        case core.Choice():
            return {"choice": [_space(scope, one) for one in expression.options]}
        case core.RangeChoice():
            ends = [_space(scope, expression.start), _space(scope, expression.stop)]
            by = None if expression.by is None else _space(scope, expression.by)
            kind = [expression.points, expression.log, expression.whole, expression.continuous]
            return {"range": ends, "by": by, "form": [*kind]}
        case core.Build():
            return _component(scope, expression)
        case core.ListValue():
            return [_space(scope, one) for one in expression.items]
        case core.Arm() if expression.name not in scope.study.definitions:
            return Pipelines(scope.evaluator({}, Chooser()), ()).method(expression).digest
        case core.Arm():
            body = _space(scope, scope.study.definitions[expression.name].value)
            said = {**expression.arguments, **expression.overrides}
            return {"arm": body, "said": {at: _space(scope, one) for at, one in said.items()}}
        case core.Named():
            return _space(scope, scope.study.definitions[expression.name].value)
        case core.Pipeline():
            return [_space(scope, one) for one in expression.parts]
        case core.Arithmetic():
            sides = [_space(scope, expression.left), _space(scope, expression.right)]
            return {"op": expression.op, "of": [*sides]}
        case _:
            return scope.evaluator({}, Chooser()).value(expression)


def _component(scope: Scope, build: core.Build) -> Value:
    signature = scope.catalog.signatures[build.kind, build.component]
    args: dict[str, Value] = {
        info.name: info.default
        for info in signature.parameters
        if not info.required and not (info.is_late and info.default == info.legacy)
    }
    args |= {name: _space(scope, value) for name, value in build.arguments.items()}
    return {"build": [build.kind, build.component, signature.version], "args": args}


def _condition(condition: core.Core) -> Value:  # noqa: PLR0911 - one return for each form
    match condition:
        case core.Logical():
            return [condition.op, [_condition(one) for one in condition.operands]]
        case core.Compare() | core.Arithmetic():
            return [condition.op, _condition(condition.left), _condition(condition.right)]
        case core.PathValue():
            return list(condition.slots)
        case core.NameOf():
            return condition.name
        case core.Const(value=Duration() as length):
            return [length.amount, length.unit]
        case core.Const(value=value) if not isinstance(value, Duration):
            return value
        case core.Build():
            return condition.component
        case core.ListValue():
            return [_condition(one) for one in condition.items]
        case _:
            raise Problem("E0505", "a search cannot be filtered by this", condition.span)


def _text(value: core.Core) -> str:
    match value:
        case core.Choice():
            return " | ".join(value.texts)
        case core.RangeChoice():
            ends = f"{_text(value.start)} .. {_text(value.stop)}"
            return f"log {ends}" if value.log else ends
        case core.Const():
            return "none" if value.value is None else str(value.value)
        case core.Arm() | core.Named():
            return value.name
        case core.Build():
            return value.component
        case _:
            return "…"
