"""Warnings: what is legal and probably not meant."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from itertools import pairwise
from typing import cast, get_args

from lab.spec import core
from lab.spec.check.context import Context, Scope
from lab.spec.records import names_of
from lab.spec.source import Source


def lint(context: Context, study: core.Study, source: Source) -> None:
    """Warn of what a checked study says to no effect."""
    shown = closure(study, [*asked_for(study)])
    measured = closure(study, [*columns_of(study)])
    for block in (*study.grids, *study.searches):
        scope = Scope(source, block.name)
        arms = [axis.value for axis in block.axes if axis.paths[0].slots == ("method",)]
        live = measured | closure(study, [*arms, *(axis.value for axis in block.axes)])
        if not arms:
            live |= {name for name, one in study.definitions.items() if one.kind == "method"}
        live |= {name for name, one in study.definitions.items() if one.kind in {"model", "data"}}
        for axis in block.axes:
            _lint_axis(context, axis, live, scope)
    arms = {grid: _arms_of(grid) for grid in study.grids}
    for claim in study.claims:
        _lint_claim(context, study, claim, arms=arms, scope=Scope(source, claim.name))
    for definition in study.definitions.values():
        declared = context.declared.get(definition.name)
        home = source if declared is None else declared.source
        for node in walk(definition.value):
            if isinstance(node, core.Pipeline):
                _lint_pipeline(context, node, Scope(home, definition.name))
    _lint_unused(context, study, shown)
    _lint_parameters(context, source)


def walk(node: core.Core) -> Iterator[core.Core]:
    """A node and all nodes inside it."""
    return iter(_inside(node))


@lru_cache(maxsize=1000)
def _inside(node: core.Core) -> tuple[core.Core, ...]:
    """A node and all nodes inside it, which many warnings look through."""
    found = [node]
    for one in found:
        for name in _fields_of(type(one)):
            _add_nodes(found, getattr(one, name))
    return tuple(found)


@cache
def _fields_of(kind: type[core.Core]) -> tuple[str, ...]:
    return tuple(name for name in names_of(kind) if name != "span")


_KINDS = frozenset(get_args(core.Core))


def _add_nodes(found: list[core.Core], value: object) -> None:
    """The nodes among the values of a node's field."""
    kind = type(value)
    if kind in _KINDS:
        found.append(cast(core.Core, value))
    elif kind is tuple:
        for one in cast(tuple[object, ...], value):
            _add_nodes(found, one)
    elif kind is dict:
        for one in cast(dict[str, object], value).values():
            _add_nodes(found, one)


def _mentions(node: core.Core) -> Iterator[str]:
    for one in walk(node):
        match one:
            case core.Reference():
                yield core.owner(one.slot)
            case core.Named() | core.Arm() | core.ScheduleCall() | core.MetricCall():
                yield one.name.removesuffix(".best")
            case core.PathValue():
                yield from (core.owner(slot) for slot in one.slots)
            case core.NameOf():
                yield one.name
            case _:
                continue


def closure(study: core.Study, roots: Iterable[core.Core]) -> set[str]:
    """Definitions that some expressions mention, directly or not."""
    found: set[str] = set()
    waiting = [name for root in roots for name in _mentions(root)]
    while waiting:
        name = waiting.pop()
        definition = study.definitions.get(name)
        if name in found or definition is None:
            continue
        found.add(name)
        waiting += _mentioned_in(definition)
    return found


@lru_cache(maxsize=1000)
def _mentioned_in(definition: core.Definition) -> tuple[str, ...]:
    """Names in a definition, which many closures ask for."""
    defaults = [one for one in definition.parameters.values() if one is not None]
    return tuple(other for one in (definition.value, *defaults) for other in _mentions(one))


def columns_of(study: core.Study) -> Iterator[core.Core]:
    """What is measured of every run."""
    for figure in study.report:
        for columns in figure.metrics.values():
            yield from (column.metric for column in columns)


def asked_for(study: core.Study) -> Iterator[core.Core]:
    """What is measured for the report, for claims, for searches and to know when to stop."""
    yield from columns_of(study)
    for figure in study.report:
        yield from figure.options.values()
    for repeat in (study.repeat, *(block.repeat for block in (*study.grids, *study.searches))):
        if repeat is not None and repeat.until is not None:
            yield repeat.until.metric
    for claim in study.claims:
        yield claim.condition
        if claim.where is not None:
            yield claim.where
    for search in study.searches:
        yield search.goal
        if search.constraint is not None:
            yield search.constraint


def _lint_axis(context: Context, axis: core.Axis, live: set[str], scope: Scope) -> None:
    value = axis.value
    if isinstance(value, core.Choice) and len(set(value.texts)) == 1:
        message = f"every alternative of `{axis.paths[0].text}` is `{value.texts[0]}`"
        context.report("W0801", message, value.span, scope)
    elif isinstance(value, core.Choice):
        for option, text in _repeated(value):
            message = f"an alternative of `{axis.paths[0].text}` before this is `{text}` too"
            context.report("W0801", message, option.span, scope)
    if isinstance(value, core.RangeChoice) and _is_point(value):
        message = f"`{axis.paths[0].text}` has one value: the range ends where it starts"
        context.report("W0801", message, value.span, scope)
    for path in axis.paths:
        if path.slots and not any(
            slot in _ROOTS or core.owner(slot) in live for slot in path.slots
        ):
            message = f"`{path.text}` changes nothing here: no method of this block has it"
            context.report("W0802", message, path.span, scope)


_ROOTS = frozenset({"method", "model", "data"})


def _repeated(choice: core.Choice) -> Iterator[tuple[core.Core, str]]:
    """Alternatives that are one with an earlier one: a point is counted and run once."""
    seen: dict[object, str] = {}
    for option, text in zip(choice.options, choice.texts, strict=True):
        value = option.value if isinstance(option, core.Const) else text
        known = (type(value) is bool, value)
        if known in seen:
            yield option, seen[known]
        seen.setdefault(known, text)


def _is_point(value: core.RangeChoice) -> bool:
    ends = [one.value for one in (value.start, value.stop) if isinstance(one, core.Const)]
    return len(ends) == 2 and ends[0] == ends[1]


def claim_arms(claim: core.Claim) -> list[str]:
    """Methods that a claim names itself."""
    names = [one.name for one in walk(claim.condition) if isinstance(one, core.Arm)]
    return list(dict.fromkeys(names))


def _lint_claim(
    context: Context,
    study: core.Study,
    claim: core.Claim,
    *,
    arms: Mapping[core.Grid, set[str]],
    scope: Scope,
) -> None:
    named = claim_arms(claim)
    grids = {arm: [grid for grid in study.grids if arm in arms[grid]] for arm in named}
    repeats = [grid.repeat or study.repeat for found in grids.values() for grid in found]
    replicates = max((len(one.seeds) for one in repeats), default=len(study.repeat.seeds))
    if named and replicates == 1 and _is_random(context, study, named):
        message = f"`{claim.name}` rests on one replicate: no interval, no verdict"
        lines = ["add `repeat 3 as seed`"]
        context.report("W0803", message, claim.span, scope, help_lines=lines)
    meeting = [_roots_of(found) for found in grids.values() if found]
    for kind in (0, 1):
        sets = [{one[kind] for one in roots} for roots in meeting]
        known = [one for one in sets if None not in one]
        if len(known) > 1 and not known[0].intersection(*known[1:]):
            what = ("model", "data")[kind]
            message = f"the methods that `{claim.name}` compares never run on one {what}"
            context.report("W0806", message, claim.span, scope)


def _arms_of(grid: core.Grid) -> set[str]:
    return {
        one.name
        for axis in grid.axes
        if axis.paths[0].slots == ("method",)
        for one in walk(axis.value)
        if isinstance(one, core.Arm)
    }


def _roots_of(grids: Iterable[core.Grid]) -> set[tuple[str | None, str | None]]:
    found: set[tuple[str | None, str | None]] = set()
    for grid in grids:
        models, data = _names(grid, "model"), _names(grid, "data")
        found |= {(model, source) for model in models for source in data}
    return found


def _names(grid: core.Grid, slot: str) -> list[str | None]:
    for axis in grid.axes:
        if axis.paths[0].slots == (slot,):
            return [one.name for one in walk(axis.value) if isinstance(one, core.Named)]
    return [None]


def _is_random(context: Context, study: core.Study, arms: Iterable[str]) -> bool:
    names = {*arms}
    for arm in arms:
        if arm in study.definitions:
            names |= closure(study, [study.definitions[arm].value])
    for name in names & study.definitions.keys():
        for node in walk(study.definitions[name].value):
            if isinstance(node, core.Build):
                signature = context.catalog.get(node.kind, node.component)
                if signature is not None and signature.streams:
                    return True
    return False


def _lint_pipeline(context: Context, pipeline: core.Pipeline, scope: Scope) -> None:
    """A fitted representation is lost where the next stage starts from what was shipped."""
    for before, after in pairwise(pipeline.parts):
        if not isinstance(before, core.Build) or not isinstance(after, core.Build):
            continue
        if before.component == "fit" and "through" in after.arguments:
            kept = after.arguments["through"]
            made = before.arguments.get("through")
            if isinstance(made, core.Build) and isinstance(kept, core.Build):
                message = f"this stage throws away what `{made.component}` made"
                lines = [
                    f"to apply `{kept.component}` to its numbers: `{made.component}(through: …)`"
                ]
                context.report("W0807", message, after.span, scope, help_lines=lines)


def _lint_unused(context: Context, study: core.Study, shown: set[str]) -> None:
    blocks = [axis.value for block in (*study.grids, *study.searches) for axis in block.axes]
    filters = [one.condition for block in (*study.grids, *study.searches) for one in block.filters]
    used = shown | closure(study, [*blocks, *filters])
    used |= {
        core.owner(slot)
        for block in (*study.grids, *study.searches)
        for axis in block.axes
        for path in axis.paths
        for slot in path.slots
    }
    used |= _path_owners(study)
    for definition in study.definitions.values():
        alone = len([one for one in study.definitions.values() if one.kind == definition.kind]) == 1
        is_default = definition.kind in {"model", "data", "method"} and alone
        if definition.name in used or is_default:
            continue
        declared = context.declared.get(definition.name)
        if declared is not None and declared.source == context.source:
            scope = Scope(declared.source, definition.name)
            message = f"the {definition.kind} `{definition.name}` is never used"
            context.report("W0809", message, declared.node.name.span, scope)


def _lint_parameters(context: Context, source: Source) -> None:
    """A parameter that its own definition never mentions."""
    for declared in context.declared.values():
        for one in declared.node.parameters if declared.source == source else ():
            if not declared.types.get(one.name.text):
                message = f"the parameter `{one.name.text}` of `{declared.name}` is never used"
                context.report("W0809", message, one.name.span, Scope(source, declared.name))


def _path_owners(study: core.Study) -> set[str]:
    paths = [path for figure in study.report for found in figure.paths.values() for path in found]
    paths += [path for claim in study.claims for one in claim.over for path in one.paths]
    return {core.owner(slot) for path in paths for slot in path.slots} | {
        path.text for path in paths
    }
