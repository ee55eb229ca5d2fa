"""Which slots a path stands for, and what profiles and `--set` do at them."""

import pytest
from stand_ins import catalog

from lab.spec import core
from lab.spec.check import Checked, check
from lab.spec.source import Source
from lab.spec.units import Duration

STUDY = """
data  d = cifar10()
model m = resnet20()
let effort = 1k steps
let rate = linear(0 -> 1e-3) for 10% then 1e-3

method dense    = train(by: adamw(lr: rate), for: 1 epochs, batch: 32)
method field    = dense then inwf(width: 64, encoding: fourier(bands: 4), by: adam(lr: 1e-3),
                                  for: effort)
method adapter(rank: 8) = train(through: lora(rank: rank), by: adamw(lr: 1e-4), for: 1 epochs)
method coded    = train(through: codeq(), for: 1 epochs,
                        by: groups(weights: adamw(lr: 1e-3), theta_dz: adamw(lr: 1e-3)))
method adaptive(target: 25%) = dense(select: ast(target: target, kp: 0.1), batch: 64)
method student  = dense then prune(sparsity: 80%)
  then finetune(loss: 0.5 * task + 0.5 * distill(from: dense, temperature: 4), for: 1 epochs)
method repaired = dense then (prune(sparsity: 80%) | lowrank(energy: 95%))
  then finetune(for: effort)
method nested   = dense then (quantize(bits: 8) then finetune(for: 1 epochs) | none)
method plainly  = train(for: 1 epochs)
method given(opt: sgd(lr: 0.1)) = train(by: opt, for: 1 epochs)

grid all { method: dense | field | adapter | coded | adaptive | student | repaired | nested
           | plainly | given
  AXES
}
"""


def checked(axes: str = "", *, profile: str = "", sets: tuple[str, ...] = ()) -> Checked:
    text = STUDY.replace("AXES", axes)
    text += f"profile paper {{ {profile} }}\n" if profile else ""
    named = "paper" if profile else None
    return check(Source("s.lab", text), catalog(), profile=named, sets=sets)


def slots(path: str, value: str) -> tuple[str, ...]:
    made = checked(f"{path}: {value}")
    assert not made.failed, made.diagnostics
    assert made.study is not None
    return made.study.grids[0].axes[1].paths[0].slots


@pytest.mark.parametrize(
    ("path", "value", "slot"),
    [
        ("effort", "1k steps | 2k steps", "let effort"),
        ("model", "m", "model"),
        ("data", "d", "data"),
        ("m", "resnet20() | mlp()", "model m"),
        ("m.width", "16 | 32", "model m.width"),
        ("d.validation", "0 | 5k", "data d.validation"),
        ("dense.lr", "1e-3 | 1e-4", "dense#0.by.lr"),
        ("dense.batch", "32 | 64", "dense#0.batch"),
        ("dense.train.batch", "32 | 64", "dense#0.batch"),
        ("field.width", "16 | 32", "field#1.through.width"),
        ("field.inwf.width", "16 | 32", "field#1.through.width"),
        ("field.activation", "sine | relu", "field#1.through.activation"),
        ("field.for", "1 epochs | 2 epochs", "field#1.for"),
        ("field.by", "adam() | sgd()", "field#1.by"),
        ("field.lr", "1e-3 | 1e-4", "field#1.by.lr"),
        ("field.by.lr", "1e-3 | 1e-4", "field#1.by.lr"),
        ("field.bands", "2 | 4", "field#1.through.encoding.bands"),
        ("field.encoding.bands", "2 | 4", "field#1.through.encoding.bands"),
        ("field.through", "plain | codeq()", "field#1.through.through"),
        ("adapter.rank", "2 | 4", "adapter(rank)"),
        ("adapter.alpha", "2 | 4", "adapter#0.through.alpha"),
        ("coded.theta_dz.decay", "0 | 1", "coded#0.by.theta_dz.decay"),
        ("coded.by.weights", "adamw() | sgd()", "coded#0.by.weights"),
        ("coded.min_bits", "2 | 3", "coded#0.through.min_bits"),
        ("adaptive.target", "10% | 20%", "adaptive(target)"),
        ("adaptive.kp", "0.1 | 0.2", "adaptive#0.select.kp"),
        ("adaptive.select", "all | random(rate: 10%)", "adaptive#0.select"),
        ("adaptive.batch", "32 | 64", "adaptive#0.batch"),
        ("student.temperature", "1 | 4", "student#2.loss.distill.temperature"),
        ("student.sparsity", "80% | 90%", "student#1.through.sparsity"),
        ("repaired.energy", "90% | 95%", "repaired#1~lowrank.through.energy"),
        ("repaired.for", "1 epochs | 2 epochs", "repaired#2.for"),
        ("nested.bits", "4 | 8", "nested#1#0.through.bits"),
        ("plainly.lr", "1e-3 | 1e-4", "plainly#0.by.lr"),
        ("given.opt", "sgd() | adam()", "given(opt)"),
        ("given.momentum", "0 | 0.9", "given(opt).momentum"),
        ("given.opt.lr", "0.1 | 0.2", "given(opt).lr"),
    ],
)
def test_a_path_stands_for_one_slot(path: str, value: str, slot: str) -> None:
    assert slots(path, value) == (slot,)


def test_method_dot_name_stands_for_every_arm_that_has_it() -> None:
    assert slots("method.batch", "32 | 64") == (
        "dense#0.batch",
        "field#1.batch",
        "adapter#0.batch",
        "coded#0.batch",
        "adaptive#0.batch",
        "student#2.batch",
        "repaired#2.batch",
        "nested#1#1.batch",
        "plainly#0.batch",
        "given#0.batch",
    )


def test_method_dot_name_stands_for_arms_of_the_block_only() -> None:
    text = STUDY.replace("AXES", "") + "grid one { method: field; method.batch: 32 | 64 }\n"
    study = check(Source("s.lab", text), catalog()).study
    assert study is not None
    assert study.grids[1].axes[1].paths[0].slots == ("field#1.batch",)


def test_a_path_reaches_into_what_an_axis_puts_at_a_slot() -> None:
    made = checked(
        "field.encoding: none | gaussian(scale: 1 | 10)\n  skip field.encoding.scale == 10"
    )
    assert not made.failed, made.diagnostics
    assert made.study is not None
    condition = made.study.grids[0].filters[0].condition
    assert isinstance(condition, core.Compare)
    assert isinstance(condition.left, core.PathValue)
    assert condition.left.slots == ("field#1.through.encoding.scale",)


@pytest.mark.parametrize(
    ("path", "help_line"),
    [
        ("field.batch.x", ""),
        ("adaptive.lr", "`lr` belongs to `dense`: write `dense.lr`"),
        ("coded.decay", "write `coded.by.weights.decay` or `coded.by.theta_dz.decay`"),
    ],
)
def test_a_path_that_leads_nowhere_says_where_to_go(path: str, help_line: str) -> None:
    (found,) = checked(f"{path}: 1 | 2").diagnostics
    assert found.code in {"E0501", "E0502"}
    assert help_line in " ".join(found.help)


def test_calls_of_an_arm_set_what_is_inside_it() -> None:
    text = STUDY.replace("AXES", "") + (
        "grid g { method: adapter(rank: 16) | field(width: 8, encoding.bands: 2) }\n"
    )
    made = check(Source("s.lab", text), catalog())
    assert not made.failed, made.diagnostics
    assert made.study is not None
    choice = made.study.grids[1].axes[0].value
    assert isinstance(choice, core.Choice)
    first, second = choice.options
    assert isinstance(first, core.Arm)
    assert isinstance(second, core.Arm)
    assert list(first.arguments) == ["rank"]
    assert set(second.overrides) == {"field#1.through.width", "field#1.through.encoding.bands"}
    assert second.places == {}


def test_a_call_inside_a_definition_has_places_of_its_own() -> None:
    study = checked().study
    assert study is not None
    arm = study.definitions["adaptive"].value
    assert isinstance(arm, core.Arm)
    assert arm.places == {
        "dense#0.select": "adaptive#0.select",
        "dense#0.batch": "adaptive#0.batch",
    }
    build = arm.overrides["dense#0.select"]
    assert isinstance(build, core.Build)
    assert build.slot == "adaptive#0.select"


# Profiles


def field_of(study: core.Study | None, *path: str) -> object:
    assert study is not None
    pipeline = study.definitions["field"].value
    assert isinstance(pipeline, core.Pipeline)
    node: core.Core = pipeline.parts[1]
    for name in path:
        assert isinstance(node, core.Build)
        node = node.arguments[name]
    return node.value if isinstance(node, core.Const) else node


def axis(study: core.Study | None, text: str) -> core.Core:
    assert study is not None
    found = [one for one in study.grids[0].axes if one.paths[0].text == text]
    return found[0].value


def test_a_profile_sets_a_shared_value() -> None:
    study = checked(profile="effort: 10k steps").study
    assert study is not None
    value = study.definitions["effort"].value
    assert isinstance(value, core.Const)
    assert value.value == Duration(10_000, "steps")


def test_a_profile_is_not_applied_unasked() -> None:
    made = check(
        Source("s.lab", STUDY.replace("AXES", "") + "profile p { field.width: 1 }"), catalog()
    )
    assert field_of(made.study, "through", "width") == 64
    assert made.study is not None
    assert made.study.profiles == ("p",)


def test_a_profile_sets_an_argument_in_its_definition() -> None:
    assert field_of(checked(profile="field.width: 8").study, "through", "width") == 8


def test_a_profile_sets_an_argument_that_is_not_written() -> None:
    study = checked(profile="field.layers: 3; plainly.lr: 1e-4").study
    assert field_of(study, "through", "layers") == 3
    assert study is not None
    build = study.definitions["plainly"].value
    assert isinstance(build, core.Build)
    by = build.arguments["by"]
    assert isinstance(by, core.Build)
    rate = by.arguments["lr"]
    assert isinstance(rate, core.Const)
    assert (by.component, rate.value) == ("sgd", 1e-4)


def test_a_profile_replaces_the_value_in_every_block_that_sets_it() -> None:
    study = checked("field.width: 16 | 32", profile="field.width: 64 | 128 | 256").study
    value = axis(study, "field.width")
    assert isinstance(value, core.Choice)
    assert value.texts == ("64", "128", "256")


def test_a_profile_reaches_into_the_alternatives_of_a_block() -> None:
    study = checked("field.by: adam(lr: 1e-2) | sgd(lr: 1e-1)", profile="field.lr: 1e-5").study
    value = axis(study, "field.by")
    assert isinstance(value, core.Choice)
    for option in value.options:
        assert isinstance(option, core.Build)
        rate = option.arguments["lr"]
        assert isinstance(rate, core.Const)
        assert rate.value == 1e-5


def test_a_profile_sets_one_arm_of_a_path_over_many() -> None:
    study = checked("method.batch: 32 | 64", profile="field.batch: 8").study
    assert study is not None
    both = [one for one in study.grids[0].axes if one.paths[0].text == "method.batch"]
    assert [one.paths[0].slots for one in both][1] == ("field#1.batch",)
    assert "field#1.batch" not in both[0].paths[0].slots


def test_a_profile_sets_a_column_of_a_paired_axis() -> None:
    paired = "(field.width, field.layers): (16, 1) | (32, 2)"
    study = checked(paired, profile="field.layers: 4").study
    value = axis(study, "field.width")
    assert isinstance(value, core.Choice)
    for row in value.options:
        assert isinstance(row, core.ListValue)
        last = row.items[1]
        assert isinstance(last, core.Const)
        assert last.value == 4


def test_a_profile_replaces_replicates_budget_and_adds_claims() -> None:
    text = "repeat 7 as seed; budget 2 h; claim c: accuracy(field) > accuracy(dense)"
    study = checked("repeat 2 as seed", profile=text).study
    assert study is not None
    assert study.repeat.seeds == tuple(range(7))
    assert study.grids[0].repeat is None
    assert study.wall_seconds == 7200
    assert [one.name for one in study.claims] == ["c"]


def test_what_a_profile_does_not_touch_stays_the_same_node() -> None:
    made = check(Source("s.lab", STUDY.replace("AXES", "dense.batch: 1 | 2")), catalog())
    assert made.study is not None
    shared = checked("dense.batch: 1 | 2", profile="field.width: 8").study
    assert shared is not None
    assert shared.grids[0].axes[1].span == made.study.grids[0].axes[1].span


def test_set_edits_after_the_profile() -> None:
    study = checked(profile="field.width: 8", sets=("field.width=4", "effort=5 steps")).study
    assert field_of(study, "through", "width") == 4
    assert study is not None
    value = study.definitions["effort"].value
    assert isinstance(value, core.Const)
    assert value.value == Duration(5, "steps")


@pytest.mark.parametrize(
    ("text", "code"),
    [("field.widht=3", "E0501"), ("field.width=sine", "E0401"), ("field.width", "E0101")],
)
def test_a_wrong_set_is_a_finding_in_its_own_text(text: str, code: str) -> None:
    (found,) = checked(sets=(text,)).diagnostics
    assert (found.source.name, found.code) == ("--set", code)


def test_an_unknown_profile_is_named() -> None:
    (found,) = check(
        Source("s.lab", STUDY.replace("AXES", "")), catalog(), profile="papr"
    ).diagnostics
    assert "papr" in found.message
