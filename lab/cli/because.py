"""Reasons of a loaded study's plan, in the words of its own text."""

from collections.abc import Iterator, Sequence

from lab.cli.load import Loaded
from lab.compiler.plan import Plan
from lab.compiler.points import Scope
from lab.compiler.provenance import Provenance
from lab.compiler.reasoning import reasons
from lab.compiler.reasons import NO_EVIDENCE, Evidence, Reason
from lab.compiler.stored import Stored
from lab.compiler.texts import Place, Texts

#: Places of one reason that its line names.
_MOST_PLACES = 3


def reasons_of(
    loaded: Loaded,
    plan: Plan,
    new: frozenset[str],
    stored: Stored,
    *,
    evidence: Evidence = NO_EVIDENCE,
) -> Sequence[Reason]:
    """Why the nodes with some keys are new, beside what is stored."""
    planner, checked = loaded.planner, loaded.checked
    if planner is None or checked is None:
        return ()
    scope = Scope(planner.study, planner.catalog, planner.contents)
    texts = Texts(planner.study, loaded.source, checked.origins)
    explains = Provenance(scope, texts, plan)
    return reasons(plan, new, stored, explains=explains, shown=scope.shown, evidence=evidence)


def reason_line(one: Reason, loaded: Loaded) -> str:
    """A reason in a line: what it is, where the study says so, and how much of the plan it is."""
    where = ", ".join(dict.fromkeys(_wheres(one, loaded)))
    follow = f", and {len(one.follow)} that follow" if one.follow else ""
    return f"{one.text}{', ' * bool(where)}{where}: {len(one.nodes)}{follow}"


def _wheres(one: Reason, loaded: Loaded) -> Iterator[str]:
    """The innermost place of each change, or of the reason; the rest only where there is none."""
    leading = [change.places[0] for change in one.changes if change.places] or one.places
    for place in leading[:_MOST_PLACES]:
        yield where(place, loaded)


def where(place: Place, loaded: Loaded) -> str:
    """A place as a person says it: `line 10`, `line 3 of other.lab`, `--set`."""
    if place.kind == "set":
        return "--set"
    here = "" if place.file == loaded.source.name else f" of {place.file}"
    profile = "the profile's " if place.kind == "profile" else ""
    return f"{profile}line {place.line}{here}"
