"""The native vision transformer is timm's: the same weights by the same names, the same logits."""

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import safetensors.numpy

from lab.runtime.bridge import checkpoint
from lab.runtime.errors import UnsuitableSetting
from lab.runtime.model import Model
from lab.runtime.models.resnet20 import DEVIATION, MEAN
from lab.runtime.models.timm import Timm
from lab.runtime.models.vit import ViT

NATIVE = ViT(depth=2, width=16, heads=2, size=16, classes=10)
TWIN = Timm.example()


def logits(model: Model, params: dict[str, Any], inputs: np.ndarray) -> np.ndarray:
    apply = jax.jit(lambda p, x: model.apply(p, {}, x, train=False)[0])
    return np.asarray(apply(params, jnp.asarray(inputs)))


def images(count: int, size: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), np.uint8)


def test_names_and_shapes_are_those_of_timm() -> None:
    native, _ = NATIVE.shapes()
    foreign, _ = TWIN.shapes()
    assert native == foreign


def test_with_timms_weights_logits_are_those_of_timm() -> None:
    """Inputs are normalized as timm does it for this network, by 0.5 and 0.5."""
    params, _ = TWIN.init(jax.random.key(1))
    expected = logits(TWIN, params, images(3, 16, 2))
    scaled = (images(3, 16, 2) / 255 - 0.5) / 0.5
    asked = (scaled * np.array(DEVIATION) + np.array(MEAN)).astype(np.float32)
    found = logits(NATIVE, params, asked)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_weights_of_one_are_a_checkpoint_of_the_other(tmp_path: Path) -> None:
    params, _ = NATIVE.init(jax.random.key(3))
    path = tmp_path / "vit.safetensors"
    checkpoint.save(path, params, {}, about={})
    loaded, _ = checkpoint.load_into(TWIN, path)
    assert all((np.asarray(loaded[name]) == np.asarray(a)).all() for name, a in params.items())


def test_the_first_values_have_the_deviation_of_the_papers_code() -> None:
    params, _ = ViT(depth=1, width=64).init(jax.random.key(4))
    weight = np.asarray(params["blocks.0.mlp.fc1.weight"])
    assert weight.std() == pytest.approx(0.02, rel=0.05)
    assert not np.any(np.asarray(params["blocks.0.mlp.fc1.bias"]))


def test_images_of_another_size_are_resized() -> None:
    params, _ = NATIVE.init(jax.random.key(5))
    flat = np.full((1, 16, 16, 3), 77, np.uint8)
    small = np.full((1, 9, 9, 3), 77, np.uint8)
    one, other = logits(NATIVE, params, flat), logits(NATIVE, params, small)
    np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_a_gray_image_stands_for_three_equal_channels() -> None:
    params, _ = NATIVE.init(jax.random.key(6))
    gray = images(2, 16, 7)[..., :1]
    one = logits(NATIVE, params, gray)
    other = logits(NATIVE, params, np.repeat(gray, 3, axis=-1))
    np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(
    ("model", "says"),
    [(ViT(size=30), "no whole patches"), (ViT(width=65, heads=2), "no 2 equal heads")],
)
def test_what_does_not_divide_is_refused(model: ViT, says: str) -> None:
    with pytest.raises(UnsuitableSetting, match=says):
        model.shapes()


def test_positions_are_interpolated_for_larger_images(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params, _ = NATIVE.init(jax.random.key(8))
    state = {name: np.asarray(a) for name, a in params.items()}
    state["pos_embed"] = np.ones_like(state["pos_embed"])
    path = tmp_path / "vit.safetensors"
    safetensors.numpy.save_file(state, path)
    larger = ViT(depth=2, width=16, heads=2, size=24, classes=10)
    loaded, _ = checkpoint.load_into(larger, path, key=jax.random.key(9))
    assert loaded["pos_embed"].shape == (1, 37, 16)
    np.testing.assert_allclose(loaded["pos_embed"], 1, rtol=1e-5)
    assert "pos_embed was interpolated from (1, 17, 16) to (1, 37, 16)" in capsys.readouterr().out
