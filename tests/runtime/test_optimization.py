"""Schedules, durations, optimizers, losses, augmentations and selectors, each in closed form."""

import math
from dataclasses import fields
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from lab.runtime import registry
from lab.runtime.augmentation import Augmentation
from lab.runtime.augmentations.crop import Crop
from lab.runtime.augmentations.flip import Flip
from lab.runtime.durations import whole_steps
from lab.runtime.errors import UnsuitableSetting
from lab.runtime.losses.task import Task
from lab.runtime.optimizer import Optimizer
from lab.runtime.optimizers.adam import Adam
from lab.runtime.optimizers.adamw import AdamW
from lab.runtime.optimizers.rmsprop import RMSprop
from lab.runtime.optimizers.sgd import SGD
from lab.runtime.schedule import Schedule, lower
from lab.runtime.schedules.cosine import Cosine
from lab.runtime.schedules.exponential import Exponential
from lab.runtime.schedules.linear import Linear
from lab.runtime.schedules.polynomial import Polynomial
from lab.runtime.traced import bind, numbers, program_key
from lab.spec.units import Duration


def with_a_rate() -> list[type]:
    return [one for one in members("optimizer") if "lr" in {f.name for f in fields(one)}]


def members(kind: str) -> list[type]:
    found = registry.catalog().signatures.items()
    return [registry.component_class(s) for (k, _), s in found if k == kind]


def named(cls: Any) -> str:
    return cls.component["name"]


def linear_value(start: float, stop: float) -> dict:
    return {"component": "linear", "kind": "schedule", "args": {"start": start, "stop": stop}}


# Schedules


@pytest.mark.parametrize("cls", members("schedule"), ids=named)
def test_a_schedule_goes_from_its_start_to_its_stop(cls: type[Schedule]) -> None:
    rate = lower(cls(start=0.5, stop=0.125), total_steps=10)
    assert float(rate(0)) == pytest.approx(0.5)
    assert float(rate(10)) == pytest.approx(0.125)
    values = [float(rate(step)) for step in range(11)]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize("cls", members("schedule"), ids=named)
def test_a_schedule_is_the_component_of_its_value(cls: type[Schedule]) -> None:
    one = cls(start=0.5, stop=0.125)
    rate = lower(registry.value_of(one), total_steps=8)
    assert float(rate(3)) == pytest.approx(float(lower(one, total_steps=8)(3)))


@pytest.mark.parametrize(
    ("schedule", "middle"),
    [
        (Linear(start=1.0, stop=0.0), 0.5),
        (Cosine(start=1.0, stop=0.0), 0.5),
        (Exponential(start=1.0, stop=0.01), 0.1),
        (Polynomial(start=1.0, stop=0.0, power=3.0), 0.125),
    ],
)
def test_the_middle_of_a_schedule(schedule: Schedule, middle: float) -> None:
    assert float(lower(schedule, total_steps=100)(50)) == pytest.approx(middle)


def test_a_constant_is_a_schedule() -> None:
    rate = lower(0.25, total_steps=3)
    assert [float(rate(step)) for step in range(3)] == [0.25] * 3
    assert rate(0).dtype == jnp.float32


def test_pieces_follow_one_another_and_the_last_takes_what_is_left() -> None:
    value = {
        "schedule": "pieces",
        "pieces": [
            {"value": linear_value(0.0, 1.0), "for": {"duration": 0.2, "unit": "share"}},
            {"value": 1.0, "for": {"duration": 3, "unit": "steps"}},
            {"value": linear_value(1.0, 0.0), "for": None},
        ],
    }
    rate = lower(value, total_steps=10)
    found = [float(rate(step)) for step in range(11)]
    assert found == pytest.approx([0, 0.5, 1, 1, 1, 1, 0.8, 0.6, 0.4, 0.2, 0])


def test_pieces_count_epochs() -> None:
    piece = {"value": 1.0, "for": {"duration": 2, "unit": "epochs"}}
    value = {"schedule": "pieces", "pieces": [piece, {"value": 0.0, "for": None}]}
    rate = lower(value, total_steps=100, steps_per_epoch=7)
    assert [float(rate(step)) for step in (13, 14)] == [1.0, 0.0]


def test_sums_and_products_of_schedules() -> None:
    total = {"schedule": "sum", "of": [0.5, linear_value(0.0, 1.0)]}
    scaled = {"schedule": "product", "of": [2, total]}
    assert float(lower(scaled, total_steps=4)(2)) == pytest.approx(2.0)


def test_a_schedule_takes_traced_numbers_and_steps() -> None:
    def value(stop: jax.Array, step: jax.Array) -> jax.Array:
        return lower(linear_value(0.0, stop), total_steps=10)(step)

    assert float(jax.jit(value)(4.0, 5)) == pytest.approx(2.0)


# Durations


@pytest.mark.parametrize(
    ("duration", "steps"),
    [
        (Duration(20, "steps"), 20),
        (Duration(3, "epochs"), 30),
        (Duration(0.25, "epochs"), 3),
        (Duration(640, "samples"), 10),
        (Duration(0.3, "share"), 60),
        (Duration(0, "epochs"), 0),
    ],
)
def test_durations_in_steps(duration: Duration, steps: int) -> None:
    assert whole_steps(duration, steps_per_epoch=10, total_steps=200, batch=64) == steps


@pytest.mark.parametrize("unit", ["seconds", "share", "samples"])
def test_a_duration_that_cannot_be_counted_is_refused(unit: Any) -> None:
    with pytest.raises(UnsuitableSetting, match=f"in {unit} cannot be counted"):
        whole_steps(Duration(0.5, unit))


# Optimizers


@pytest.mark.parametrize("cls", with_a_rate(), ids=named)
def test_an_optimizer_goes_downhill(cls: type[Optimizer]) -> None:
    transform = cls(lr=0.05).transform(total_steps=50)
    x, state = jnp.array([3.0, -2.0]), None
    state = transform.init(x)
    for _ in range(50):
        moves, state = transform.update(2 * x, state, x)
        x = optax.apply_updates(x, moves)
    assert float(jnp.sum(x**2)) < 5


@pytest.mark.parametrize("cls", with_a_rate(), ids=named)
def test_learning_rates_share_one_program(cls: type[Optimizer]) -> None:
    traces = 0

    @jax.jit
    def step(values: dict, x: jax.Array) -> jax.Array:
        nonlocal traces
        traces += 1
        transform = bind(cls(), values).transform(total_steps=10)
        moves, _ = transform.update(2 * x, transform.init(x), x)
        return x + moves

    moved = [float(step(numbers(cls(lr=rate)), jnp.ones(()))) for rate in (0.1, 0.2, 0.4)]
    assert traces == 1
    assert len(set(moved)) == 3


TORCH = [
    (SGD(lr=0.1), "SGD", {"lr": 0.1}),
    (
        SGD(lr=0.1, momentum=0.9, decay=0.01),
        "SGD",
        {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01},
    ),
    (
        SGD(lr=0.1, momentum=0.9, nesterov=True, decay=0.01),
        "SGD",
        {"lr": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    ),
    (Adam(lr=0.01, b2=0.99), "Adam", {"lr": 0.01, "betas": (0.9, 0.99)}),
    (AdamW(lr=0.01, decay=0.5), "AdamW", {"lr": 0.01, "weight_decay": 0.5}),
    (RMSprop(lr=0.01, b=0.9), "RMSprop", {"lr": 0.01, "alpha": 0.9}),
]


@pytest.mark.parametrize(("ours", "name", "options"), TORCH)
def test_an_optimizer_moves_as_torchs(ours: Optimizer, name: str, options: dict) -> None:
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(41)
    begin, pulls = random.normal(size=5), random.normal(size=(6, 5))
    theirs = torch.nn.Parameter(torch.tensor(begin, dtype=torch.float32))
    optimizer = getattr(torch.optim, name)([theirs], **options)
    x = jnp.asarray(begin, jnp.float32)
    transform = ours.transform(total_steps=6)
    state = transform.init(x)
    for pull in pulls:
        theirs.grad = torch.tensor(pull, dtype=torch.float32)
        optimizer.step()
        moves, state = transform.update(jnp.asarray(pull, jnp.float32), state, x)
        x = optax.apply_updates(x, moves)
    np.testing.assert_allclose(x, theirs.detach().numpy(), rtol=1e-5, atol=1e-6)


def test_decay_of_adamw_is_decoupled() -> None:
    transform = AdamW(lr=0.1, decay=0.5).transform(total_steps=1)
    moves, _ = transform.update(jnp.zeros(1), transform.init(jnp.ones(1)), jnp.ones(1))
    assert float(moves[0]) == pytest.approx(-0.05)


# Traced numbers


def test_components_that_differ_in_traced_numbers_have_one_key() -> None:
    assert program_key(SGD(lr=0.1)) == program_key(SGD(lr=0.2, momentum=0.5))
    assert program_key(SGD(lr=linear_value(0, 1))) == program_key(SGD(lr=linear_value(1, 3)))


def test_components_that_differ_otherwise_have_keys_of_their_own() -> None:
    keys = {
        program_key(one)
        for one in (SGD(lr=0.1), SGD(nesterov=True), Adam(), SGD(lr=linear_value(0, 1)))
    }
    assert len(keys) == 4


def test_durations_in_a_schedule_are_static() -> None:
    def warm(steps: int) -> SGD:
        piece = {"value": 0.1, "for": {"duration": steps, "unit": "steps"}}
        return SGD(lr={"schedule": "pieces", "pieces": [piece, {"value": 0.2, "for": None}]})

    assert program_key(warm(3)) != program_key(warm(4))
    assert sorted(float(v) for v in numbers(warm(3)).values()) == pytest.approx([0, 0, 0.1, 0.2])


def test_bound_numbers_are_those_that_were_taken_out() -> None:
    one = AdamW(lr=linear_value(0.0, 0.5), decay=0.25)
    again = bind(one, numbers(one))
    assert float(again.decay) == 0.25
    assert float(again.lr["args"]["stop"]) == 0.5


# Losses


def test_cross_entropy_is_torchs() -> None:
    torch = pytest.importorskip("torch")
    random = np.random.default_rng(43)
    logits, labels = random.normal(size=(7, 5)).astype(np.float32), random.integers(0, 5, 7)
    for smoothing in (0.0, 0.1):
        ours = Task(label_smoothing=smoothing).per_example(jnp.asarray(logits), jnp.asarray(labels))
        theirs = torch.nn.functional.cross_entropy(
            torch.tensor(logits), torch.tensor(labels), reduction="none", label_smoothing=smoothing
        )
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-5)


def test_equal_logits_cost_the_logarithm_of_the_classes() -> None:
    loss = Task(label_smoothing=0.3).per_example(jnp.zeros((1, 8)), jnp.zeros(1, jnp.int32))
    assert float(loss[0]) == pytest.approx(math.log(8))


# Augmentations


@pytest.mark.parametrize("cls", members("augmentation"), ids=named)
@pytest.mark.parametrize("dtype", [jnp.uint8, jnp.float32])
def test_an_augmentation_keeps_shape_and_dtype_under_jit(
    cls: type[Augmentation], dtype: Any
) -> None:
    images = jnp.ones((4, 8, 6, 3), dtype)
    changed = jax.jit(cls().apply)(images, jax.random.key(51))
    assert (changed.shape, changed.dtype) == (images.shape, images.dtype)


@pytest.mark.parametrize("cls", members("augmentation"), ids=named)
def test_an_augmentation_depends_on_its_key_alone(cls: type[Augmentation]) -> None:
    images = jnp.arange(16 * 64, dtype=jnp.float32).reshape(16, 8, 8, 1)
    one, again, other = (cls().apply(images, jax.random.key(k)) for k in (1, 1, 2))
    assert (one == again).all()
    assert (one != other).any()


def test_every_crop_is_a_window_of_the_padded_image() -> None:
    image = np.random.default_rng(53).integers(1, 256, (6, 6, 2)).astype(np.uint8)
    crops = np.asarray(Crop(pad=2).apply(jnp.asarray(np.stack([image] * 200)), jax.random.key(53)))
    padded = np.pad(image, ((2, 2), (2, 2), (0, 0)))
    windows = {padded[i : i + 6, j : j + 6].tobytes(): (i, j) for i in range(5) for j in range(5)}
    found = [windows[crop.tobytes()] for crop in crops]
    assert set(found) == set(windows.values())


def test_a_crop_without_padding_changes_nothing() -> None:
    images = jnp.arange(32, dtype=jnp.uint8).reshape(2, 4, 4, 1)
    assert (Crop(pad=0).apply(images, jax.random.key(0)) == images).all()


def test_about_half_of_the_images_are_mirrored() -> None:
    images = jnp.tile(jnp.arange(4, dtype=jnp.uint8).reshape(1, 1, 4, 1), (400, 1, 1, 1))
    first = np.asarray(Flip().apply(images, jax.random.key(57)))[:, 0, 0, 0]
    assert set(first.tolist()) == {0, 3}
    # Five standard deviations of a fair coin.
    assert abs((first == 3).mean() - 0.5) < 5 * 0.5 / 20
