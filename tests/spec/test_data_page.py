"""The studies of `docs/data.md` are checked and planned, and it names every source there is."""

from pathlib import Path

import pytest
from reference import fences

from lab.compiler.build import compile_study
from lab.compiler.plan import Plan
from lab.runtime.facts.data import GLUE
from lab.runtime.fetching import ACTIONS
from lab.runtime.text.glue import TASKS
from lab.spec.catalog import builtin_catalog
from lab.spec.check import check
from lab.spec.render import render_all
from lab.spec.source import Source

PAGE = Path(__file__).parents[2] / "docs" / "data.md"
TEXT = PAGE.read_text("utf-8")
STUDIES = [one for one in fences(PAGE) if one.words == ("lab",)]


def test_there_are_studies() -> None:
    assert len(STUDIES) >= 4


@pytest.mark.parametrize("fence", STUDIES, ids=lambda one: one.name)
def test_a_study_of_the_page_has_no_mistake_and_runs(fence) -> None:
    checked = check(Source("study.lab", fence.text), builtin_catalog())
    assert not checked.diagnostics, render_all(checked.diagnostics)
    assert checked.study is not None
    made = compile_study(checked.study, checked.catalog, lambda _: "sha256:0")
    assert isinstance(made, Plan)
    assert len(made.runs) == 1


def test_every_source_is_on_the_page() -> None:
    for name in builtin_catalog().names("data"):
        assert f"`{name}(" in TEXT or f"`{name}()`" in TEXT, name


def test_every_name_that_can_be_fetched_is_on_the_page() -> None:
    assert [name for name in ACTIONS if f"`{name}" not in TEXT] == []


def test_every_task_of_glue_is_on_the_page_with_its_test_examples() -> None:
    assert set(GLUE) == set(TASKS)
    for name, (_, test) in GLUE.items():
        row = next(one for one in TEXT.splitlines() if one.startswith("|") and f"`{name}`" in one)
        assert f"{test:,}" in row
        assert TASKS[name].scored_by in row
