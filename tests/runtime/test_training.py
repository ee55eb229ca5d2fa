import dataclasses
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lab.runtime import artifact as artifacts
from lab.runtime import augmentation, registry, scoring, training
from lab.runtime.artifact import Artifact, weights
from lab.runtime.augmentations.crop import Crop
from lab.runtime.augmentations.flip import Flip
from lab.runtime.batches import epoch_order
from lab.runtime.bridge import checkpoint
from lab.runtime.data.cifar10_sample import Cifar10Sample
from lab.runtime.data.digits import Digits
from lab.runtime.dataset import Dataset, Examples
from lab.runtime.errors import Diverged, MissingFile, UnsuitableSetting
from lab.runtime.loss import terms_of
from lab.runtime.losses.task import Task
from lab.runtime.measurements.accuracy import Accuracy
from lab.runtime.measurements.bytes import FileBytes
from lab.runtime.measurements.loss import MeasuredLoss
from lab.runtime.measurements.parameters import Parameters
from lab.runtime.measurements.r2 import R2
from lab.runtime.models.mlp import MLP
from lab.runtime.models.resnet20 import ResNet20
from lab.runtime.optimizers.adam import Adam
from lab.runtime.optimizers.sgd import SGD
from lab.runtime.recipe import Leg, Recipe, Supply
from lab.runtime.reparameterizations.plain import Plain
from lab.runtime.reparameterizations.prune import Prune
from lab.runtime.selectors.random import Random
from lab.runtime.stages.apply import Apply
from lab.runtime.stages.finetune import Finetune
from lab.runtime.stages.pretrained import Pretrained
from lab.runtime.stages.train import Train
from lab.runtime.work import Work
from lab.spec.units import Duration

NET = MLP(width=32, layers=1)


def work(seed: int, *, folder: Path = Path(), **inputs: Artifact) -> Work:
    names = ("init", "batches", "augment", "dropout")
    streams = dict(zip(names, jax.random.split(jax.random.key(seed), 4), strict=True))
    return Work(inputs=inputs, stream=streams.__getitem__, progress=_silent, folder=folder)


def _silent(step: int, total: int, values: Mapping[str, float]) -> None:
    del step, total, values


def train(**fields: Any) -> Train:
    defaults: dict[str, Any] = {
        "model": NET,
        "data": Digits(),
        "by": Adam(lr=3e-3),
        "duration": Duration(2, "epochs"),
        "batch": 64,
    }
    return Train(**{**defaults, **fields})


@cache
def trained() -> Artifact:
    return train(duration=Duration(5, "epochs")).run(work(71))


def accuracy(artifact: Artifact) -> float:
    return float(Accuracy(data=Digits()).measure(work(0, of=artifact))["value"])


def equal(one: Artifact, two: Artifact) -> bool:
    return all(
        (a == b).all() for a, b in zip(*map(jax.tree.leaves, map(weights, (one, two))), strict=True)
    )


def test_training_learns_the_digits() -> None:
    assert accuracy(trained()) > 0.9
    assert trained().history["loss"][-1] < trained().history["loss"][0] / 3


def test_training_twice_gives_the_same_bits() -> None:
    assert equal(train().run(work(72)), train().run(work(72)))


def test_another_seed_gives_other_weights() -> None:
    assert not equal(train().run(work(72)), train().run(work(73)))


@pytest.mark.parametrize("stream", ["init", "batches"])
def test_every_stream_matters(stream: str) -> None:
    begun = work(74)
    other = dataclasses.replace(
        begun,
        stream=lambda name: jax.random.key(99) if name == stream else begun.stream(name),
    )
    assert not equal(train().run(begun), train().run(other))


def test_the_history_has_a_point_for_every_epoch() -> None:
    history = (
        train(duration=Duration(2.5, "epochs"), data=Digits(validation=97), watch="validation")
        .run(work(75))
        .history
    )
    per_epoch = 1200 // 64
    total = int(2.5 * per_epoch + 0.5)
    expected = [1, 2, total / per_epoch]
    assert list(history["epoch"]) == pytest.approx(expected)
    assert set(history) == {"epoch", "loss", "train_accuracy", "rate", "validation_accuracy"}
    assert all(len(curve) == 3 for curve in history.values())


def test_what_is_watched_is_the_accuracy_that_is_measured() -> None:
    made = train(watch="test").run(work(76))
    assert made.history["test_accuracy"][-1] == pytest.approx(accuracy(made))


def test_no_steps_leave_the_model_as_it_began() -> None:
    made = train(duration=Duration(0, "steps")).run(work(77))
    params, _ = NET.init(work(77).stream("init"))
    assert all((weights(made)[path] == params[path]).all() for path in params)


def test_a_batch_larger_than_the_data_is_all_of_it() -> None:
    made = train(batch=5000, duration=Duration(3, "epochs")).run(work(78))
    assert made.notes["steps"] == 3


def test_progress_ends_at_the_last_step() -> None:
    seen: list[tuple[int, int]] = []
    told = dataclasses.replace(work(79), progress=lambda step, total, _: seen.append((step, total)))
    train().run(told)
    assert seen[-1] == (2 * (1297 // 64), 2 * (1297 // 64))
    assert seen == sorted(seen)


def test_a_loss_that_is_no_number_is_a_divergence() -> None:
    with pytest.raises(Diverged, match=r"at step \d+ of \d+; a smaller learning rate"):
        train(by=SGD(lr=1e30)).run(work(80))


def test_training_without_data_or_model_says_what_is_missing() -> None:
    with pytest.raises(UnsuitableSetting, match="no data"):
        train(data=None).run(work(81))
    with pytest.raises(UnsuitableSetting, match="no model"):
        train(model=None).run(work(81))


# Through reparameterizations


def test_training_through_plain_is_training() -> None:
    through = train(through=Plain()).run(work(82))
    assert through.through == registry.value_of(Plain())
    assert equal(through, train().run(work(82)))


def test_finetuning_keeps_a_pruning_mask() -> None:
    pruned = Apply(through=Prune(sparsity=0.8)).run(work(83, before=trained()))
    tuned = Finetune(data=Digits(), duration=Duration(2, "epochs")).run(work(83, before=pruned))
    zeros = {path: np.asarray(w == 0) for path, w in weights(pruned).items()}
    moved = weights(tuned)
    assert all((np.asarray(moved[path])[there] == 0).all() for path, there in zeros.items())
    assert tuned.through == pruned.through
    assert accuracy(tuned) > accuracy(pruned)


def test_training_goes_on_from_the_stage_before() -> None:
    none = Finetune(data=Digits(), duration=Duration(0, "steps"))
    assert equal(none.run(work(84, before=trained())), trained())


def test_a_stage_leaves_what_it_began_with_untouched() -> None:
    before = trained()
    kept = {path: np.array(w) for path, w in weights(before).items()}
    Finetune(data=Digits()).run(work(85, before=before))
    assert all((np.asarray(w) == kept[path]).all() for path, w in weights(before).items())


def test_training_through_something_starts_from_what_was_shipped() -> None:
    pruned = Apply(through=Prune(sparsity=0.5, storage="float16")).run(work(86, before=trained()))
    through = Finetune(data=Digits(), through=Plain(), duration=Duration(0, "steps"))
    made = through.run(work(86, before=pruned))
    expected = artifacts.shipped_weights(pruned)
    assert all((weights(made)[path] == expected[path]).all() for path in expected)


# Plugs


def test_a_random_subset_trains_too() -> None:
    made = train(select=Random(rate=0.5), duration=Duration(5, "epochs")).run(work(87))
    assert accuracy(made) > 0.8


def test_an_average_of_the_weights_is_kept() -> None:
    averaged, last = (train(average=a, by=SGD(lr=0.3)).run(work(88)) for a in (0.99, 0.0))
    assert not equal(averaged, last)
    assert accuracy(averaged) > 0.8


def test_an_average_that_keeps_nothing_is_the_last_weight() -> None:
    nearly, last = (train(average=a).run(work(89)) for a in (1e-9, 0.0))
    for one, two in zip(*map(jax.tree.leaves, map(weights, (nearly, last))), strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-7)


def test_learning_rates_and_smoothing_share_one_program() -> None:
    before = len(training._programs)
    for rate, smoothing in ((1e-3, 0.0), (2e-3, 0.0), (1e-3, 0.1)):
        train(
            by=Adam(lr=rate), loss=Task(label_smoothing=smoothing), duration=Duration(7, "steps")
        ).run(work(90))
    assert len(training._programs) == before + 1
    newest = list(training._programs.values())[-1]
    assert newest.programs == 1


# A network of convolutions, step by step


class Few(Cifar10Sample):
    """The first images of the sample, so that a test takes a second."""

    def load(self) -> Dataset:
        whole = super().load()
        few = Examples(whole.train.inputs[:48], whole.train.labels[:48])
        return dataclasses.replace(whole, train=few)


def test_a_small_resnet_fits_a_few_images_through_augmentation() -> None:
    stage = Train(
        model=ResNet20(width=4),
        data=Few(augment=(Crop(pad=1), Flip())),
        by=SGD(lr=0.1, momentum=0.9),
        duration=Duration(16, "steps"),
        batch=16,
    )
    made = stage.run(work(91))
    assert made.history["loss"][-1] < made.history["loss"][0] - 0.1
    assert any((b != 0).any() for p, b in made.buffers.items() if p.endswith("running_mean"))


def test_training_on_a_data_set_with_a_margin_takes_the_same_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stage = train(
        model=MLP(inputs=3072, width=32, layers=1),
        data=Few(augment=(Crop(pad=2), Flip())),
        duration=Duration(6, "steps"),
        batch=16,
    )
    wide = stage.run(work(94))
    monkeypatch.setattr(augmentation, "WIDENED", 0)
    narrow = stage.run(work(94))
    # The inputs are the same bits; a program of another form may add them up in another order.
    for one, other in zip(*map(jax.tree.leaves, map(weights, (wide, narrow))), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_loop_inside_the_program_takes_the_same_steps() -> None:
    recipe = Recipe(
        model=NET,
        through=None,
        select=train().select,
        loss=terms_of(Task()),
        by=SGD(lr=0.1, momentum=0.9),
        augment=(),
        batch=8,
        steps=6,
        steps_per_epoch=6,
        classes=10,
    )
    random = np.random.default_rng(92)
    supply = Supply(
        inputs=jnp.asarray(random.uniform(size=(48, 64)), jnp.float32),
        labels=jnp.asarray(random.integers(0, 10, 48)),
        fixed={},
        batches=jax.random.key(1),
        augment=jax.random.key(2),
        dropout=jax.random.key(3),
        numbers=training.traced_numbers(recipe),
        frozen={},
        start={},
        teachers={},
    )
    order = epoch_order(supply.batches, jnp.asarray(0), count=48)
    params, buffers = NET.init(jax.random.key(92))
    split, leg = artifacts.Split({}, {}), Leg(order, jnp.full((), 6, jnp.int32))
    together, _ = training.program(recipe, looped=True)(
        training.start(recipe, split, params, buffers), supply, leg
    )
    alone = training.start(recipe, split, params, buffers)
    for _ in range(6):
        alone, _ = training.program(recipe, looped=False)(alone, supply, leg)
    for path in params:
        np.testing.assert_allclose(
            together.trainable.rest[path], alone.trainable.rest[path], rtol=1e-5, atol=1e-6
        )


def test_an_epoch_visits_every_example_once() -> None:
    one = epoch_order(jax.random.key(93), jnp.asarray(0), count=100)
    two = epoch_order(jax.random.key(93), jnp.asarray(1), count=100)
    assert sorted(one.tolist()) == sorted(two.tolist()) == list(range(100))
    assert one.tolist() != two.tolist()


# Starting from a checkpoint


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    checkpoint.save(tmp_path / "net.safetensors", weights(trained()), {}, about={})
    return tmp_path


def test_pretrained_is_the_model_as_its_weights_have_it(saved: Path) -> None:
    model = dataclasses.replace(NET, weights="net.safetensors")
    made = Pretrained(model=model).run(work(94, folder=saved))
    assert equal(made, trained())


def test_where_the_weights_came_from_is_no_part_of_the_model(saved: Path) -> None:
    model = dataclasses.replace(NET, weights=str(saved / "net.safetensors"))
    made = Pretrained(model=model).run(work(95, folder=saved))
    assert made.model == registry.value_of(NET)


def test_pretrained_without_weights_says_how_to_give_them() -> None:
    with pytest.raises(MissingFile, match=r"resnet20\(weights: "):
        Pretrained(model=NET).run(work(96))
    with pytest.raises(UnsuitableSetting, match="no model"):
        Pretrained().run(work(96))


def test_training_starts_from_a_models_checkpoint(saved: Path) -> None:
    model = dataclasses.replace(NET, weights="net.safetensors")
    made = train(model=model, duration=Duration(0, "steps")).run(work(97, folder=saved))
    assert equal(made, trained())


# Measurements


def test_accuracy_says_which_examples_were_right() -> None:
    found = Accuracy(data=Digits()).measure(work(0, of=trained()))
    assert found["examples"] == len(found["correct"]) == 500
    assert set(found["correct"]) == {0, 1}
    assert found["value"] == pytest.approx(sum(found["correct"]) / 500)


def test_accuracy_on_other_splits() -> None:
    on_train = Accuracy(data=Digits(), on="train").measure(work(0, of=trained()))
    aside = Accuracy(data=Digits(validation=30), on="validation").measure(work(0, of=trained()))
    assert (on_train["examples"], aside["examples"]) == (1297, 30)


def test_accuracy_of_the_shipped_file_is_that_of_the_weights(tmp_path: Path) -> None:
    artifacts.ship(trained(), tmp_path / "net")
    rebuilt = artifacts.load_shipped(tmp_path / "net")
    assert accuracy(rebuilt) == accuracy(trained())


def test_the_loss_is_that_of_the_logits() -> None:
    found = MeasuredLoss(data=Digits()).measure(work(0, of=trained()))
    test = Digits().load().test
    logits = scoring.logits(NET, weights(trained()), {}, test.inputs)
    shifted = logits - logits.max(axis=1, keepdims=True)
    chances = np.exp(shifted) / np.exp(shifted).sum(axis=1, keepdims=True)
    expected = -np.log(chances[np.arange(500), test.labels]).mean()
    assert found["value"] == pytest.approx(expected, rel=1e-4)


def test_bytes_are_the_length_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "net"
    artifacts.ship(trained(), path)
    found = FileBytes().measure(dataclasses.replace(work(0), packed={"of": path}))
    assert found["value"] == path.stat().st_size
    assert found["state"] == 4 * (64 * 32 + 32 + 32 * 10 + 10)


def test_parameters_count_what_is_trained() -> None:
    found = Parameters().measure(work(0, of=trained()))
    assert found == {"value": 2410, "network": 2410}


def test_r2_is_what_the_stage_noted_and_does_not_apply_to_training() -> None:
    noted = dataclasses.replace(trained(), notes={"r2": 0.25})
    assert R2().measure(work(0, of=noted)) == {"value": 0.25}
    assert R2().measure(work(0, of=trained())) == {}


def test_nothing_to_score_on_is_said() -> None:
    with pytest.raises(UnsuitableSetting, match="nothing to score on"):
        Accuracy().measure(work(0, of=trained()))


# Scoring


@pytest.mark.parametrize("count", [1, 511, 512, 513, 1200])
def test_scoring_does_not_depend_on_how_examples_are_batched(count: int) -> None:
    inputs = Digits().load().train.inputs[:count]
    params, buffers = weights(trained()), {}
    found = scoring.logits(NET, params, buffers, inputs)
    expected, _ = NET.apply(params, buffers, jnp.asarray(inputs), train=False)
    assert found.shape == (count, 10)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
