"""How many points a grid has is known exactly before it is expanded."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from planning import HEAD, catalog, compiled

from lab.compiler.build import Refusal
from lab.compiler.points import Scope, expand
from lab.compiler.size import points_in
from lab.spec.check import check
from lab.spec.source import Source

# Small, so that every point can be made.
SMALL = st.sampled_from(
    ["2", "3", "a", "b", "a + 1", "2 | 5", "a | 7", "2 .. 4", "2 .. a by 1", "(b | 8)"]
)
ENCODING = st.one_of(
    st.just("none"),
    SMALL.map("fourier(bands: {})".format),
    SMALL.map("none | fourier(bands: {})".format),
)
RATE = st.sampled_from(
    ["1e-3", "1e-3 | 1e-2", "log 1e-4 .. 1e-2 by 3 points", "cosine((1e-3 | 1e-2) -> 0)"]
)
BY = st.one_of(
    RATE.map("adam(lr: {})".format),
    st.tuples(RATE, RATE).map(lambda two: f"adam(lr: {two[0]}) | sgd(lr: {two[1]})"),
)
STAGES = st.sampled_from(["dense", "field", "none", "field(width: 8 | 9)", "(dense | field)"])
ARMS = st.lists(
    st.sampled_from(["dense", "field", "field(width: a)", "eight", "twice"]), min_size=1, max_size=3
).map(lambda arms: " | ".join(dict.fromkeys(arms)))


@st.composite
def studies(draw: st.DrawFn) -> str:
    small = [draw(SMALL) for _ in range(4)]
    lets = [draw(st.sampled_from(["3", "3 | 5", "2 .. 5"])), draw(st.sampled_from(["4", "a | 6"]))]
    body = f"""
model n = mlp(width: {draw(st.sampled_from(["8", "8 | 16"]))})
let a = {lets[0]}
let b = {lets[1]}
method field(width: {small[0]}) = dense then inwf(width: width, layers: {small[1]},
  encoding: {draw(ENCODING)}, by: {draw(BY)}, for: 10 steps)
method eight = {draw(STAGES)} then dense then quantize(bits: {small[2]})
method twice = field then ({draw(STAGES)} | eight) then quantize(bits: {small[3]})
grid g {{
  method: {draw(ARMS)}
  model: {draw(st.sampled_from(["m", "n", "m | n"]))}
"""
    axes = {
        "field.layers": SMALL,
        "field.encoding": ENCODING,
        "field.by": BY,
        "eight.bits": SMALL,
        "field.width": SMALL,
        "a": st.just("3 | 4 | 5"),
        "n.width": st.just("8 | 16 | 32"),
    }
    for path in draw(st.lists(st.sampled_from(sorted(axes)), unique=True, max_size=3)):
        body += f"  {path}: {draw(axes[path])}\n"
    if draw(st.booleans()):
        body += "  (field.w0, twice.quantize.bits): (10, 2) | (20, 3) | (30 | 40, 4)\n"
    return body + "}\n"


FEW = 300  # points that are worth making in a test


def hold(text: str) -> None:
    """The number of points as counted is the number of points as they are."""
    found = check(Source("s.lab", text), catalog())
    errors = [one for one in found.diagnostics if one.severity == "error"]
    assert not errors, (text, errors)
    assert found.study is not None
    scope = Scope(found.study, catalog(), lambda _: None)
    (grid,) = found.study.grids
    counted = points_in(scope, grid)
    if counted <= FEW:
        expansion = expand(scope, grid)
        assert counted == len(expansion.points) + sum(expansion.removed.values()), text


@settings(max_examples=60, deadline=None)
@given(studies())
def test_a_grid_has_as_many_points_as_were_counted(body: str) -> None:
    hold(HEAD + body)


@pytest.mark.verify
@settings(max_examples=1500, deadline=None)
@given(studies())
def test_many_grids_have_as_many_points_as_were_counted(body: str) -> None:
    hold(HEAD + body)


HUGE = "method field = dense then inwf(width: 16, layers: 2, for: 10 steps)\n"
SLIPS = {
    "an axis": (HUGE + "grid g { method: field; field.width: 1 .. 1000000000 }", "field.width"),
    "a definition": (
        HUGE.replace("16", "1 .. 1000000000") + "grid g { method: dense | field }",
        "field",
    ),
    "a definition whose alternatives an axis replaces": (
        HUGE.replace("16", "1 .. 1000000000") + "grid g { method: field; field.width: 4 }",
        "field",
    ),
    "a shared value": (
        "let w = 1 .. 1000000000\n" + HUGE.replace("16", "w") + "grid g { method: field }",
        "w",
    ),
    "an alternative inside an alternative": (
        HUGE + "grid g { method: field; field.encoding: none | fourier(bands: 1 .. 1000000000) }",
        "field.encoding",
    ),
    "a step": (
        HUGE + "grid g { method: field; field.w0: 0.1 .. 1000 by 0.000001 }",
        "field.w0",
    ),
    "many axes that are each short": (
        HUGE
        + "grid g { method: field; field.width: 1 .. 2000; field.w0: 1 .. 2000; "
        + "field.layers: 1 .. 3 }",
        "field.width",
    ),
    "replicates": (
        HUGE + "repeat 90000 as seed\ngrid g { method: field; field.width: 1 .. 100 }",
        "repeat",
    ),
}


@pytest.mark.parametrize("where", SLIPS)
def test_a_slip_of_zeros_is_refused_at_once_wherever_it_is_written(where: str) -> None:
    body, name = SLIPS[where]
    made = compiled(body)
    assert isinstance(made, Refusal)
    assert made.code == "E0511"
    assert f"`{name}` alone" in made.message
    text = HEAD + body
    number = "90000" if name == "repeat" else ".."
    assert number in text[made.span.start : made.span.end]


def test_trials_that_nobody_means_are_refused() -> None:
    made = compiled(
        HUGE
        + "search s { method: field; field.width: 4 .. 64; maximize ratio; trials 1000000000 }\n"
        + "grid g { method: field }"
    )
    assert isinstance(made, Refusal)
    assert made.code == "E0511"
