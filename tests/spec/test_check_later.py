"""What is told once everything is read: arguments left to an axis, and lets of a wrong unit."""

import pytest

from lab.compiler.build import Refusal, compile_study
from lab.spec.catalog import builtin_catalog
from lab.spec.check import check
from lab.spec.diagnostics import Diagnostic
from lab.spec.source import Source

CATALOG = builtin_catalog()
ADAPTER = "method adapter(rank) = dense then inwf(width: rank, for: 10 steps)\n"
LOW = "method low = dense then apply()\n"
HEAD = """study s
data d = digits()
model n = mlp(width: 16)
method dense = train(for: 10 steps)
repeat 3 as seed
report { table(accuracy, by: method) }
"""


def _found(text: str, *, sets: tuple[str, ...] = ()) -> list[Diagnostic]:
    findings = check(Source("s.lab", HEAD + text), CATALOG, sets=sets).diagnostics
    return [one for one in findings if one.severity == "error"]


def _refusal(text: str) -> str:
    study = check(Source("s.lab", HEAD + text), CATALOG).study
    assert study is not None
    made = compile_study(study, CATALOG, lambda _: None)
    return made.code if isinstance(made, Refusal) else f"{len(made.runs)} runs"


AXES = {
    "a parameter of a method": ADAPTER + "grid g { method: adapter; adapter.rank: 8 | 16 }",
    "an argument of a component": (
        LOW + "grid g { method: low; low.through: quantize(bits: 4) | quantize(bits: 8) }"
    ),
}


@pytest.mark.parametrize("text", AXES.values(), ids=AXES.keys())
def test_an_axis_gives_what_a_call_leaves_out(text: str) -> None:
    assert _found(text) == []
    assert _refusal(text) == "6 runs"


def test_what_no_axis_gives_is_missing() -> None:
    for text in (ADAPTER + "grid g { method: adapter }", LOW + "grid g { method: low }"):
        assert [one.code for one in _found(text)] == ["E0301"]


def test_an_option_can_give_it() -> None:
    assert _found(LOW + "grid g { method: low }", sets=("low.through=quantize(bits: 4)",)) == []


@pytest.mark.parametrize("more", ["grid h { method: low }", "claim c: accuracy(low) > 3%"])
def test_a_use_without_the_axis_is_refused_where_it_is_planned(more: str) -> None:
    text = f"{LOW}grid g {{ method: low; low.through: quantize(bits: 4) }}\n{more}"
    assert _found(text) == []
    assert _refusal(text) == "E0301"


def test_a_let_of_a_wrong_unit_is_told_once_and_at_the_let() -> None:
    uses = "".join(f"method m{i} = train(for: effort)\n" for i in range(3))
    (found,) = _found(f"let effort = 3 dB\n{uses}grid g {{ method: m0 | m1 | m2 }}")
    text = found.source.text
    spans = [label.span for label in found.labels]
    assert found.code == "E0403"
    assert [text[one.start : one.end] for one in spans] == ["3 dB", "effort"]


def test_a_let_that_fits_elsewhere_is_told_where_it_does_not() -> None:
    text = "let few = 20\nmethod a = train(for: few, batch: few)\ngrid g { method: a }"
    (found,) = _found(text)
    span = found.labels[0].span
    assert found.code == "E0410"
    assert found.source.text[span.start - 5 : span.end] == "for: few"


@pytest.mark.parametrize("number", ["1e99", "3_000_000_000"])
def test_a_whole_number_beyond_all_counting_is_refused(number: str) -> None:
    (found,) = _found(f"model big = mlp(width: {number})")
    assert found.code == "E0404"
    assert "at most 2,147,483,647" in found.message


def test_an_unknown_profile_points_at_its_name() -> None:
    source = Source("s.lab", HEAD + "grid g { method: dense }\nprofile paper { repeat 5 as seed }")
    (found,) = [
        one for one in check(source, CATALOG, profile="papper").diagnostics if one.code == "E0201"
    ]
    assert (found.source.name, found.source.text) == ("--profile", "papper")
    assert found.labels[0].text == "did you mean `paper`?"
    assert found.help == ("profiles are paper",)
