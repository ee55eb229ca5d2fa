"""What people get wrong is found before anything runs, at its line, with the word that was meant.

Mistakes are made by `mutations`, which does not know the checker. A mutant does not count where its
plan is the plan of the study as it was.
"""

import ast
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import mutations
import pytest
from mutations import KINDS, Mutant, Study, mutants
from stand_ins import catalog as stand_ins

from lab.compiler.build import Refusal, compile_study
from lab.compiler.serial import to_json
from lab.spec.catalog import builtin_catalog
from lab.spec.check import check
from lab.spec.diagnostics import Diagnostic
from lab.spec.render import render_all
from lab.spec.signature import Catalog
from lab.spec.source import Source

HERE = Path(__file__).parent
DESIGN = {path.name: path for path in sorted((HERE / "studies").glob("*.lab"))}
SHIPPED = {
    f"studies/{path.name}": path for path in sorted((HERE.parents[1] / "studies").glob("*.lab"))
}
EACH = 75  # of seven kinds: more than 500 in all
SEED = 20


@dataclass(frozen=True)
class Judgment:
    """What became of a mutant: whether it was found, on its line, with the word that was meant."""

    mutant: Mutant
    found: bool
    on_line: bool
    suggested: bool


@cache
def catalog_for(study: str) -> Catalog:
    return builtin_catalog() if study in SHIPPED else stand_ins()


def load(name: str) -> Source:
    return Source(name, "let unused_here = 3\n")


@cache
def text_of(study: str) -> str:
    return {**DESIGN, **SHIPPED}[study].read_text("utf-8")


def read(study: str, text: str) -> tuple[list[tuple[int, Diagnostic | Refusal]], object]:
    """What is wrong with a study and on which lines; its plan where nothing is."""
    source = Source(study, text)
    checked = check(source, catalog_for(study), load=load)
    errors = [one for one in checked.diagnostics if one.severity == "error"]
    render_all(errors)
    if errors:
        return [(source.position(one.labels[0].span.start)[0], one) for one in errors], None
    assert checked.study is not None
    made = compile_study(checked.study, checked.catalog, lambda _: None)
    if isinstance(made, Refusal):
        return [(source.position(made.span.start)[0], made)], None
    return [], to_json(made)


@cache
def plan_of(study: str) -> object:
    return read(study, text_of(study))[1]


def judge(mutant: Mutant) -> Judgment | None:
    """A judgment of a mutant; None where it means what the study meant."""
    findings, plan = read(mutant.study, mutant.text)
    if not findings and plan == plan_of(mutant.study):
        return None
    return Judgment(
        mutant,
        found=bool(findings),
        on_line=any(line in mutant.lines for line, _ in findings),
        suggested=any(_suggests(finding, mutant.meant) for _, finding in findings),
    )


def _suggests(finding: Diagnostic | Refusal, meant: str | None) -> bool:
    if isinstance(finding, Refusal) or finding.edit is None:
        return False
    return finding.edit.replacement == meant


@cache
def judged(seed: int, each: int) -> tuple[Judgment, ...]:
    studies = [Study(name, text_of(name), catalog_for(name)) for name in [*DESIGN, *SHIPPED]]
    found = (judge(one) for one in mutants(studies, seed=seed, each=each))
    return tuple(one for one in found if one is not None)


def missed(judgments: Iterable[Judgment], what: str) -> list[str]:
    return [
        f"{one.mutant.study}:{sorted(one.mutant.lines)} {one.mutant.kind}: {one.mutant.what}"
        for one in judgments
        if not getattr(one, what)
    ]


def hold_the_floors(judgments: tuple[Judgment, ...]) -> None:
    typos = [one for one in judgments if one.mutant.meant is not None]
    found, misplaced = missed(judgments, "found"), missed(judgments, "on_line")
    unhelped = missed(typos, "suggested")
    assert len(found) <= 0.02 * len(judgments), found
    assert len(misplaced) <= 0.05 * len(judgments), misplaced
    assert len(unhelped) <= 0.10 * len(typos), unhelped


def test_mistakes_are_many_and_of_every_kind() -> None:
    judgments = judged(SEED, EACH)
    assert len(judgments) >= 500
    for kind in KINDS:
        assert sum(one.mutant.kind == kind for one in judgments) >= 40, kind


def test_mistakes_are_found_at_their_line_with_the_word_that_was_meant() -> None:
    hold_the_floors(judged(SEED, EACH))


@pytest.mark.verify
@pytest.mark.parametrize("seed", range(3))
def test_other_mistakes_are_found_as_well(seed: int) -> None:
    hold_the_floors(judged(seed, 200))


@pytest.mark.parametrize("study", [*DESIGN, *SHIPPED])
def test_a_study_without_a_mistake_has_a_plan(study: str) -> None:
    assert plan_of(study) is not None


def test_the_generator_does_not_know_the_checker() -> None:
    tree = ast.parse(Path(mutations.__file__).read_text("utf-8"))
    modules = [node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    assert not [name for name in modules if name and "check" in name.split(".")]
