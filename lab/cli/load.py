"""From a file name to a plan: what `check`, `plan`, `run` and `report` have in common."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from lab.compiler.build import Refusal, runs_touching
from lab.compiler.plan import Plan
from lab.compiler.planner import Planner
from lab.compiler.remark import Remark
from lab.compiler.remarks import remarks
from lab.runtime.arithmetic import find
from lab.runtime.contents import Contents
from lab.spec.catalog import builtin_catalog
from lab.spec.check import Checked, check
from lab.spec.check.gather import Load
from lab.spec.diagnostics import Diagnostic, Label
from lab.spec.files import read_source
from lab.spec.records import record, replaced
from lab.spec.render import as_json as finding_as_json
from lab.spec.render import in_order, render_all
from lab.spec.signature import Catalog
from lab.spec.source import Source


@record
class Loaded:
    """A study file, checked and planned; `plan` is None where there are errors.

    `planner` plans it again as its searches are decided; `checked` is what it was planned from.
    """

    file: Path
    source: Source
    plan: Plan | None
    diagnostics: tuple[Diagnostic, ...]
    planner: Planner | None = None
    checked: Checked | None = None

    @property
    def is_wrong(self) -> bool:
        """Whether anything found is an error."""
        return any(one.severity == "error" for one in self.diagnostics)


def load(
    file: Path, *, profile: str | None = None, sets: Sequence[str] = (), only: str | None = None
) -> Loaded:
    """Check a study and plan it, or the part of it that a condition chooses."""
    source = read_source(file)
    if isinstance(source, Diagnostic):
        return Loaded(file, source.source, None, (source,))
    return load_text(source, file, Given(profile, tuple(sets), only))


@record
class Given:
    """What a command line says of a study besides its file, and how other texts are read."""

    profile: str | None = None
    sets: tuple[str, ...] = ()
    only: str | None = None
    contents: Callable[[str], str | None] | None = None
    load: Load | None = None


def load_text(source: Source, file: Path, given: Given) -> Loaded:
    """Check and plan a text as that of a file."""
    checked = check(
        source,
        builtin_catalog(),
        profile=given.profile,
        sets=given.sets,
        only=given.only,
        load=given.load,
    )
    study, catalog = checked.study, checked.catalog
    found = list(checked.diagnostics)
    plan: Plan | None = None
    planner: Planner | None = None
    if study is not None and not _has_errors(found):
        contents = given.contents or Contents(file.parent)
        planner = Planner(study, catalog, contents, checked.origins.only)
        made = planner.plan()
        if isinstance(made, Refusal):
            found.append(_diagnostic(made, source))
        else:
            plan = made
            found += [_warning(one, source) for one in remarks(study, made, catalog, find)]
    diagnostics = tuple(in_order(_with_reach(found, checked, catalog)))
    return Loaded(file, source, plan, diagnostics, planner, checked)


def _has_errors(found: Sequence[Diagnostic]) -> bool:
    return any(one.severity == "error" for one in found)


def _diagnostic(refusal: Refusal, source: Source) -> Diagnostic:
    label = Label(refusal.span)
    code, message, help_lines = refusal.code, refusal.message, refusal.help_lines
    return Diagnostic("error", code, message, source, (label,), help=help_lines)


def _warning(remark: Remark, source: Source) -> Diagnostic:
    code, message, helps = remark.code, remark.message, remark.help_lines
    labels, subject = (Label(remark.span),), remark.subject
    return Diagnostic("warning", code, message, source, labels, help=helps, subject=subject)


def _with_reach(
    found: Sequence[Diagnostic], checked: Checked, catalog: Catalog
) -> list[Diagnostic]:
    """Say of each finding how many runs it touches, where that can be counted."""
    subjects = frozenset(one.subject for one in found if one.subject)
    if checked.study is None or not subjects:
        return list(found)
    counts = runs_touching(checked.study, catalog, subjects)
    return [_reaching(one, counts) for one in found]


def _reaching(one: Diagnostic, counts: dict[str, int]) -> Diagnostic:
    if not one.subject or not counts.get(one.subject):
        return one
    return replaced(one, reach=f"{counts[one.subject]} of {counts['']} runs")


def findings(loaded: Loaded) -> dict[str, object]:
    """What was found in a file, as plain data."""
    found = [finding_as_json(one) for one in loaded.diagnostics]
    return {"file": str(loaded.file), "diagnostics": found}


def show_diagnostics(loaded: Loaded, stream: TextIO = sys.stderr) -> None:
    """Print what was found, as text."""
    if loaded.diagnostics:
        print(render_all(loaded.diagnostics, color=stream.isatty()), file=stream)


def results_folder(file: Path, named: Path | None) -> Path:
    """Where results go: `--results`, else `results/` beside the study's folder."""
    return named if named is not None else file.resolve().parent.parent / "results"
