"""Schedules whose pieces last longer than the stage that they belong to."""

from collections.abc import Iterator

from lab.spec import core
from lab.spec.check.context import Context, Scope
from lab.spec.check.lints import walk
from lab.spec.units import Duration

#: Sums of shares such as 10% + 20% + 70% miss the whole by this at most.
ROUNDING = 1e-9


def lint_lengths(context: Context, study: core.Study) -> None:
    """Warn of pieces that end after their stage, or leave nothing for the last one."""
    for definition in study.definitions.values():
        declared = context.declared.get(definition.name)
        if declared is None:
            continue
        longest = dict(_longest(study, definition.value))
        for pieces, share in longest.items():
            scope = Scope(declared.source, definition.name)
            message = f"these pieces last {share * 100:.4g}% of the stage"
            if share <= 1 + ROUNDING:
                message += ", and nothing is left for the last one"
            lines = ["shorten a piece; the last one, without `for`, takes what is left"]
            context.report("W0812", message, pieces.span, scope, help_lines=lines)


def _longest(study: core.Study, value: core.Core) -> Iterator[tuple[core.Pieces, float]]:
    """Schedules in a value that are too long, and their length as a share of the stage."""
    nodes = list(walk(value))
    if not any(isinstance(node, core.Pieces) for node in nodes):
        return
    stages = [one for one in nodes if isinstance(one, core.Build) and one.kind == "stage"]
    for root in (value, *stages):
        stage = root if isinstance(root, core.Build) else None
        whole = None if stage is None else _duration(study, stage.arguments.get("for"))
        for pieces in [one for one in walk(root) if isinstance(one, core.Pieces)]:
            share = _share(study, pieces, whole)
            if share is not None and _is_too_long(pieces, share):
                yield pieces, share


def _is_too_long(pieces: core.Pieces, share: float) -> bool:
    leaves_some = pieces.pieces[-1][1] is None
    return share > 1 + ROUNDING or (leaves_some and share > 1 - ROUNDING)


def _share(study: core.Study, pieces: core.Pieces, whole: Duration | None) -> float | None:
    """How much of a stage the pieces with a length take; None where that depends on the data."""
    total = 0.0
    for length in (length for _, length in pieces.pieces if length is not None):
        found = _duration(study, length)
        if found is None:
            return None
        if found.unit == "share":
            total += found.amount
        elif whole is not None and found.unit == whole.unit and whole.amount > 0:
            total += found.amount / whole.amount
        else:
            return None
    return total


def _duration(study: core.Study, length: core.Core | None) -> Duration | None:
    """A duration that is written, or that a `let` names."""
    if isinstance(length, core.Reference) and length.slot.startswith("let "):
        definition = study.definitions.get(length.slot.removeprefix("let "))
        length = None if definition is None else definition.value
    value = length.value if isinstance(length, core.Const) else None
    return value if isinstance(value, Duration) else None
