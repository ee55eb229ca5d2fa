"""Completion offers what the checker would take at the cursor."""

from pathlib import Path

import pytest
from texts import CATALOG, STUDIES, STUDY, cursor_in

from lab.server.completion import Candidate, complete
from lab.spec.check import check
from lab.spec.source import Source


def _offered(text: str) -> list[Candidate]:
    text, offset = cursor_in(text)
    return complete(Source("small.lab", text), offset, CATALOG)


def _labels(text: str) -> list[str]:
    return [one.label for one in _offered(text)]


#: What stands at the end of a study -> what is offered, what is not.
PLACES = {
    "method last = dense then ‸": ({"field", "quantize", "finetune"}, {"last", "ratio", "adam"}),
    "method last = dense then inwf(‸": ({"width", "layers", "for"}, {"sine", "field"}),
    "method last = dense then inwf(width: 3, ‸)": ({"layers"}, {"width"}),
    "method last = dense then inwf(layers: 1, activation: ‸)": (
        {"sine", "relu"},
        {"field", "adam"},
    ),
    "method last = dense then inwf(by: ad‸)": ({"adam", "sgd"}, {"sine", "field", "quantize"}),
    "method last = dense then inwf(width: 3, for: ‸": ({"effort"}, {"dense", "adam"}),
    "method last = dense then inwf(for: 3 ‸)": ({"steps", "epochs"}, {"MB", "px", "bits"}),
    "method last = field(‸)": ({"size", "layers"}, {"dense"}),
    "grid last {\n  field.‸\n}": ({"size", "width", "layers"}, {"dense", "sine"}),
    "grid last {\n  field.‸": ({"size", "layers"}, set[str]()),
    "grid last {\n  method: ‸\n}": ({"dense", "field", "eight"}, {"ratio", "net", "images"}),
    "grid last {\n  ‸\n}": ({"field", "repeat", "skip", "keep"}, {"maximize", "where"}),
    "claim last: ‸": ({"ratio", "drop", "accuracy"}, {"dense", "adam"}),
    "claim last: drop(‸) < 1%": ({"dense", "field"}, {"ratio", "quantize"}),
    "claim last: drop(eight) < 1% ‸": ({"where", "over", "paired", "at"}, {"dense"}),
    "claim last: drop(eight) < 1% paired by ‸": ({"seed"}, {"dense"}),
    "metric last = by‸": ({"bytes", "ratio"}, {"dense", "last"}),
    "report {\n  ‸\n}": ({"table", "pareto"}, {"dense", "ratio"}),
    "report {\n  table(ratio, by: ‸)\n}": ({"method", "field"}, {"table"}),
    "data last = ‸": ({"digits"}, {"mlp"}),
    "‸": ({"method", "grid", "claim"}, {"then", "dense"}),
}


@pytest.mark.parametrize("place", PLACES, ids=lambda place: place.replace("\n", " "))
def test_what_fits_is_offered_and_nothing_else(place: str) -> None:
    some, none = PLACES[place]
    found = set(_labels(f"{STUDY}\n{place}\n"))
    assert some <= found
    assert not none & found


@pytest.mark.parametrize("place", ["# comm‸ent", 'study "te‸xt"', "method ‸", "let x = 1‸"])
def test_nothing_is_offered_where_anything_may_stand(place: str) -> None:
    assert not {"dense", "method", "quantize"} & set(_labels(f"{STUDY}\n{place}\n"))


def test_what_is_offered_says_what_it_is() -> None:
    found = {one.label: one for one in _offered(f"{STUDY}\nmethod last = dense then inwf(‸)")}
    assert found["width"].detail == "whole number"
    assert found["width"].insert == "width: "
    assert "at least 1" in found["width"].about
    found = {one.label: one for one in _offered(f"{STUDY}\nmethod last = dense then ‸")}
    assert "bits" in found["quantize"].about
    assert found["field"].kind == "method"


@pytest.mark.parametrize("word", ["fourier", "none"])
def test_an_offer_that_is_taken_is_right(word: str) -> None:
    place = f"{STUDY}\nmethod last = dense then inwf(encoding: ‸)\n"
    assert word in _labels(place)
    assert not check(Source("small.lab", place.replace("‸", word)), CATALOG).failed


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.stem)
def test_a_cursor_anywhere_is_answered(study: Path) -> None:
    text = study.read_text(encoding="utf-8")
    step = max(1, len(text) // 25)
    for offset in range(0, len(text), step):
        complete(Source("any.lab", text), offset, CATALOG)
        complete(Source("any.lab", text[:offset]), offset, CATALOG)
