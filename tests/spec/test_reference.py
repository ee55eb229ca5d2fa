"""The language reference is a test of the checker: what its comments promise is what is found."""

import re
from operator import attrgetter
from pathlib import Path

import pytest
from reference import (
    CODE,
    FOLDER,
    PAGES,
    Fence,
    fences,
    look,
    promised_runs,
    promises,
    studies,
)
from stand_ins import catalog as stand_ins

import lab.spec
from lab.spec.catalog import builtin_catalog
from lab.spec.codes import table
from lab.spec.format import format
from lab.spec.render import render
from lab.spec.signature import Catalog
from lab.spec.source import Source

STUDIES = [fence for page in PAGES for fence in studies(page)]
COUNTED = [fence for fence in STUDIES if promised_runs(fence)]
README = FOLDER.parents[1] / "README.md"
TUTORIAL = FOLDER.parent / "tutorial.md"


NAME = attrgetter("name")


def catalog(fence: Fence) -> Catalog:
    return stand_ins() if "stand-ins" in fence.words else builtin_catalog()


@pytest.mark.parametrize("fence", STUDIES, ids=NAME)
def test_a_line_has_the_findings_that_its_comment_promises(fence: Fence) -> None:
    found = look(fence, catalog(fence))
    expected = promises(fence)
    got = sorted((place, one.severity, one.code) for place, one in found.findings)
    assert got == sorted(one[:3] for one in expected), f"found:\n{found}"
    for promise in expected:
        texts = [render(one) for place, one in found.findings if place == promise.place]
        assert any(promise.says in text for text in texts), "\n".join(texts)


@pytest.mark.parametrize("fence", COUNTED, ids=NAME)
def test_a_study_has_as_many_runs_as_its_comment_says(fence: Fence) -> None:
    for profile, count in promised_runs(fence).items():
        found = look(fence, catalog(fence), profile=profile)
        assert found.runs == count, f"found:\n{found}"


WRITTEN_BADLY = [one for one in STUDIES if any(p.code.startswith("E01") for p in promises(one))]


@pytest.mark.parametrize("fence", [one for one in STUDIES if one not in WRITTEN_BADLY], ids=NAME)
def test_what_can_be_read_is_in_canonical_form(fence: Fence) -> None:
    assert format(Source(fence.name, fence.text)) == fence.text


@pytest.mark.parametrize("page", PAGES, ids=lambda one: one.stem)
def test_a_page_that_uses_stand_ins_says_so(page: Path) -> None:
    uses = any("stand-ins" in one.words for one in fences(page))
    assert ("stand-in" in page.read_text("utf-8").replace("```lab stand-ins", "")) >= uses


@pytest.mark.parametrize("fence", [one for one in STUDIES if "stand-ins" in one.words], ids=NAME)
def test_a_block_that_is_marked_cannot_do_without_stand_ins(fence: Fence) -> None:
    assert str(look(fence, builtin_catalog())) != str(look(fence, stand_ins()))


#: Codes of what no fence can be: the page on files tells of them.
BEYOND_A_STUDY = {"E0702"}


def raised() -> set[str]:
    """Every code that stands in the sources."""
    root = Path(lab.spec.__file__).resolve().parent.parent
    files = [path for name in ("spec", "compiler") for path in (root / name).rglob("*.py")]
    return {
        code for path in files for code in re.findall(r'"([EW]\d{4})"', path.read_text("utf-8"))
    }


def test_every_code_that_is_raised_has_an_example_in_the_reference() -> None:
    in_examples = {one.code for fence in STUDIES for one in promises(fence)}
    in_words = {code for code, _ in CODE.findall((FOLDER / "files.md").read_text("utf-8"))}
    assert in_words >= BEYOND_A_STUDY
    assert sorted(raised() - in_examples - BEYOND_A_STUDY) == []


def test_every_page_about_a_code_is_of_one_that_is_raised() -> None:
    assert set(table()) == raised()


@pytest.mark.parametrize("page", [*PAGES, README, TUTORIAL], ids=NAME)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text("utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_every_page_is_listed_on_the_first_one() -> None:
    first = (FOLDER / "README.md").read_text("utf-8")
    assert all(f"({page.name})" in first for page in PAGES if page.name != "README.md")


def test_studies_in_the_readme_have_no_findings() -> None:
    for fence in fences(README):
        if fence.words[:1] == ("lab",):
            assert str(look(fence, builtin_catalog())) == ""
            assert format(Source("README.md", fence.text)) == fence.text
