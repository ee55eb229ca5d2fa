"""What stages need of the model and data they are given: `pretrained` needs a model's weights.

A need names an argument of an argument, or several of which one will do, as in
`model.weights|pretrained`.
"""

from collections.abc import Iterator, Mapping
from typing import cast

from lab.compiler.plan import Node, Plan
from lab.compiler.problem import Problem
from lab.compiler.strands import Strand, kinds
from lab.spec import core
from lab.spec.check.lints import walk
from lab.spec.signature import Catalog
from lab.spec.source import Span
from lab.spec.values import Value


def refuse_unmet(study: core.Study, plan: Plan, catalog: Catalog) -> None:
    """Raise the first need of a stage that is not met."""
    needs = {
        name: one.needs for (kind, name), one in catalog.signatures.items() if one.needs and kind
    }
    if not needs.keys() & set(_mentioned(study)):
        return
    for node in kinds(plan):
        for need in needs.get(node.component, ()) if node.role == "stage" else ():
            argument, _, inner = need.partition(".")
            given = node.arguments.get(argument)
            if isinstance(given, dict) and _is_unmet(_inside(given), inner.split("|")):
                name, first = given.get("component"), inner.partition("|")[0]
                message = f"`{node.component}` needs `{first}:`, and this `{name}` has none"
                lines = (f'give the {argument} some, as in `{name}({first}: "…")`',)
                raise Problem("E0301", message, _place(study, node), *lines)


def _mentioned(study: core.Study) -> Iterator[str]:
    """Components that the study writes: without one that needs anything, no node is looked at."""
    values = [one.value for one in study.definitions.values()]
    for one in study.definitions.values():
        values += [value for value in one.parameters.values() if value is not None]
    values += [axis.value for block in study.grids for axis in block.axes]
    values += [axis.value for block in study.searches for axis in block.axes]
    values += [one.condition for one in study.claims]
    values += [one.goal for one in study.searches]
    for figure in study.report:
        values += [column.metric for columns in figure.metrics.values() for column in columns]
    for value in values:
        yield from (one.component for one in walk(value) if isinstance(one, core.Build))


def _is_unmet(given: Mapping[str, Value], alternatives: list[str]) -> bool:
    """Whether none of some arguments says anything, of those that there are."""
    said = [given[name] for name in alternatives if name in given]
    return bool(said) and all(one is None or one is False for one in said)


def _inside(given: Mapping[str, Value]) -> Mapping[str, Value]:
    return cast(Mapping[str, Value], given.get("args") or {})


def _place(study: core.Study, node: Node | Strand) -> Span:
    """Where a stage is written: in the method that its label names, else anywhere."""
    owner = node.label.partition(":")[0]
    found = {name: one for name in study.definitions for one in _builds(study, name, node)}
    return found.get(owner, next(iter(found.values()), Span(0, 0)))


def _builds(study: core.Study, name: str, node: Node | Strand) -> Iterator[Span]:
    for one in walk(study.definitions[name].value):
        if isinstance(one, core.Build) and (one.kind, one.component) == ("stage", node.component):
            yield one.span
