"""Warnings about what nothing in a study records: a measurement of it, a curve of it."""

from collections.abc import Iterable, Iterator

from lab.spec import core
from lab.spec.check.context import Context, Scope, suggestion
from lab.spec.check.lints import columns_of, walk
from lab.spec.signature import Signature
from lab.spec.source import Source

#: Kinds of components that record something while they work.
RECORDING = frozenset({"stage", "reparameterization", "selector", "loss"})


def lint_recorded(context: Context, study: core.Study, source: Source) -> None:
    """Warn of measurements and curves that no stage makes."""
    for where, expressions, arms in _measured(study):
        for node in (one for expression in expressions for one in walk(expression)):
            if isinstance(node, core.Measure):
                _lint_measure(context, study, node, arms=arms, scope=Scope(source, where))
    _lint_curves(context, study, Scope(source, "report"))


def _measured(
    study: core.Study,
) -> Iterator[tuple[str, list[core.Core], list[core.Core]]]:
    """What is measured, by whom it is asked for, and the arms that `method` is there."""
    asked: list[core.Core] = [
        axis.value
        for block in (*study.grids, *study.searches)
        for axis in block.axes
        if axis.paths[0].slots == ("method",)
    ]
    methods = [one for one in study.definitions.values() if one.kind == "method"]
    arms = asked or [one.value for one in methods]
    yield "report", [*columns_of(study)], arms
    for claim in study.claims:
        yield claim.name, [claim.condition], []
    for search in study.searches:
        goal = [search.goal, *([] if search.constraint is None else [search.constraint])]
        yield search.name, goal, arms
    for metric in study.definitions.values():
        if metric.kind == "metric":
            yield metric.name, [metric.value], arms


def _lint_measure(
    context: Context,
    study: core.Study,
    measure: core.Measure,
    *,
    arms: list[core.Core],
    scope: Scope,
) -> None:
    signature = context.catalog.get("measurement", measure.measurement)
    if signature is None or signature.reads is None:
        return
    measured = arms if isinstance(measure.arm, core.TheMethod) else [measure.arm]
    last = [one for arm in measured for one in last_stages(study, arm)]
    known = [None if one is None else context.catalog.get("stage", one) for one in last]
    if known and not any(_may_note(one, signature.reads) for one in known):
        names = ", ".join(dict.fromkeys(f"`{one.name}`" for one in known if one is not None))
        message = f"`{measure.measurement}` reads what none of these methods ends with"
        lines = [f"they end with {names}, which does not note `{signature.reads}`"]
        context.report("W0805", message, measure.span, scope, help_lines=lines)


def _may_note(stage: Signature | None, note: str) -> bool:
    return stage is None or stage.notes is None or note in stage.notes


def last_stages(study: core.Study, method: core.Core) -> list[str | None]:
    """The stages that a method can end with; None where that is decided as the study runs."""
    match method:
        case core.Choice():
            return [name for one in method.options for name in last_stages(study, one)]
        case core.Pipeline():
            parts = [one for one in method.parts if not _is_nothing(one)]
            return last_stages(study, parts[-1]) if parts else []
        case core.Arm(name=name) if name in study.definitions:
            return last_stages(study, study.definitions[name].value)
        case core.Build(kind="stage"):
            return [method.component]
        case _:
            return [None]


def _is_nothing(part: core.Core) -> bool:
    return isinstance(part, core.Const) and part.value is None


def _lint_curves(context: Context, study: core.Study, scope: Scope) -> None:
    known = _curves(context, study)
    if known is None:
        return
    for name in _named_curves(context, study):
        if name.value not in known:
            text = str(name.value)
            message = f"no stage of this study records a curve `{text}`"
            lines = [f"its stages record {', '.join(sorted(known)) or 'no curves'}"]
            hint = suggestion(text, name.span, sorted(known))
            context.report("W0805", message, name.span, scope, help_lines=lines, hint=hint)


def _named_curves(context: Context, study: core.Study) -> Iterator[core.Const]:
    for figure in study.report:
        signature = context.catalog.get("figure", figure.figure)
        for name, value in figure.options.items():
            info = None if signature is None else signature.parameter(name)
            if info is not None and info.type.name == "curve":
                yield from (
                    one
                    for one in walk(value)
                    if isinstance(one, core.Const) and isinstance(one.value, str)
                )


def _curves(context: Context, study: core.Study) -> set[str] | None:
    """Everything that the components of a study record; None where that is not known."""
    blocks = [axis.value for block in (*study.grids, *study.searches) for axis in block.axes]
    roots = [one.value for one in study.definitions.values()] + blocks
    found: set[str] = set()
    for build in _recording(roots):
        signature = context.catalog.get(build.kind, build.component)
        if signature is None or signature.curves is None:
            return None
        found.update(signature.curves)
    return found


def _recording(roots: Iterable[core.Core]) -> Iterator[core.Build]:
    for root in roots:
        for node in walk(root):
            if isinstance(node, core.Build) and node.kind in RECORDING:
                yield node
