"""Every class of mistake, as a study whose comments name the codes that its lines deserve.

`# E0312` at the end of a line: the checker finds that there, and nothing else anywhere. The texts
of all findings are in the file of the same name with `.txt`; `GOLDEN=write pytest …` writes it.
"""

import os
import re
from pathlib import Path

import pytest
from golden_texts import STUDIES
from hypothesis import given, settings
from hypothesis import strategies as st
from stand_ins import catalog

from lab.spec.check import Checked, check
from lab.spec.codes import explain
from lab.spec.render import render_all
from lab.spec.source import Source

ERRORS = sorted((Path(__file__).parent / "errors").glob("*.lab"))
CODES = re.compile(r"#((?: [EW]\d{4})+)\s*$")
SHARED = {
    "shared.lab": "method dense = pretrained\nmethod shared = pretrained\n",
    "wrong.py": '@component("toy", kind="reparameterization", stage="apply")\n'
    'class Toy:\n    """Toy."""\n    strength: int = parameter(1, "how much", low=1)\n'
    '@component("bad", kind="reparameterization")\nclass Bad:\n    x: Nonsense = parameter(1)\n',
    "fields_common.lab": "let unused_here = 3\n",
}


def load(name: str) -> Source | None:
    if name == "uses.lab":
        return Source("uses.lab", "")
    return Source(name, SHARED[name]) if name in SHARED else None


def checked(path: Path, *, profile: str | None = None) -> Checked:
    source = Source(path.name, path.read_text("utf-8"))
    return check(source, catalog(), profile=profile, load=load)


def promised(path: Path) -> list[tuple[int, str]]:
    lines = enumerate(path.read_text("utf-8").splitlines(), 1)
    found = ((number, CODES.search(line)) for number, line in lines)
    return [(number, code) for number, match in found if match for code in match[1].split()]


@pytest.mark.parametrize("path", ERRORS, ids=lambda path: path.stem)
def test_a_line_has_the_findings_that_its_comment_promises(path: Path) -> None:
    found = [
        (one.source.position(one.labels[0].span.start)[0], one.code)
        for one in checked(path).diagnostics
        if one.source.name == path.name
    ]
    assert sorted(found) == sorted(promised(path))


@pytest.mark.parametrize("path", ERRORS, ids=lambda path: path.stem)
def test_findings_read_as_they_did(path: Path) -> None:
    text = render_all(checked(path).diagnostics) + "\n"
    golden = path.with_suffix(".txt")
    if os.environ.get("GOLDEN") == "write":
        golden.write_text(text, "utf-8")
    assert text == golden.read_text("utf-8")


@pytest.mark.parametrize("path", ERRORS, ids=lambda path: path.stem)
def test_every_code_that_is_found_has_a_page(path: Path) -> None:
    assert all(explain(one.code) for one in checked(path).diagnostics)


@pytest.mark.parametrize("path", ERRORS, ids=lambda path: path.stem)
def test_findings_stand_in_source_order(path: Path) -> None:
    here = [one for one in checked(path).diagnostics if one.source.name == path.name]
    starts = [one.labels[0].span.start for one in here]
    assert starts == sorted(starts)


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_the_studies_of_the_design_have_no_errors(path: Path) -> None:
    found = [one for one in checked(path).diagnostics if one.severity == "error"]
    assert render_all(found) == ""


@pytest.mark.parametrize("path", STUDIES, ids=lambda path: path.stem)
def test_the_studies_of_the_design_have_no_errors_in_their_profiles(path: Path) -> None:
    for name in checked(path).study.profiles if checked(path).study else ():
        found = checked(path, profile=name)
        assert not found.failed
        assert found.study is not None
        assert found.study.profile == name


def test_one_unknown_name_is_one_finding_however_often_it_is_used() -> None:
    text = "data d = digits()\nmodel m = mlp()\nmethod a = pretrained then inwf(for: len)\n"
    text += "method b = pretrained then inwf(for: len)\ngrid g { method: a | b }\n"
    found = check(Source("s.lab", text), catalog()).diagnostics
    assert [one.code for one in found] == ["E0201"]
    assert [label.text for label in found[0].labels] == ["", "and here"]


def test_what_depends_on_a_broken_declaration_is_silent() -> None:
    text = "data d = digits()\nmodel m = mlp()\nmethod a = pretrained then (\n"
    text += "method b = a then quantize()\ngrid g { method: a | b; a.width: 3 }\n"
    text += "claim c: accuracy(a) > 50% over some a.width\n"
    found = check(Source("s.lab", text), catalog()).diagnostics
    assert [one.code for one in found] == ["E0102"]


def test_a_remedy_makes_the_finding_go_away() -> None:
    text = "data d = digits()\nmodel m = mlp()\n"
    text += "method a = pretrained then inwf(widht: 3, for: 2 epocs)\ngrid g { method: a }\n"
    source = Source("s.lab", text)
    found = check(source, catalog()).diagnostics
    edits = sorted((one.edit for one in found if one.edit), key=lambda edit: -edit.span.start)
    for edit in edits:
        text = text[: edit.span.start] + edit.replacement + text[edit.span.end :]
    assert len(edits) == 2
    assert check(Source("s.lab", text), catalog()).diagnostics == []


TEXTS = [path.read_text("utf-8") for path in [*STUDIES, *ERRORS]]
TOKENS = re.compile(r"\w+|[^\w\s]|\s+")


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_no_mangled_study_makes_the_checker_fail(data: st.DataObject) -> None:
    tokens = TOKENS.findall(data.draw(st.sampled_from(TEXTS)))
    for _ in range(data.draw(st.integers(1, 6))):
        at = data.draw(st.integers(0, len(tokens) - 1))
        other = data.draw(st.integers(0, len(tokens) - 1))
        match data.draw(st.sampled_from(["drop", "swap", "copy"])):
            case "drop":
                tokens[at] = " "
            case "swap":
                tokens[at], tokens[other] = tokens[other], tokens[at]
            case _:
                tokens[at] = tokens[other]
    source = Source("s.lab", "".join(tokens))
    render_all(check(source, catalog(), load=load).diagnostics)
