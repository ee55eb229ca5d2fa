"""Where in which text an expression stands: the study's own, that of a file it uses, or `--set`.

Core expressions have a span and no source. Those that an edit put in, and those in definitions of
other files, are known by their identity; the rest is the study's own.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Literal

from lab.spec import core
from lab.spec.check.edits import Edits
from lab.spec.check.origins import EditedBy, Origins
from lab.spec.records import record
from lab.spec.source import Source, Span

Kind = Literal["definition", "axis", "call", "default", "profile", "set", "repeat", "claim"]


@record
class Place:
    """A part of a text: the file as messages call it, line and column from 1, and what it says.

    `kind`: a value stands in its `definition`, is set by an `axis` or by a `call` of the method it
    is in, is a `default` (the place is then the component that leaves it out), or comes from a
    `profile`, from `--set` or from `repeat`; what no grid asks for is asked for by a `claim`.
    """

    file: str
    line: int
    column: int
    text: str
    kind: Kind


@record(slots=False)
class Texts:
    """The texts of a study: its own, and where what is not written there came from."""

    study: core.Study
    main: Source
    origins: Origins

    @cached_property
    def _edited(self) -> Mapping[int, EditedBy]:
        found: dict[int, EditedBy] = {}
        for one in self.origins.edits:
            found |= dict.fromkeys(_identities(_values(one.edits)), one)
        return found

    @cached_property
    def _elsewhere(self) -> Mapping[int, Source]:
        """Sources of the expressions that do not stand in the study's own file."""
        found: dict[int, Source] = {}
        for name, source in self.origins.definitions.items():
            definition = self.study.definitions.get(name)
            if definition is None or source is self.main:
                continue
            parameters = (one for one in definition.parameters.values() if one is not None)
            found |= dict.fromkeys(_identities((definition.value, *parameters)), source)
        return found

    @cached_property
    def metrics(self) -> tuple[core.Core, ...]:
        """What figures, claims and waiting replicates measure."""
        study = self.study
        columns = (one for figure in study.report for one in figure.metrics.values())
        waits = (grid.repeat or study.repeat for grid in study.grids)
        return (
            *(column.metric for each in columns for column in each),
            *(one.until.metric for one in waits if one.until is not None),
            *(side for claim in study.claims for side in _sides(claim.condition)),
        )

    def place(self, expression: core.Core, kind: Kind) -> Place:
        """The place of an expression."""
        edit = self._edited.get(id(expression))
        if edit is not None:
            return self.at(expression.span, edit.kind, edit.source)
        return self.at(expression.span, kind, self._elsewhere.get(id(expression)))

    def at(self, span: Span, kind: Kind, source: Source | None = None) -> Place:
        """The place of a span."""
        source = source or self.main
        line, column = source.position(span.start)
        return Place(source.name, line, column, source.text[span.start : span.end], kind)

    def of_repeat(self, repeat: core.Repeat) -> Place:
        """The place of what says how many replicates there are."""
        edit = next((one for one in self.origins.edits if one.edits.repeat is repeat), None)
        if edit is not None:
            return self.at(repeat.span, edit.kind, edit.source)
        return self.at(repeat.span, "repeat")


def _identities(values: Iterable[core.Core]) -> Iterator[int]:
    """The `id` of every expression in some."""
    for value in values:
        for part in parts(value):
            yield id(part)


def _values(edits: Edits) -> Iterator[core.Core]:
    """What a profile or `--set` writes."""
    for block in (edits, *edits.grids):
        for axis in block.axes:
            yield axis.value


def _sides(condition: core.Core) -> Iterator[core.Core]:
    """The metrics that a claim compares."""
    if isinstance(condition, core.Logical):
        for one in condition.operands:
            yield from _sides(one)
    elif isinstance(condition, core.Compare):
        yield from (condition.left, condition.right)


def parts(expression: core.Core) -> Iterator[core.Core]:
    """An expression and everything inside it."""
    yield expression
    for inner in _inside(expression):
        yield from parts(inner)


def _inside(expression: core.Core) -> list[core.Core]:  # noqa: PLR0911 - one return for each form
    match expression:
        case core.Build() | core.Measure() | core.MetricCall() | core.ScheduleCall():
            return list(expression.arguments.values())
        case core.Arm():
            return [*expression.arguments.values(), *expression.overrides.values()]
        case core.ListValue():
            return list(expression.items)
        case core.Choice():
            return list(expression.options)
        case core.RangeChoice():
            return [one for one in (expression.start, expression.stop, expression.by) if one]
        case core.Arithmetic():
            return [expression.left, expression.right]
        case core.Pieces():
            return [one for pair in expression.pieces for one in pair if one is not None]
        case core.Pipeline():
            return list(expression.parts)
        case _:
            return []
