"""`lab results`, `lab claims` and `lab compare`: what is stored, read and not written."""

import json
import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from lab.cli import exits
from lab.cli.load import show_diagnostics
from lab.cli.options import Options
from lab.cli.planned import Planned, planned
from lab.cli.tables import table

if TYPE_CHECKING:
    from lab.cli.gathered import Gathered
    from lab.runtime.verdicts import Verdict

#: Verdicts that are told first in the summary.
_OUTCOMES = ("PASS", "FAIL", "UNDECIDED", "STALE", "UNTESTED")


def results(options: Options) -> int:
    """Print the tables of each study, with intervals."""
    studies, worst = _studies(options)
    found = [_Stored(one) for one in studies]
    if options.json:
        _print_json([one.as_json() for one in found])
    else:
        for one in found:
            print("\n\n".join(one.tables()))
    return worst


def claims(options: Options) -> int:
    """Print the verdict on each claim."""
    studies, worst = _studies(options)
    found = [_Stored(one) for one in studies]
    if options.json:
        _print_json([{"study": one.study, "verdicts": one.as_json()["verdicts"]} for one in found])
    else:
        for one in found:
            print("\n".join(_told(one)))
    failed = any(verdict.outcome == "FAIL" for one in found for verdict in one.verdicts)
    return worst or (exits.CLAIM_FAILED if failed else exits.DONE)


def compare(options: Options) -> int:
    """Print how the results of two studies differ, point by point."""
    from lab.cli.comparing import compared, rows

    if len(options.files) != 2:
        print("lab: `lab compare` takes two studies", file=sys.stderr)
        return exits.COMMAND_IS_WRONG
    studies, worst = _studies(options)
    if worst:
        return worst
    stored = [_Stored(one) for one in studies]
    for one in stored:
        for said in one.outdated():
            print(f"{one.study}: {said}", file=sys.stderr)
    sides = [
        {**own.as_json(), "name": str(one.loaded.file)}
        for own, one in zip(stored, studies, strict=True)
    ]
    found = compared(*sides)
    if options.json:
        _print_json([found])
    else:
        print("\n".join(table(rows(found))) or "no point is in both")
    return exits.DONE


def _studies(options: Options) -> tuple[list[Planned], int]:
    """The studies that are right, and the exit code of those that are not."""
    found: list[Planned] = []
    worst = exits.DONE
    for file in options.files:
        loaded, one = planned(file, options)
        show_diagnostics(loaded)
        if one is None:
            worst = exits.STUDY_IS_WRONG
        else:
            found.append(one)
    return found, worst


def _print_json(documents: Sequence[dict[str, Any]]) -> None:
    """One document for one study or several."""
    whole = documents[0] if len(documents) == 1 else {"files": list(documents)}
    json.dump(whole, sys.stdout, indent=1)
    print()


class _Stored:
    """What is stored of a study, with its verdicts."""

    def __init__(self, one: Planned) -> None:
        from lab.cli.gathered import gathered
        from lab.runtime.results import Results
        from lab.runtime.verdicts import decide

        self.study = one.plan.study
        self.found: Gathered = gathered(one.standing, one.store)
        found = self.found
        self.results: Results = Results(found.plan, found.values, found.records, found.failures)
        self.verdicts: list[Verdict] = decide(found.plan, found.values, stale=found.stale)

    def as_json(self) -> dict[str, Any]:
        """What `results.json` of a report has."""
        from lab.runtime.report.data import results_file

        return json.loads(results_file(self.results, self.verdicts, self.found.growth.data))

    def tables(self) -> Iterator[str]:
        """The tables of the study's report; one of all its columns where it has none."""
        from lab.runtime.figure import Table, figure_of
        from lab.runtime.report.terminal import plain

        shown: list[Table] = [
            drawing
            for figure in self.results.plan.figures
            for drawing in figure_of(figure).draw(self.results)
            if isinstance(drawing, Table)
        ]
        for one in (*shown, *self.found.growth.tables):
            notes = "".join(f"\n  {note}" for note in one.notes)
            yield f"{self.study}: {one.title}\n{plain(one)}{notes}"
        yield from self.found.accepted
        yield from self.outdated()

    def outdated(self) -> Iterator[str]:
        """A sentence about results that older code made, where the study has any."""
        if stale := self.found.stale:
            count = f"{len(stale)} result{'s' * (len(stale) > 1)}"
            changed = "; ".join(dict.fromkeys(stale.values()))
            yield (
                f"Made by other code, and not shown: {count} ({changed}). `lab run` makes such "
                "results again; `lab accept` says that they stand."
            )


def _told(one: _Stored) -> Iterator[str]:
    for verdict in one.verdicts:
        yield f"{verdict.outcome}  {verdict.label}\n  {verdict.sentence}"
    yield from one.found.accepted
    counts = {name: sum(v.outcome == name for v in one.verdicts) for name in _OUTCOMES}
    said = ", ".join(f"{count} {name}" for name, count in counts.items() if count)
    yield f"{one.study}: {said or 'it makes no claim'}"
