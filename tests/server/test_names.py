"""Every name has one meaning, and a rename keeps it."""

from pathlib import Path

import pytest
from texts import STUDIES, STUDY, analysis_of, cursor_in

from lab.server.hover import hover
from lab.server.names import index_of
from lab.server.rename import RENAMED, RefusedError, applied, rename
from lab.spec.parser import _automaton
from lab.spec.tokens import scan


def _renamed(marked: str, to: str) -> str:
    text, offset = cursor_in(marked)
    analysis = analysis_of(text)
    edits = rename(analysis, index_of(analysis), offset, to=to)
    return applied(text, edits[analysis.source.name])


def test_a_parameter_is_renamed_where_it_is_said_used_and_set() -> None:
    renamed = _renamed(STUDY.replace("field(size", "field(si‸ze"), "units")
    assert renamed == (
        STUDY.replace("field(size: 8)", "field(units: 8)")
        .replace("width: size", "width: units")
        .replace("field.size", "field.units")
    )


def test_a_seed_is_renamed_where_replicates_are_paired() -> None:
    renamed = _renamed(STUDY.replace("as seed", "as se‸ed"), "replicate")
    assert renamed == STUDY.replace("seed", "replicate")


#: What is renamed -> the new name, and why it will not do.
REFUSED = {
    "method de‸nse": ("field", "there is a method `field` already"),
    "field(si‸ze": ("effort", "would not do: `for` takes a duration"),
    "let eff‸ort": ("size", "would not do"),
    "model n‸et": ("not a name", "is not a name"),
    "grid ar‸ms": ("method", "is not a name"),
    "in‸wf(": ("outwf", "not a name that this file gives"),
}


@pytest.mark.parametrize("place", REFUSED)
def test_a_rename_that_would_change_a_meaning_is_refused(place: str) -> None:
    to, reason = REFUSED[place]
    with pytest.raises(RefusedError, match=reason):
        _renamed(STUDY.replace(place.replace("‸", ""), place, 1), to)


def test_nothing_is_renamed_beside_a_syntax_error() -> None:
    text = STUDY.replace("method eight =", "method eight = =")
    with pytest.raises(RefusedError, match="syntax errors"):
        _renamed(text.replace("let effort", "let eff‸ort"), "length")


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.stem)
def test_every_definition_can_be_renamed_and_renamed_back(study: Path) -> None:
    text = study.read_text(encoding="utf-8")
    analysis = analysis_of(text, str(study))
    index = index_of(analysis)
    for one in [one for one in index.occurrences if one.defines][:8]:
        if one.target.kind not in RENAMED - {"seed"}:
            continue
        old = text[one.span.start : one.span.end]
        (edits,) = rename(analysis, index, one.span.start, to="quite_new").values()
        made = analysis_of(applied(text, edits), str(study))
        (back,) = rename(made, index_of(made), one.span.start, to=old).values()
        assert applied(made.source.text, back) == text


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.stem)
def test_every_name_in_a_right_study_means_something(study: Path) -> None:
    text = study.read_text(encoding="utf-8")
    analysis = analysis_of(text, str(study))
    index = index_of(analysis)
    known = {text[one.span.start : one.span.end] for one in index.occurrences}
    words = {token.text for token in scan(text)[0] if token.kind == "word"}
    language = {word for word in _automaton().tables["words"] if word.isalpha()}
    assert words - known - language == set()
    for one in index.occurrences:
        hover(analysis, index, one.span.start)


#: Where the cursor is -> what hover says there.
HOVERS = {
    "wi‸dth: size": "whole number, at least 1",
    "l‸r: 3e-3": "default",
    "bytes(de‸nse)": "method dense = train",
    "met‸hod: field": "the method that a point runs",
    "width: si‸ze": "a parameter of `field`",
    "field.si‸ze": "a parameter of `field`",
    "field.lay‸ers": "hidden layers",
    "rat‸io(eight)": "how much smaller",
    "40 ste‸ps": "unit of steps",
    "quan‸tize": "bits",
    "tab‸le": "(figure)",
}


@pytest.mark.parametrize("place", HOVERS)
def test_hover_says_what_a_name_is(place: str) -> None:
    text, _ = STUDY, place
    offset = text.index(place.replace("‸", "")) + place.index("‸")
    analysis = analysis_of(text)
    found = hover(analysis, index_of(analysis), offset)
    assert found is not None
    assert HOVERS[place] in found[0]
