"""What a training can do besides taking steps, each against a closed form or its plain twin."""

import ast
import dataclasses
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import lab.runtime
from lab.runtime import batches, course, registry, training
from lab.runtime.artifact import Artifact, shipped_weights, weights
from lab.runtime.augmentations.flip import Flip
from lab.runtime.augmentations.mixup import Mixup
from lab.runtime.data.cifar10_sample import Cifar10Sample
from lab.runtime.data.digits import Digits
from lab.runtime.dataset import Dataset, Examples
from lab.runtime.errors import UnsuitableSetting
from lab.runtime.loss import terms_of
from lab.runtime.losses.distill import Distill
from lab.runtime.losses.task import Task
from lab.runtime.measurements.accuracy import Accuracy
from lab.runtime.measurements.activation_rate import ActivationRate
from lab.runtime.measurements.loss import MeasuredLoss
from lab.runtime.measurements.passes import Passes
from lab.runtime.models.mlp import MLP
from lab.runtime.models.resnet20 import ResNet20
from lab.runtime.optimizers.adam import Adam
from lab.runtime.optimizers.adamw import AdamW
from lab.runtime.optimizers.groups import Groups
from lab.runtime.optimizers.sgd import SGD
from lab.runtime.recipe import Leg, Recipe, Supply
from lab.runtime.reparameterizations.codeq import CoDeQ
from lab.runtime.reparameterizations.lora import LoRA
from lab.runtime.reparameterizations.plain import Plain
from lab.runtime.reparameterizations.prune import Prune
from lab.runtime.selectors.ast import AST
from lab.runtime.selectors.random import Random
from lab.runtime.stages.apply import Apply
from lab.runtime.stages.finetune import Finetune
from lab.runtime.stages.train import Train
from lab.runtime.stoppings.patience import Patience
from lab.runtime.work import Work
from lab.spec.units import Duration

NET = MLP(width=24, layers=1)
PER_EPOCH = 1297 // 64


def work(seed: int, **inputs: Artifact) -> Work:
    names = ("init", "batches", "augment", "dropout")
    streams = dict(zip(names, jax.random.split(jax.random.key(seed), 4), strict=True))
    return Work(
        inputs=inputs,
        stream=streams.__getitem__,
        progress=lambda *_: None,
        folder=Path(),
    )


def train(**given: Any) -> Train:
    defaults: dict[str, Any] = {
        "model": NET,
        "data": Digits(),
        "by": Adam(lr=3e-3),
        "duration": Duration(1, "epochs"),
        "batch": 64,
    }
    return Train(**{**defaults, **given})


@cache
def trained() -> Artifact:
    return train(duration=Duration(4, "epochs")).run(work(1))


def difference(one: Artifact, two: Artifact) -> float:
    left, right = weights(one), weights(two)
    return max(float(jnp.max(jnp.abs(left[path] - right[path]))) for path in left)


def accuracy(artifact: Artifact) -> float:
    return float(Accuracy(data=Digits()).measure(work(0, of=artifact))["value"])


# The code of a step


STEP = ("training", "recipe", "batches", "course")
KINDS = {"reparameterization", "selector", "loss", "optimizer", "augmentation", "stopping"}


@pytest.mark.parametrize("name", STEP)
def test_the_code_of_a_training_names_no_method(name: str) -> None:
    folder = Path(lab.runtime.__file__).parent
    tree = ast.parse((folder / f"{name}.py").read_text(encoding="utf-8"))
    methods = {n for kind, n in registry.catalog().signatures if kind in KINDS}
    # Words of Python, of its libraries, and of optimizers in general.
    methods -= {"all", "random", "plain", "groups"}
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    named |= {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    said = {str(node.value) for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    imported = [n.module or "" for n in ast.walk(tree) if isinstance(n, ast.ImportFrom)]
    assert not {word.lower() for word in named | said} & methods
    assert not any(module.count(".") > 2 for module in imported)


# Counting


@pytest.mark.parametrize(
    ("select", "forward", "backward"),
    [(None, 64, 64), (Random(rate=0.25), 16, 16), (AST(target=0.25), 64 + 16, 16)],
    ids=["all", "random", "ast"],
)
def test_passes_are_those_that_were_run(select: Any, forward: int, backward: int) -> None:
    given = {} if select is None else {"select": select}
    made = train(duration=Duration(10, "steps"), **given).run(work(2))
    assert made.notes["forwards"] == 10 * forward
    assert made.notes["backwards"] == 10 * backward
    found = Passes().measure(work(0, of=made))
    assert found["value"] == 10 * (forward + 2 * backward)
    assert Passes(kind="backward").measure(work(0, of=made))["value"] == 10 * backward


def test_passes_of_an_arm_add_up_over_its_stages() -> None:
    first = train(duration=Duration(3, "steps")).run(work(3))
    cut = Apply(through=Prune(sparsity=0.5)).run(work(3, before=first))
    last = Finetune(data=Digits(), batch=32, duration=Duration(2, "steps")).run(work(3, before=cut))
    assert last.notes["backwards"] == 64
    assert Passes(kind="backward").measure(work(0, of=last))["value"] == 3 * 64 + 2 * 32


@pytest.mark.verify
def test_a_selector_that_scores_leaves_batch_statistics_alone() -> None:
    model = ResNet20(width=2)
    stage = Train(
        model=model,
        data=Few(),
        by=SGD(lr=0.0),
        select=AST(target=1.0),
        duration=Duration(1, "steps"),
        batch=48,
    )
    made = stage.run(work(4))
    # All rows are chosen, in another order: the statistics have moved once, and not twice.
    params, buffers = model.init(work(4).stream("init"))
    inputs = jnp.asarray(Few().load().train.inputs)
    _, once = model.apply(params, buffers, inputs, train=True)
    for path, expected in once.items():
        np.testing.assert_allclose(made.buffers[path], expected, rtol=1e-4, atol=1e-5)


def test_the_activation_rate_is_recorded_and_near_its_target() -> None:
    made = train(select=AST(target=0.25), duration=Duration(4, "epochs")).run(work(5))
    assert {"activation_rate", "threshold"} <= set(made.history)
    found = ActivationRate().measure(work(0, of=made))["value"]
    assert abs(found - 0.25) < 0.1
    assert ActivationRate().measure(work(0, of=trained())) == {}


# Through other plugs


def test_a_quantizer_is_trained_in_three_groups() -> None:
    def by(rate: float) -> Groups:
        still = AdamW(lr=rate, decay=2.0)
        return Groups(
            groups={"weights": AdamW(lr=1e-3), "theta_dz": still, "theta_bit": AdamW(lr=0.0)}
        )

    moved, resting = (
        train(through=CoDeQ(), by=by(rate)).run(work(6, before=trained())) for rate in (0.02, 0.0)
    )
    widths = [float(a.split.train["layers.0.weight/theta_dz"]) for a in (moved, resting)]
    assert widths[0] < 2.5
    assert widths[1] == 3.0
    assert float(moved.split.train["layers.0.weight/theta_bit"]) == 3.0
    assert accuracy(moved) > 0.8


def test_bit_widths_rest_when_they_are_told_to() -> None:
    def bits(moment: Duration) -> float:
        made = train(through=CoDeQ(), by=AdamW(lr=0.02, decay=2.0), freeze_bits=moment)
        artifact = made.run(work(7, before=trained()))
        return float(artifact.split.train["layers.0.weight/theta_bit"])

    assert bits(Duration(0, "steps")) == 3.0
    early, late = bits(Duration(0.5, "share")), bits(Duration(1, "share"))
    assert late < early < 3.0


def test_an_adapter_moves_itself_and_the_head_alone() -> None:
    made = train(through=LoRA(rank=4)).run(work(8, before=trained()))
    before, after = weights(trained()), weights(made)
    assert (before["layers.0.bias"] == after["layers.0.bias"]).all()
    assert (before["layers.0.weight"] != after["layers.0.weight"]).any()
    assert (before["layers.1.bias"] != after["layers.1.bias"]).any()
    merged = Apply(through=Plain()).run(work(8, before=made))
    assert difference(merged, made) < 1e-5


def test_adapters_and_a_selector_compose() -> None:
    both = train(
        through=LoRA(rank=4, dropout=0.1), select=AST(target=0.25), duration=Duration(3, "epochs")
    ).run(work(9, before=trained()))
    assert accuracy(both) > accuracy(trained()) - 0.02
    assert both.notes["backwards"] == 3 * PER_EPOCH * 16


def test_a_teacher_is_listened_to() -> None:
    role = "loss.from"
    stage = train(loss=Distill(source=role, temperature=2.0), duration=Duration(4, "epochs"))
    pupil = stage.run(work(10, **{role: trained()}))
    test = Digits().load().test
    logits = [
        NET.apply(shipped_weights(one), {}, jnp.asarray(test.inputs), train=False)[0]
        for one in (trained(), pupil, train(duration=Duration(4, "epochs")).run(work(10)))
    ]
    gaps = [
        float(
            Distill(source=role, temperature=2.0).per_example(one, None, teacher=logits[0]).mean()
        )
        for one in logits[1:]
    ]
    assert gaps[0] < 0.5 * gaps[1]


# Gradients and batches


def test_clipping_cuts_the_norm_of_all_gradients_together() -> None:
    def moved(clip: float | None) -> float:
        stage = train(by=SGD(lr=1.0), clip=clip, duration=Duration(1, "steps"))
        before, _ = NET.init(work(11).stream("init"))
        after = weights(stage.run(work(11)))
        gaps = [jnp.sum((after[path] - before[path]) ** 2) for path in before]
        return float(jnp.sqrt(sum(gaps)))

    assert moved(0.01) == pytest.approx(0.01, rel=1e-4)
    assert moved(1e6) == pytest.approx(moved(None), rel=1e-6)


def test_accumulated_batches_are_one_large_batch() -> None:
    few = train(by=SGD(lr=0.1), batch=32, accumulate=2, duration=Duration(2, "steps"))
    one = train(by=SGD(lr=0.1), batch=64, duration=Duration(1, "steps"))
    assert difference(few.run(work(12)), one.run(work(12))) < 1e-6


def test_learning_rates_of_accumulated_batches_follow_the_optimizers_steps() -> None:
    falling = {"component": "linear", "kind": "schedule", "args": {"start": 1.0, "stop": 0.0}}
    stage = train(by=SGD(lr=falling), accumulate=4, duration=Duration(40, "steps"))
    history = dataclasses.replace(stage, evaluate=Duration(4, "steps")).run(work(13)).history
    assert list(history["rate"]) == pytest.approx([1 - i / 10 for i in range(10)])


@pytest.mark.parametrize("select", [Random(rate=0.5), AST(target=0.3)], ids=["random", "ast"])
@pytest.mark.parametrize("micro", [7, 16])
def test_pieces_of_a_batch_make_the_same_step(micro: int, select: Any) -> None:
    # Dropout is drawn for every example, so that it does not notice either.
    model = MLP(width=24, layers=1, dropout=0.2)
    common = {"model": model, "by": SGD(lr=0.1), "duration": Duration(5, "steps")}
    whole = train(select=select, **common).run(work(14))
    cut = train(select=select, micro_batch=micro, **common).run(work(14))
    assert difference(whole, cut) < 1e-6
    assert list(cut.history["train_accuracy"]) == list(whole.history["train_accuracy"])


def test_no_memory_for_a_batch_halves_it_until_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    real = training.program

    def scarce(recipe: Any, *, looped: bool) -> Any:
        if recipe.cuts < 4:
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: no room")
        return real(recipe, looped=looped)

    common = {"by": SGD(lr=0.1), "duration": Duration(5, "steps")}
    expected = train(**common).run(work(15))
    monkeypatch.setattr(course.training, "program", scarce)
    made = train(**common).run(work(15))
    assert made.notes["pieces_of_a_batch"] == 4
    assert difference(made, expected) < 1e-6


def test_other_failures_of_the_device_are_not_swallowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(recipe: Any, *, looped: bool) -> Any:
        raise jax.errors.JaxRuntimeError("INTERNAL: broken")

    monkeypatch.setattr(course.training, "program", broken)
    with pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"):
        train().run(work(16))


def test_no_memory_for_one_example_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(recipe: Any, *, looped: bool) -> Any:
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: no room")

    monkeypatch.setattr(course.training, "program", full)
    with pytest.raises(MemoryError, match="a single example"):
        train().run(work(17))


def test_half_precision_is_near_and_learns() -> None:
    made = train(precision="bf16", duration=Duration(4, "epochs")).run(work(1))
    assert difference(made, trained()) > 1e-4
    assert all(w.dtype == jnp.float32 for w in weights(made).values())
    assert accuracy(made) > 0.85


def test_dropout_is_drawn_in_training_alone() -> None:
    model = MLP(width=24, layers=1, dropout=0.5)
    made = train(model=model).run(work(18))
    assert difference(made, train().run(work(18))) > 1e-4
    other = dataclasses.replace(
        work(18), stream=lambda n: jax.random.key(9) if n == "dropout" else work(18).stream(n)
    )
    assert difference(made, train(model=model).run(other)) > 1e-4
    assert accuracy(made) == accuracy(made)


def test_mixed_examples_have_the_shares_of_their_classes_as_targets() -> None:
    recipe = Recipe(
        model=NET,
        through=None,
        select=Random(rate=1.0),
        loss=terms_of(Task()),
        by=SGD(lr=0.1),
        augment=(Mixup(alpha=1.0), Flip()),
        batch=8,
        steps=1,
        steps_per_epoch=1,
        classes=10,
    )
    supply = Supply(
        inputs=jax.nn.one_hot(jnp.arange(8), 64).reshape(8, 8, 8, 1),
        labels=jnp.arange(8),
        fixed={},
        batches=jax.random.key(1),
        augment=jax.random.key(2),
        dropout=jax.random.key(3),
        numbers={},
        frozen={},
        start={},
        teachers={},
    )
    batch = batches.drawn(recipe, jnp.int32(0), supply, Leg(jnp.arange(8), jnp.int32(1)))
    assert batch.targets.shape == (8, 10)
    np.testing.assert_allclose(batch.targets.sum(axis=1), 1, rtol=1e-6)
    assert ((batch.targets > 0).sum(axis=1) > 1).any()
    # An image of one bright pixel for each class: pixels and targets are blended alike.
    bright = np.sort(np.asarray(batch.inputs).reshape(8, 64), axis=1)[:, -2:]
    np.testing.assert_allclose(bright, np.sort(np.asarray(batch.targets), axis=1)[:, -2:])


class Few(Cifar10Sample):
    """The first images of the sample, so that a test takes a second."""

    def load(self) -> Dataset:
        whole = super().load()
        few = Examples(whole.train.inputs[:48], whole.train.labels[:48])
        return dataclasses.replace(whole, train=few)


# What is trained


def test_a_probe_trains_the_head_alone() -> None:
    made = train(only=("head",)).run(work(20, before=trained()))
    before, after = weights(trained()), weights(made)
    assert (before["layers.0.weight"] == after["layers.0.weight"]).all()
    assert (before["layers.1.weight"] != after["layers.1.weight"]).any()


def test_parameters_have_groups_by_word() -> None:
    by = Groups(groups={"weights": SGD(lr=0.1), "head": SGD(lr=0.0), "biases": SGD(lr=0.0)})
    made = train(by=by, duration=Duration(3, "steps")).run(work(21, before=trained()))
    before, after = weights(trained()), weights(made)
    moved = {path for path in before if (before[path] != after[path]).any()}
    assert moved == {"layers.0.weight"}


# Looking and stopping


def test_evaluations_come_as_often_as_they_are_asked_for() -> None:
    stage = train(duration=Duration(25, "steps"), evaluate=Duration(10, "steps"), watch="test")
    history = stage.run(work(22)).history
    assert np.asarray(history["epoch"]) * PER_EPOCH == pytest.approx([10, 20, 25])
    once = train(duration=Duration(25, "steps"), watch="test").run(work(22))
    assert history["test_accuracy"][-1] == once.history["test_accuracy"][-1]


def test_evaluating_more_often_changes_no_bit() -> None:
    often = train(evaluate=Duration(3, "steps")).run(work(23))
    assert difference(often, train().run(work(23))) == 0


def test_patience_ends_a_training_that_gains_nothing() -> None:
    rule = Patience(duration=Duration(2, "epochs"), of=Accuracy(on="validation"))
    stage = train(
        data=Digits(validation=200),
        by=SGD(lr=0.0),
        stop=rule,
        duration=Duration(9, "epochs"),
    )
    made = stage.run(work(24))
    assert made.notes["stopped_early"] == 1
    assert made.notes["steps"] == 3 * (1097 // 64)
    assert len(made.history["watched"]) == 3


def test_patience_with_a_loss_wants_it_low() -> None:
    rule = Patience(duration=Duration(3, "epochs"), of=MeasuredLoss(on="validation"))
    stage = train(data=Digits(validation=200), stop=rule, duration=Duration(6, "epochs"))
    made = stage.run(work(25))
    assert "stopped_early" not in made.notes
    assert made.history["watched"][-1] < made.history["watched"][0]


def test_the_best_network_is_kept() -> None:
    rising = {"component": "exponential", "kind": "schedule", "args": {"start": 0.02, "stop": 9.0}}
    stage = train(
        data=Digits(validation=200),
        by=SGD(lr=rising),
        duration=Duration(8, "epochs"),
        watch="validation",
    )
    last = stage.run(work(26))
    best = dataclasses.replace(stage, keep="best").run(work(26))
    seen = list(last.history["validation_accuracy"])
    found = Accuracy(data=Digits(validation=200), on="validation").measure(work(0, of=best))
    assert found["value"] == pytest.approx(max(seen))
    assert max(seen) > seen[-1]
    assert best.notes["best_step"] == (int(np.argmax(seen)) + 1) * (1097 // 64)


def test_the_best_of_nothing_watched_is_refused() -> None:
    with pytest.raises(UnsuitableSetting, match="nothing to tell the best by"):
        train(keep="best").run(work(27))


def test_a_cap_on_the_wall_clock_is_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter(float(second) for second in range(100))
    monkeypatch.setattr(course.time, "monotonic", lambda: next(ticks))
    made = train(cap=2.0, duration=Duration(9, "epochs")).run(work(28))
    assert made.notes["capped"] == 1
    assert 0 < made.notes["steps"] < 9 * PER_EPOCH
    plain = train(duration=Duration(int(made.notes["steps"]), "steps")).run(work(28))
    assert difference(made, plain) == 0


def test_a_hundred_rates_and_clips_compile_once() -> None:
    before = len(training._programs)
    for place in range(100):
        train(
            by=AdamW(lr=1e-3 * (1 + place), decay=1e-3 * place),
            clip=1.0 + place,
            duration=Duration(3, "steps"),
            loss=Task(label_smoothing=0.001 * place),
            select=AST(kp=0.01 * place),
        ).run(work(29))
    assert len(training._programs) == before + 1
    assert list(training._programs.values())[-1].programs == 1
