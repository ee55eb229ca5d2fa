"""What a value means where it stands: types, units, words and names."""

import pytest
from stand_ins import catalog

from lab.spec import core
from lab.spec.check import Checked, check
from lab.spec.source import Source
from lab.spec.units import Duration

HEAD = "data d = cifar10()\nmodel m = resnet20()\n"


def checked(text: str) -> Checked:
    return check(Source("s.lab", text), catalog())


def argument(stage: str, *path: str, before: str = "") -> core.Core:
    """The argument at a path of a stage, in a study that has no findings but warnings."""
    text = f"{HEAD}{before}\nmethod x = {stage}\ngrid g {{ method: x }}\n"
    made = checked(text)
    assert not made.failed, made.diagnostics
    assert made.study is not None
    node = made.study.definitions["x"].value
    for name in path:
        assert isinstance(node, core.Build)
        node = node.arguments[name]
    return node


def constant(stage: str, *path: str, before: str = "") -> object:
    found = argument(stage, *path, before=before)
    assert isinstance(found, core.Const)
    return found.value


@pytest.mark.parametrize(
    ("written", "path", "value"),
    [
        ("inwf(width: 64)", "through.width", 64),
        ("inwf(width: 1e2)", "through.width", 100),
        ("inwf(width: 2 * 32)", "through.width", 64),
        ("inwf(width: 128 / 2)", "through.width", 64),
        ("inwf(w0: 30)", "through.w0", 30.0),
        ("inwf(w0: 50%)", "through.w0", 0.5),
        ("inwf(activation: relu)", "through.activation", "relu"),
        ("inwf(encoding: none)", "through.encoding", None),
        ("inwf(shared: true)", "through.shared", True),
        ("inwf(for: 2k steps)", "for", Duration(2000, "steps")),
        ("inwf(for: 1.5 epochs)", "for", Duration(1.5, "epochs")),
        ("inwf(for: 30%)", "for", Duration(0.3, "share")),
        ("inwf(for: 90 min)", "for", Duration(5400, "seconds")),
        ("inwf(for: 2 * 1k steps)", "for", Duration(2000, "steps")),
        ("inwf(for: 1k steps + 500 steps)", "for", Duration(1500, "steps")),
        ("quantize(bits: 4)", "through.bits", 4),
        ("quantize(4 bits)", "through.bits", 4),
        ("quantize(4)", "through.bits", 4),
        ("lowrank(energy: 95%)", "through.energy", 0.95),
        ("lowrank(energy: 0.95)", "through.energy", 0.95),
        ("train(for: 1 epochs, cap: 1.5 h)", "cap", 5400.0),
        ("train(for: 1 epochs, cap: none)", "cap", None),
        ("train(for: 1 epochs, freeze_bits: end)", "freeze_bits", Duration(1, "share")),
        ("train(for: 1 epochs, freeze_bits: 90%)", "freeze_bits", Duration(0.9, "share")),
        ("train(for: 1 epochs, by: adam(lr: 0.001))", "by.lr", 0.001),
        ("train(for: 1 epochs, by: adam(lr: 1e-3))", "by.lr", 0.001),
    ],
)
def test_a_constant_has_the_form_of_its_type(written: str, path: str, value: object) -> None:
    found = constant(written, *path.split("."))
    assert found == value
    assert type(found) is type(value)


def test_equal_numbers_written_apart_are_one_value() -> None:
    found = {constant(f"inwf(w0: {text})", "through", "w0") for text in ("30", "3e1", "30.0")}
    assert found == {30.0}


@pytest.mark.parametrize(
    ("written", "code"),
    [
        ("inwf(width: 64 px)", "E0403"),
        ("inwf(width: 6.5)", "E0405"),
        ("inwf(width: 0)", "E0404"),
        ("inwf(layers: 17)", "E0404"),
        ("inwf(w0: 0)", "E0404"),
        ("inwf(for: 2000)", "E0410"),
        ("inwf(for: 2 kg)", "E0402"),
        ("inwf(for: 4 bits)", "E0403"),
        ("inwf(for: 1 epochs + 3 steps)", "E0407"),
        ("inwf(w0: 1 / 0)", "E0412"),
        ("lowrank(energy: 0)", "E0404"),
        ("lowrank(energy: 101%)", "E0404"),
        ("train(for: 1 epochs, cap: 3 epochs)", "E0403"),
        ("train(for: 1 epochs, freeze_bits: 90)", "E0410"),
        ("inwf(shared: 1)", "E0401"),
        ("inwf(activation: 3)", "E0401"),
        ("inwf(encoding: adam())", "E0401"),
        ('inwf(encoding: "none")', "E0401"),
        ("train(for: 1 epochs, by: adam(lr: 2 steps))", "E0403"),
        ("prune(sparsity: 2k steps)", "E0403"),
        ("prune(sparsity: 120%)", "E0404"),
        ("prune(sparsity: linear(0% -> 2k steps))", "E0403"),
    ],
)
def test_a_misfit_is_one_finding(written: str, code: str) -> None:
    text = f"{HEAD}method x = {written}\ngrid g {{ method: x }}\n"
    assert [one.code for one in checked(text).diagnostics] == [code]


def test_a_parameter_hides_a_word_and_a_word_a_definition() -> None:
    before = "let sine = 3\nmethod y(relu: tanh) = inwf(activation: relu)"
    assert constant("inwf(activation: sine)", "through", "activation", before=before) == "sine"
    text = f"{HEAD}{before}\ngrid g {{ method: y; y.width: sine }}\n"
    study = checked(text).study
    assert study is not None
    inner = study.definitions["y"].value
    assert isinstance(inner, core.Build)
    through = inner.arguments["through"]
    assert isinstance(through, core.Build)
    reference = through.arguments["activation"]
    assert isinstance(reference, core.Reference)
    assert reference.slot == "y(relu)"
    default = study.definitions["y"].parameters["relu"]
    assert isinstance(default, core.Const)
    assert default.value == "tanh"


def test_a_name_means_the_component_in_its_own_definition_only() -> None:
    text = HEAD + (
        "metric accuracy = accuracy(method) * 2\nmethod pretrained = pretrained\n"
        "grid g { method: pretrained }\nreport { table(accuracy) }\n"
    )
    made = checked(text)
    assert not made.diagnostics
    assert made.study is not None
    assert isinstance(made.study.definitions["pretrained"].value, core.Build)
    assert isinstance(made.study.report[0].metrics[""][0].metric, core.MetricCall)


def test_a_reparameterization_as_a_stage_is_a_stage_through_it() -> None:
    found = argument("inwf(width: 8, through: codeq(), by: adam(lr: 1e-2), for: 3 steps)")
    assert isinstance(found, core.Build)
    assert (found.kind, found.component, found.slot) == ("stage", "fit", "x#0")
    assert set(found.arguments) == {"through", "by", "for"}
    inner = found.arguments["through"]
    assert isinstance(inner, core.Build)
    assert (inner.component, inner.slot) == ("inwf", "x#0.through")
    nested = inner.arguments["through"]
    assert isinstance(nested, core.Build)
    assert (nested.component, nested.slot) == ("codeq", "x#0.through.through")


def test_alternatives_keep_how_they_were_written() -> None:
    found = argument("inwf(width: 16 | 2 * 16\n | 64)", "through", "width")
    assert isinstance(found, core.Choice)
    assert found.texts == ("16", "2 * 16", "64")
    assert [one.value for one in found.options if isinstance(one, core.Const)] == [16, 32, 64]


def test_a_list_is_a_value_and_alternatives_of_lists_are_alternatives() -> None:
    found = argument('inwf(in: ["a", "b"] | "c", for: 1 steps)', "through", "in")
    assert isinstance(found, core.Choice)
    assert [type(one) for one in found.options] == [core.ListValue, core.ListValue]


def test_augmentations_joined_by_then_are_a_list() -> None:
    made = checked(f"data d = cifar10(augment: crop(pad: 4) then flip())\n{HEAD.splitlines()[1]}\n")
    assert made.study is not None
    build = made.study.definitions["d"].value
    assert isinstance(build, core.Build)
    augment = build.arguments["augment"]
    assert isinstance(augment, core.ListValue)
    assert [one.component for one in augment.items if isinstance(one, core.Build)] == [
        "crop",
        "flip",
    ]


def test_an_arrow_fills_start_and_stop() -> None:
    found = argument("train(for: 1 epochs, by: adam(lr: cosine(1e-3 -> 0)))", "by", "lr")
    assert isinstance(found, core.Build)
    assert {name: one.value for name, one in found.arguments.items()} == {
        "start": 0.001,
        "stop": 0.0,
    }


def test_alternatives_of_arrows_are_alternatives_of_schedules() -> None:
    found = argument("train(for: 1 epochs, by: adam(lr: cosine(1 -> 0 | 2 -> 0)))", "by", "lr")
    assert isinstance(found, core.Choice)
    assert found.texts == ("cosine(1 -> 0)", "cosine(2 -> 0)")


def test_the_last_piece_of_a_schedule_lasts_for_what_is_left() -> None:
    found = argument("train(for: 1 epochs, by: adam(lr: 0 for 10% then 1e-3))", "by", "lr")
    assert isinstance(found, core.Pieces)
    (_, first), (_, last) = found.pieces
    assert isinstance(first, core.Const)
    assert first.value == Duration(0.1, "share")
    assert last is None


def test_losses_add_up_and_are_scaled_by_schedules() -> None:
    loss = "task + (0 for 50% then 1e-4) * distill(from: t, temperature: 2)"
    before = "method t = train(for: 1 epochs)"
    found = argument(f"train(for: 1 epochs, loss: {loss})", "loss", before=before)
    assert isinstance(found, core.Arithmetic)
    assert isinstance(found.right, core.Arithmetic)
    assert isinstance(found.right.left, core.Pieces)
    term = found.right.right
    assert isinstance(term, core.Build)
    assert term.slot == "x#0.loss.distill"
    assert isinstance(term.arguments["from"], core.Arm)


def test_arithmetic_on_parameters_stays_an_expression() -> None:
    text = HEAD + (
        "method x(rank: 8) = train(through: lora(rank: rank, alpha: 2 * rank), for: 1 epochs)\n"
        "grid g { method: x; x.rank: 2 | 4 }\n"
    )
    made = checked(text)
    assert not made.diagnostics
    assert made.study is not None
    build = made.study.definitions["x"].value
    assert isinstance(build, core.Build)
    through = build.arguments["through"]
    assert isinstance(through, core.Build)
    assert isinstance(through.arguments["rank"], core.Reference)
    assert isinstance(through.arguments["alpha"], core.Arithmetic)


@pytest.mark.parametrize(
    ("written", "whole", "points"),
    [
        ("1 .. 4", True, False),
        ("8 .. 64 by 8", True, False),
        ("log 4 .. 256 by 7 points", True, True),
    ],
)
def test_a_range_of_whole_numbers_is_whole(written: str, whole: bool, points: bool) -> None:
    found = argument(f"inwf(width: {written})", "through", "width")
    assert isinstance(found, core.RangeChoice)
    assert (found.whole, found.points, found.continuous) == (whole, points, False)


def test_a_range_of_durations_is_the_durations_in_it() -> None:
    found = argument("inwf(for: 1 .. 3 epochs)", "for")
    assert isinstance(found, core.Choice)
    assert [one.value for one in found.options if isinstance(one, core.Const)] == [
        Duration(amount, "epochs") for amount in (1, 2, 3)
    ]


def test_none_in_a_pipeline_does_nothing() -> None:
    text = f"{HEAD}method x = pretrained then (none | quantize())\ngrid g {{ method: x }}\n"
    study = checked(text).study
    assert study is not None
    pipeline = study.definitions["x"].value
    assert isinstance(pipeline, core.Pipeline)
    choice = pipeline.parts[1]
    assert isinstance(choice, core.Choice)
    assert isinstance(choice.options[0], core.Const)
    assert choice.options[0].value is None


@pytest.mark.parametrize(
    ("metric", "unit", "better"),
    [
        ("bytes(dense) / bytes(method)", "number", "higher"),
        ("accuracy(dense) - accuracy(method)", "share", "lower"),
        ("1 - accuracy(method)", "share", "lower"),
        ("bytes(method)", "bytes", "lower"),
        ("bytes(method) / wall(method)", "bytes/seconds", None),
        ("2 * bytes", "bytes", "lower"),
        ("-accuracy", "share", "lower"),
        ("accuracy / accuracy(dense)", "number", "higher"),
    ],
)
def test_a_metric_has_a_unit_and_a_direction(metric: str, unit: str, better: str | None) -> None:
    text = f"{HEAD}method dense = pretrained\nmetric q = {metric}\n"
    text += "grid g { method: dense }\nreport { table(q) }\n"
    made = checked(text)
    assert not made.diagnostics
    assert made.study is not None
    definition = made.study.definitions["q"]
    assert (definition.unit, definition.better) == (unit, better)


def test_alternatives_in_a_metric_are_columns() -> None:
    text = HEAD + (
        "method dense = pretrained\nmetric hit(eps: 1/255 | 2/255) = "
        "accuracy(method, under: fgsm(eps: eps))\ngrid g { method: dense }\n"
        "report { table(hit, hit(eps: 0 | 8/255)) }\n"
    )
    study = checked(text).study
    assert study is not None
    assert [one.label for one in study.report[0].metrics[""]] == [
        "hit(eps: 1/255)",
        "hit(eps: 2/255)",
        "hit(eps: 0)",
        "hit(eps: 8/255)",
    ]


def test_a_data_source_that_only_a_metric_names_is_no_choice_of_a_grid() -> None:
    text = HEAD + (
        "data fog = cifar10c(kind: fog)\nmethod dense = pretrained\n"
        "metric foggy = accuracy(method, on: fog)\ngrid g { method: dense }\n"
        "report { table(foggy) }\n"
    )
    made = checked(text)
    assert not made.diagnostics
    assert made.study is not None
    chosen = made.study.grids[0].axes[1]
    assert (chosen.paths[0].slots, type(chosen.value)) == (("data",), core.Named)


@pytest.mark.parametrize("value", ["10 steps .. 30 steps by 10 steps", "10 steps | 2 epochs"])
@pytest.mark.parametrize("said", ["let p = {}\nmethod a = ", "method a(p: {}) = "])
def test_alternatives_of_a_length_are_a_length_where_one_calculates(said: str, value: str) -> None:
    text = f"data d = digits()\nmodel m = mlp()\n{said.format(value)}train(for: 2 * p)\n"
    found = check(Source("s.lab", f"{text}grid g {{ method: a }}\n"), catalog())
    assert not [one for one in found.diagnostics if one.severity == "error"]


@pytest.mark.parametrize(
    ("blocks", "written"),
    [
        ("grid g { method: a; e: 2 * e }", "2 * e"),
        ("grid g { method: a; e: f; f: e }", "f"),
        (
            "grid g { method: a; (e, f): (f, 3 steps) | (4 steps, e) }",
            "(f, 3 steps) | (4 steps, e)",
        ),
        ("grid g { method: a }\nprofile long { e: 2 * e }", "2 * e"),
        ("grid g { method: a }\nprofile long { grid h { method: a; e: e | f } }", "e | f"),
    ],
)
def test_a_shared_value_that_a_block_makes_depend_on_itself_is_refused(
    blocks: str, written: str
) -> None:
    text = f"{HEAD}let e = 10 steps\nlet f = 20 steps\nmethod a = train(for: e + f)\n{blocks}\n"
    (found,) = [one for one in checked(text).diagnostics if one.severity == "error"]
    span = found.labels[0].span
    assert (found.code, text[span.start : span.end]) == ("E0203", written)
