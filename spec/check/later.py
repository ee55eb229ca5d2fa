"""What can only be said once everything is read.

An argument that a call leaves out may be set by an axis; a `let` of the wrong unit is one mistake,
however often its name is written.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING

from lab.spec.records import made_by, record
from lab.spec.source import Span

if TYPE_CHECKING:
    from lab.spec import core
    from lab.spec.check.context import Declared, Scope

Report = Callable[[], None]


@record
class Missing:
    """An argument that was left out: slots where an axis would give it."""

    slots: frozenset[str]
    report: Report


@record
class Misfit:
    """A use of a `let` for which its unit is wrong."""

    span: Span
    scope: Scope
    report: Report
    report_at_let: Callable[[Declared, Misfit], None]


@record(frozen=False)
class Later:
    """Findings that wait. `fitting` are the lets whose unit was right somewhere."""

    missing: list[Missing] = made_by(default_factory=list[Missing])
    stand_ins: list[tuple[str, dict[str, core.Core], str]] = made_by(
        default_factory=list[tuple[str, "dict[str, core.Core]", str]]
    )
    misfits: dict[str, list[Misfit]] = made_by(default_factory=dict[str, list[Misfit]])
    fitting: set[str] = made_by(default_factory=set[str])

    def given(self, slots: Collection[str]) -> None:
        """Report the arguments that no axis sets; where one does, nothing stands in for it."""
        for one in self.missing:
            if one.slots.isdisjoint(slots):
                one.report()
        for slot, values, name in self.stand_ins:
            if slot in slots:
                values.pop(name, None)

    def unfit(self, declared: Callable[[str], Declared]) -> None:
        """Report wrong units: at the `let` where no use fits it, else at the uses."""
        for name, found in self.misfits.items():
            if name in self.fitting:
                for one in found:
                    one.report()
            else:
                found[0].report_at_let(declared(name), found[0])


def slots_set(blocks: Iterator[core.Axis]) -> set[str]:
    """Slots that some axes set."""
    return {slot for axis in blocks for path in axis.paths for slot in path.slots}
