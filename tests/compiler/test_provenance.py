"""Where the value of an argument was written: every way in which one can come to stand."""

import pytest

from lab.compiler.build import compile_study
from lab.compiler.plan import Node, Plan
from lab.compiler.points import Scope
from lab.compiler.provenance import Provenance
from lab.compiler.texts import Texts
from lab.compiler.tracing import Steps
from lab.spec.catalog import builtin_catalog
from lab.spec.check import check
from lab.spec.source import Source

STUDY = """study where
use "shared.lab"
data  images = digits(validation: 100)
model net    = mlp(width: 8 | 16)
let effort = 2 epochs
schedule warm(peak) = linear(0 -> peak) for 10% then cosine(peak -> 0)
method dense(rate: 1e-3) = train(by: adam(lr: warm(rate)), for: effort, batch: 2 * 64)
method eight = dense then quantize(bits: 8)
method field = dense(rate: 5e-4) then inwf(
  width: 16, for: steps_shared)
metric ratio = bytes(dense) / bytes(method)
repeat 2 as seed
grid arms { method: eight | field | dense(rate: 2e-3) }
grid widths {
  method: field
  field.width: 24
    | 32
  (field.layers, field.w0): (1, 20) | (2, 30)
}
claim small: ratio(field) > 2
report { table(ratio, accuracy(on: validation), by: method) }
profile paper { effort: 9 epochs; repeat 3 as seed }
"""
SHARED = "# shared\nlet steps_shared = 40 steps\n"


def explained(profile: str | None = None, sets: tuple[str, ...] = ()) -> tuple[Plan, Provenance]:
    source = Source("where.lab", STUDY)
    shared = Source("shared.lab", SHARED)
    found = check(source, builtin_catalog(), load=lambda _: shared, profile=profile, sets=sets)
    assert not found.failed, found.diagnostics
    assert found.study is not None
    scope = Scope(found.study, found.catalog, lambda name: f"content of {name}")
    plan = compile_study(found.study, found.catalog, scope.contents)
    assert isinstance(plan, Plan)
    return plan, Provenance(scope, Texts(found.study, source, found.origins), plan)


def first(plan: Plan, label: str, seed: int | None = None, **arguments: object) -> Node:
    """The first node with a label, and with some arguments of what it goes through."""

    def fits(node: Node) -> bool:
        through = node.arguments.get("through")
        inside = through["args"] if isinstance(through, dict) else {}
        assert isinstance(inside, dict)
        right = all(inside.get(name) == value for name, value in arguments.items())
        return node.label.startswith(label) and right and seed in (None, node.seed)

    return next(node for node in plan.nodes if fits(node))


LR: Steps = ("by", "args", "lr", "pieces", 0, "value", "args", "stop")


@pytest.mark.parametrize(
    ("label", "steps", "name", "lines"),
    [
        ("dense: train", ("for",), "effort", [5, 7]),
        ("dense: train", ("batch",), "dense.batch", [7]),
        ("dense: train", ("by", "args", "b1"), "dense.by.b1", [7]),
        ("dense: train", LR, "dense.rate", [7, 7, 6]),
        ("dense: train", ("model", "args", "width"), "net.width", [4]),
        ("dense: train", ("data", "args", "validation"), "images.validation", [3]),
        ("eight: quantize", ("through", "args", "bits"), "eight.bits", [8]),
        ("eight: quantize", ("through", "args", "per"), "eight.per", [8]),
        ("field: inwf", ("for",), "steps_shared", [2, 10]),
        ("field: inwf", ("through", "args", "width"), "field.width", [10]),
        ("eight: accuracy", ("on",), "accuracy.on", [21]),
    ],
)
def test_a_value_has_a_name_and_the_lines_that_gave_it(
    label: str, steps: Steps, name: str, lines: list[int]
) -> None:
    plan, found = explained()
    origin = found.origin(first(plan, label), steps)
    assert origin.name == name
    assert [place.line for place in origin.places] == lines


def test_the_source_of_a_place_is_the_file_that_it_stands_in() -> None:
    plan, found = explained()
    places = found.origin(first(plan, "field: inwf"), ("for",)).places
    assert [(place.file, place.text) for place in places] == [
        ("shared.lab", "40 steps"),
        ("where.lab", "steps_shared"),
    ]


@pytest.mark.parametrize(("width", "line"), [(24, 16), (32, 17)])
def test_each_option_of_an_axis_has_its_own_line(width: int, line: int) -> None:
    plan, found = explained()
    (place,) = found.origin(
        first(plan, "field: inwf", width=width), ("through", "args", "width")
    ).places
    assert (place.line, place.kind, place.text) == (line, "axis", str(width))


def test_a_part_of_a_paired_axis_is_the_part_that_was_chosen() -> None:
    plan, found = explained()
    node = first(plan, "field: inwf", layers=2, width=32)
    (place,) = found.origin(node, ("through", "args", "w0")).places
    assert (place.line, place.text) == (18, "30")


def test_a_call_gives_a_parameter_its_value() -> None:
    plan, found = explained()
    rates = {
        found.origin(node, LR).places[0].line: found.origin(node, LR).places[0].text
        for node in plan.nodes
        if node.label == "dense: train"
    }
    assert rates == {7: "1e-3", 9: "5e-4", 13: "2e-3"}


def test_a_profile_and_a_set_value_are_told_apart_from_what_they_replace() -> None:
    plan, found = explained(profile="paper", sets=("field.width=48",))
    effort = found.origin(first(plan, "dense: train"), ("for",))
    assert (effort.name, effort.places[0].line, effort.places[0].kind) == ("effort", 22, "profile")
    width = found.origin(first(plan, "field: inwf"), ("through", "args", "width"))
    assert (width.places[0].kind, width.places[0].text) == ("set", "48")
    (repeat,) = found.replicates(first(plan, "dense: train"))
    assert (repeat.line, repeat.kind) == (22, "profile")


def test_a_default_is_where_it_is_left_out() -> None:
    plan, found = explained()
    (place,) = found.origin(first(plan, "dense: train"), ("by", "args", "b1")).places
    assert (place.kind, place.text) == ("default", "adam(lr: warm(rate))")


def test_a_stage_is_written_in_its_definition_and_asked_for_in_a_grid() -> None:
    plan, found = explained()
    places = found.stage(first(plan, "field: inwf"))
    assert [(place.line, place.kind) for place in places] == [(9, "definition"), (13, "axis")]


def test_every_argument_of_every_node_has_a_place() -> None:
    plan, found = explained()
    for node in plan.nodes:
        assert found.stage(node), node.label
        for name, value in node.arguments.items():
            if value is not None:
                assert found.origin(node, (name,)).places, (node.label, name)
