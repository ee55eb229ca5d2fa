"""The examples of a step: quicker ways to draw them give the same bits as the plain definition."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lab.runtime import augmentation
from lab.runtime.augmentation import Augmentation, around, beforehand
from lab.runtime.augmentations.crop import Crop
from lab.runtime.augmentations.cutout import Cutout
from lab.runtime.augmentations.flip import Flip
from lab.runtime.augmentations.mixup import Mixup
from lab.runtime.batches import drawn, epoch_order
from lab.runtime.dataset import Dataset, Examples
from lab.runtime.loss import terms_of
from lab.runtime.losses.task import Task
from lab.runtime.models.mlp import MLP
from lab.runtime.optimizers.sgd import SGD
from lab.runtime.recipe import Leg, Recipe, Supply
from lab.runtime.selectors.all import All

#: Higher than wide, so that rows and columns cannot be mistaken for each other.
SHAPE = (7, 5)


def recipe(*augment: Augmentation) -> Recipe:
    return Recipe(
        model=MLP(),
        through=None,
        select=All(),
        loss=terms_of(Task()),
        by=SGD(lr=0.1),
        augment=augment,
        batch=12,
        steps=8,
        steps_per_epoch=4,
        classes=3,
    )


def images(dtype: str, channels: int) -> np.ndarray:
    """Images without a black pixel, so that every pixel of a margin shows."""
    random = np.random.default_rng(5)
    return random.integers(1, 256, (50, *SHAPE, channels)).astype(dtype)


def dataset(inputs: np.ndarray) -> Dataset:
    few = Examples(inputs, np.arange(len(inputs), dtype=np.int32) % 3)
    return Dataset(few, few, classes=3, content="none")


def supply(whole: Dataset, margin: int) -> Supply:
    inputs, labels = whole.on_device(margin)
    return Supply(
        inputs=inputs,
        labels=labels,
        fixed={},
        batches=jax.random.key(1),
        augment=jax.random.key(2),
        dropout=jax.random.key(3),
        numbers={},
        frozen={},
        start={},
        teachers={},
    )


@pytest.mark.parametrize(
    ("dtype", "channels", "after"),
    [
        ("uint8", 3, ()),
        ("uint8", 3, (Cutout(size=2), Mixup(alpha=1.0), Flip())),
        ("uint8", 1, (Flip(),)),
        ("float32", 2, (Flip(),)),
    ],
)
def test_windows_cut_out_of_a_wide_data_set_are_those_of_padded_images(
    dtype: str, channels: int, after: tuple[Augmentation, ...]
) -> None:
    plain = recipe(Crop(pad=3), *after)
    whole = dataset(images(dtype, channels))
    wide = replace(plain, margin=3)
    draw = jax.jit(drawn, static_argnums=0)
    for step in range(5):
        order = epoch_order(jax.random.key(1), jnp.asarray(step // 4), count=50)
        leg = Leg(order, jnp.int32(5))
        expected = draw(plain, jnp.int32(step), supply(whole, 0), leg)
        found = draw(wide, jnp.int32(step), supply(whole, 3), leg)
        assert found.inputs.dtype == expected.inputs.dtype
        np.testing.assert_array_equal(found.inputs, expected.inputs)
        np.testing.assert_array_equal(found.targets, expected.targets)


def test_windows_reach_every_corner_of_the_margin() -> None:
    few = jnp.asarray(images("uint8", 3))
    wide = jnp.pad(few, around(1))
    found = Crop(pad=1).cut(wide, jnp.arange(50), jax.random.key(0))
    corners = Crop(pad=1).corners(50, jax.random.key(0))
    assert {tuple(corner) for corner in corners.tolist()} == {
        (row, column) for row in range(3) for column in range(3)
    }
    for image, window, (row, column) in zip(wide, found, corners.tolist(), strict=True):
        np.testing.assert_array_equal(
            window, image[row : row + SHAPE[0], column : column + SHAPE[1]]
        )


@pytest.mark.parametrize("count", [1, 2, 48, 1625, 1626, 5000])
def test_the_order_of_an_epoch_is_the_permutation_of_its_key(count: int) -> None:
    key = jax.random.key(7)
    for epoch in range(3):
        expected = jax.random.permutation(jax.random.fold_in(key, epoch), count)
        found = epoch_order(key, jnp.asarray(epoch), count=count)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


def test_a_margin_is_given_beforehand_where_a_crop_comes_first_and_memory_allows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    inputs = images("uint8", 3)
    expected = 2 if jax.default_backend() == "cpu" else 0
    assert beforehand((Crop(pad=2), Flip()), inputs) == expected
    assert beforehand((Flip(), Crop(pad=2)), inputs) == 0
    assert beforehand((), inputs) == 0
    assert beforehand((Crop(pad=2),), inputs.reshape(50, -1)) == 0
    monkeypatch.setattr(augmentation, "WIDENED", inputs.nbytes - 1)
    assert beforehand((Crop(pad=2),), inputs) == 0


def test_a_data_set_moves_once_for_each_margin() -> None:
    whole = dataset(images("uint8", 3))
    assert whole.on_device(2)[0] is whole.on_device(2)[0]
    assert whole.on_device()[0].shape == (50, *SHAPE, 3)
    np.testing.assert_array_equal(whole.on_device(2)[0][:, 2:-2, 2:-2], whole.train.inputs)
