"""Arms inside the arguments of a stage: the teacher of `loss: task + 0.5 * distill(from: dense)`.

They are inputs of the stage. Their roles are the argument they stand in and the parameter that
takes them, numbered in the order of writing: `loss.from`, `loss.from.2`. Whoever reads the resolved
argument in the same order knows which is which.
"""

from collections.abc import Iterator
from typing import NamedTuple

from lab.compiler.evaluate import Closure, Environment, Evaluator, Resolved
from lab.spec import core
from lab.spec.signature import Catalog, Signature

#: Components of these kinds have their arms as inputs by the bare names of parameters.
ROOTS = frozenset({"stage", "measurement"})


class Found(NamedTuple):
    """An arm: the parameter that takes it, what is written, and where its names are looked up."""

    parameter: str
    expression: core.Core
    environment: Environment


#: Kinds by catalog, which is kept with them so that its identity stays its own.
_HOLDERS: dict[int, tuple[Catalog, frozenset[str]]] = {}
#: Whether a component may hold arms, by catalog and signature, which are kept likewise.
_TAKERS: dict[tuple[int, int], tuple[Catalog, Signature, bool]] = {}


def holders(catalog: Catalog) -> frozenset[str]:
    """Kinds of components that take arms as arguments."""
    known = _HOLDERS.get(id(catalog))
    if known is None:
        kinds = frozenset(
            one.kind
            for one in catalog.signatures.values()
            if one.kind not in ROOTS and any(info.type.name == "arm" for info in one.parameters)
        )
        known = _HOLDERS[id(catalog)] = (catalog, kinds)
    return known[1]


def _may_hold(catalog: Catalog, signature: Signature, kinds: frozenset[str]) -> bool:
    """Whether a component takes one that may take arms: looked up, it is asked at every point."""
    at = id(catalog), id(signature)
    known = _TAKERS.get(at)
    if known is None:
        holds = any(info.type.name in kinds for info in signature.parameters)
        known = _TAKERS[at] = (catalog, signature, holds)
    return known[2]


def nested_arms(
    evaluator: Evaluator,
    signature: Signature,
    build: core.Build | core.Measure,
    environment: Environment,
) -> Iterator[tuple[str, Found]]:
    """The arms inside the arguments of a stage or measurement, by role."""
    kinds = holders(evaluator.catalog)
    if not _may_hold(evaluator.catalog, signature, kinds):
        return
    slot = build.slot if isinstance(build, core.Build) else build.slot or build.measurement
    for info in signature.parameters:
        if info.type.name not in kinds:
            continue
        outside = evaluator.lookup(f"{slot}.{info.name}", environment)
        written = build.arguments.get(info.name)
        if outside is None and written is not None:
            outside = Closure(written, environment)
        if outside is None:
            continue
        seen: dict[str, int] = {}
        for found in _closed(evaluator, outside):
            role = f"{info.name}.{found.parameter}"
            seen[role] = seen.get(role, 0) + 1
            yield role if seen[role] == 1 else f"{role}.{seen[role]}", found


def _closed(evaluator: Evaluator, closure: Closure) -> Iterator[Found]:
    expression, environment = evaluator.closed(closure)
    if not isinstance(expression, Resolved):
        yield from _inside(evaluator, expression, environment)


def _inside(
    evaluator: Evaluator, expression: core.Core, environment: Environment
) -> Iterator[Found]:
    match expression:
        case core.Choice():
            yield from _inside(evaluator, evaluator.chosen(expression), environment)
        case core.Arithmetic():
            yield from _inside(evaluator, expression.left, environment)
            yield from _inside(evaluator, expression.right, environment)
        case core.ListValue():
            for item in expression.items:
                yield from _inside(evaluator, item, environment)
        case core.Reference():
            closure = evaluator.meant(expression.slot, environment, expression.span)
            yield from _closed(evaluator, closure)
        case core.Build():
            yield from _build(evaluator, expression, environment)
        case _:
            return


def _build(evaluator: Evaluator, build: core.Build, environment: Environment) -> Iterator[Found]:
    signature = evaluator.catalog.signatures[build.kind, build.component]
    kinds = holders(evaluator.catalog)
    for info in signature.parameters:
        written = build.arguments.get(info.name)
        if info.type.name == "arm" and written is not None:
            yield Found(info.name, written, environment)
        elif info.type.name in kinds:
            outside = evaluator.lookup(f"{build.slot}.{info.name}", environment)
            if outside is not None:
                yield from _closed(evaluator, outside)
            elif written is not None:
                yield from _inside(evaluator, written, environment)
