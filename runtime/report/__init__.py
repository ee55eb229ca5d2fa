"""The written report of a study: text, plots, numbers, and a record of every run.

    results/<study>/report.md         what a person reads
    results/<study>/plots/*.png       its pictures
    results/<study>/results.json      every number of it
    results/<study>/runs/N-KEY.json   one run: configuration, environment, history, metrics

All of it is a projection of the store: written anew each time, byte for byte the same from the same
evidence, and nothing else reads it back.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lab.compiler.plan import Plan
from lab.runtime.evidence import Values
from lab.runtime.figure import Plot, Table, figure_of
from lab.runtime.files import clear_parts, write_atomically
from lab.runtime.report.growth import NOTHING_GREW, Grown
from lab.runtime.results import Records, Results
from lab.runtime.verdicts import Verdict, decide

__all__ = ["Report", "write"]

_OURS = {"plots": re.compile(r"\d+-[\w-]+\.png"), "runs": re.compile(r"\d+-[0-9a-f]+\.json")}


@dataclass(frozen=True, slots=True)
class Report:
    """What was written, and what stands in it."""

    study: str
    title: str | None
    paths: dict[str, Path]
    tables: tuple[Table, ...]
    verdicts: tuple[Verdict, ...]
    accepted: tuple[str, ...] = ()


def write(  # noqa: PLR0913 - all that a report is made of
    plan: Plan,
    values: Values,
    records: Records,
    folder: Path,
    *,
    study_text: str,
    command: str | None = None,
    stale: Mapping[str, str] | None = None,
    accepted: Sequence[str] = (),
    failures: Records | None = None,
    growth: Grown = NOTHING_GREW,
) -> Report:
    """Write a study's report into its folder.

    Args:
        plan, values, records: what was planned, measured, and recorded.
        folder: `results/<study>`; made if need be. Files of an earlier report are replaced.
        study_text: the study as written, quoted in the report.
        command: how to make these results again.
        stale: nodes for which there is a result that other code made, with what changed.
        accepted: what results of older code are used, and why, a sentence each.
        failures: by node, the record of what failed: `cause` and `message`.
        growth: what was decided on the way: trials of searches, numbers of replicates.
    """
    from lab.runtime.report import data, markdown, plotting

    results = Results(plan, values, records, failures)
    verdicts = tuple(decide(plan, values, stale=stale))
    drawings = [drawing for figure in plan.figures for drawing in figure_of(figure).draw(results)]
    drawings += growth.tables
    files: dict[str, bytes] = {}
    pictures: dict[str, str] = {}
    for index, drawing in enumerate(drawings, 1):
        if isinstance(drawing, Plot):
            name = f"plots/{index}-{slug(drawing.name)}.png"
            files[name] = plotting.png(drawing)
            pictures[drawing.name] = name
    files |= data.run_files(results)
    files["results.json"] = data.results_file(results, verdicts, {**growth.data, **_kept(accepted)})
    text = markdown.report(
        results,
        verdicts,
        drawings,
        pictures=pictures,
        accepted=accepted,
        study_text=study_text,
        command=command or f"lab run {plan.study}.lab",
    )
    files["report.md"] = text.encode()
    paths = _written(folder, files)
    tables = tuple(drawing for drawing in drawings if isinstance(drawing, Table))
    return Report(plan.study, plan.title, paths, tables, verdicts, tuple(accepted))


def _kept(accepted: Sequence[str]) -> dict[str, list[str]]:
    return {"accepted": list(accepted)} if accepted else {}


def slug(text: str) -> str:
    """A text as part of a file name."""
    return re.sub(r"[^\w]+", "-", text.lower()).strip("-")[:60]


def _written(folder: Path, files: dict[str, bytes]) -> dict[str, Path]:
    """Put the files in place, and take away those of an earlier report that are no longer made."""
    for part in ("", *_OURS):
        clear_parts(folder / part)
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_file() or path.read_bytes() != content:
            write_atomically(path, content)
    for part, ours in _OURS.items():
        if not (folder / part).is_dir():
            continue
        for path in (folder / part).iterdir():
            if ours.fullmatch(path.name) and f"{part}/{path.name}" not in files:
                path.unlink()
    return {name: folder / name for name in files}
