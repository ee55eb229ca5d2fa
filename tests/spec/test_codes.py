"""Every code has one page, and the page's example is refused for the reason it gives."""

import re
from pathlib import Path

import pytest
from stand_ins import catalog

import lab.spec
from lab.spec.check import check
from lab.spec.codes import explain, table
from lab.spec.format import format
from lab.spec.source import Source

EXAMPLE = re.compile(r"```lab\n(.*?)```", re.DOTALL)
CATALOG = catalog()


def example(code: str) -> str | None:
    found = EXAMPLE.search(table()[code].page)
    return found[1] if found else None


WITH_EXAMPLE = [code for code in table() if example(code) is not None]


def test_every_code_in_the_sources_has_a_page() -> None:
    folder = Path(lab.spec.__file__).parent
    texts = [path.read_text("utf-8") for path in folder.rglob("*.py")]
    used = {code for text in texts for code in re.findall(r'"([EW]\d{4})"', text)}
    assert used <= set(table())


def test_codes_are_ordered_and_given_once() -> None:
    headings = re.findall(
        r"^## (\w+):", Path(lab.spec.codes.__file__).with_name("codes.md").read_text("utf-8"), re.M
    )
    assert headings == sorted(set(headings))


@pytest.mark.parametrize("code", table())
def test_page_says_why_and_what_to_do(code: str) -> None:
    page = table()[code].page
    assert page.startswith(f"{code}: ")
    assert "\nRemedy: " in page


@pytest.mark.parametrize("code", WITH_EXAMPLE)
def test_example_is_refused_for_its_reason_and_no_other(code: str) -> None:
    found = check(Source("s.lab", example(code) or ""), CATALOG).diagnostics
    codes = {one.code for one in found}
    assert code in codes
    if code.startswith("E"):
        assert {one.code for one in found if one.severity == "error"} == {code}


@pytest.mark.parametrize("code", [code for code in WITH_EXAMPLE if code[:3] not in ("E01",)])
def test_example_is_in_canonical_form(code: str) -> None:
    text = example(code) or ""
    assert format(Source("s.lab", text)) == text


def test_code_is_explained_however_it_is_spelled() -> None:
    assert explain(" e0104 ") == explain("E0104")
    assert explain("E9999") is None
