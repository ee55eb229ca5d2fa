"""`lab plan --since REV`: what an edit of a study costs.

The plan of the study at a revision is laid beside the plan now: what is in one and not in the other
is counted, priced and explained, whatever of it is stored.
"""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lab.cli.because import reason_line, reasons_of
from lab.cli.load import Loaded
from lab.cli.plan_json import SCHEMA, reason_json
from lab.cli.planned import Planned
from lab.cli.revision import Revision, study_at
from lab.compiler.plan import Node, Plan, Run
from lab.compiler.reasons import Reason
from lab.compiler.stored import described
from lab.compiler.texts import Place
from lab.spec.records import record, replaced
from lab.spec.source import Source

if TYPE_CHECKING:
    from lab.cli.costs import Prices


@record(slots=False)
class Edit:
    """A plan now, and that of the same study at a revision."""

    now: Planned
    then: Loaded
    revision: Revision

    @property
    def _before(self) -> Plan:
        if self.then.plan is None:
            raise TypeError("a study at a revision is right, or it is refused")
        return self.then.plan

    @cached_property
    def new(self) -> tuple[Node, ...]:
        """Nodes that only the plan now has."""
        before = {node.key for node in self._before.nodes}
        return tuple(node for node in self.now.plan.nodes if node.key not in before)

    @cached_property
    def gone(self) -> tuple[Node, ...]:
        """Nodes that only the plan then had."""
        after = {node.key for node in self.now.plan.nodes}
        return tuple(node for node in self._before.nodes if node.key not in after)

    @cached_property
    def runs(self) -> tuple[int, int, int]:
        """How many runs are new, are gone, and are as they were."""
        before, after = _runs(self._before), _runs(self.now.plan)
        return len(after - before), len(before - after), len(after & before)

    @cached_property
    def reasons(self) -> Sequence[Reason]:
        """Why what is new is, beside what the plan then had; edited lines first."""
        stored = {node.key: described(node) for node in self._before.nodes}
        new = frozenset(node.key for node in self.new)
        found = reasons_of(self.now.loaded, self.now.plan, new, stored)
        return [self._edited_first(one) for one in found]

    def _edited_first(self, one: Reason) -> Reason:
        changes = tuple(replaced(each, places=self._sorted(each.places)) for each in one.changes)
        return replaced(one, changes=changes, places=self._sorted(one.places))

    def _sorted(self, places: Sequence[Place]) -> tuple[Place, ...]:
        return tuple(sorted(places, key=lambda place: place.line not in self._edited(place)))

    def _edited(self, place: Place) -> frozenset[int]:
        """The lines of a place's file that are not as they were."""
        return self._edited_lines.get(place.file, frozenset())

    @cached_property
    def _edited_lines(self) -> dict[str, frozenset[int]]:
        sources = {self.now.loaded.source.name: self.now.loaded.source}
        checked = self.now.loaded.checked
        if checked is not None:
            sources |= {one.name: one for one in checked.origins.definitions.values()}
        return {name: self._lines_edited(source) for name, source in sources.items()}

    def _lines_edited(self, source: Source) -> frozenset[int]:
        name = source.name.removeprefix(str(self.now.folder)).lstrip("/")
        before = self.revision.text(name)
        old, new = ("" if before is None else before.text).split("\n"), source.text.split("\n")
        blocks = SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
        edited = (range(start, end) for kind, _, _, start, end in blocks if kind != "equal")
        return frozenset(line + 1 for lines in edited for line in lines)

    @cached_property
    def prices(self) -> "Prices":
        """What is new, priced as if nothing of it were stored."""
        from lab.cli.costs import priced

        now = self.now
        new = frozenset(node.key for node in self.new)
        return priced(
            now.plan,
            now.store,
            catalog=now.catalog,
            study_folder=now.folder,
            jobs=now.options.jobs,
            stored=now.stored,
            todo=new,
        )


def since(now: Planned, name: str) -> Edit:
    """What happened to a study since a revision. Raises LabError where that has no such study."""
    file = now.loaded.file
    revision = Revision(file.resolve().parent, name)
    return Edit(now, study_at(revision, file, now.options), revision)


def _runs(plan: Plan) -> set[tuple[str, tuple[str, ...]]]:
    return {_identity(run) for run in plan.runs}


def _identity(run: Run) -> tuple[str, tuple[str, ...]]:
    """A run is the same while it is the same arm with the same stages."""
    return run.arm, run.stages


def as_text(one: Edit) -> str:
    """The edit as a person reads it, the summary last."""
    return "\n".join(_lines(one))


def _lines(one: Edit) -> Iterator[str]:
    commit = one.revision.commit[:8]
    yield f"{one.now.plan.study} since {one.revision.name} ({commit} {one.revision.subject})"
    if one.new:
        from lab.cli.costs import one_line

        yield "\nwhy new:"
        yield from (f"  {reason_line(reason, one.now.loaded)}" for reason in one.reasons)
        there = sum(node.key in one.now.have for node in one.new)
        stored = f"; {there} of its {len(one.new)} stages are stored already" if there else ""
        yield f"\nthe edit costs {one_line(one.prices)}{stored}"
    new, gone, same = one.runs
    yield f"\nruns: {new} new, {gone} no longer needed, {same} as before"
    kept = len(one.now.plan.nodes) - len(one.new)
    yield (
        f"stages and measurements: {len(one.new)} new, {len(one.gone)} no longer needed, "
        f"{kept} as before"
    )


def as_json(one: Edit) -> dict[str, Any]:
    """The edit as data."""
    from lab.cli.costs import as_json as costs

    new, gone, same = one.runs
    return {
        "schema": SCHEMA,
        "file": str(one.now.loaded.file),
        "since": {"revision": one.revision.name, "commit": one.revision.commit},
        "runs": {"new": new, "gone": gone, "same": same},
        "nodes": {
            "new": [_node(node) for node in one.new],
            "gone": [_node(node) for node in one.gone],
            "same": len(one.now.plan.nodes) - len(one.new),
        },
        "stored": [node.key for node in one.new if node.key in one.now.have],
        "reasons": [reason_json(reason, one.now) for reason in one.reasons],
        "costs": costs(one.prices),
    }


def _node(node: Node) -> dict[str, Any]:
    return {"key": node.key, "label": node.label, "seed": node.seed}
