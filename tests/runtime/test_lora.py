"""LoRA: it starts as the base model, merges exactly, and moves what it should."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lab.runtime.convolution import convolve
from lab.runtime.errors import UnsuitableWeights
from lab.runtime.models.mlp import MLP
from lab.runtime.models.resnet20 import ResNet20
from lab.runtime.reparameterization import Split
from lab.runtime.reparameterizations.codeq import CoDeQ
from lab.runtime.reparameterizations.lora import LoRA

KEY = jax.random.key(0)
NET = MLP(width=24, layers=2)
PARAMS, _ = NET.init(jax.random.key(1))


def moved(split: Split, seed: int = 2) -> Split:
    keys = jax.random.split(jax.random.key(seed), len(split.train))
    train = {
        name: values + 0.1 * jax.random.normal(key, values.shape)
        for key, (name, values) in zip(keys, split.train.items(), strict=True)
    }
    return Split(train, split.fixed)


def taken(method: LoRA) -> dict:
    return {path: PARAMS[path] for path in method.choose(PARAMS, NET.parts)}


def test_step_zero_is_the_base_model() -> None:
    method = LoRA(rank=4)
    made = method.materialize(method.init(taken(method), key=KEY))
    assert all((made[path] == PARAMS[path]).all() for path in made)


def test_merged_equals_unmerged() -> None:
    method = LoRA(rank=4, alpha=8.0)
    split = moved(method.init(taken(method), key=KEY))
    images = jax.random.uniform(jax.random.key(3), (32, 64))
    merged, _ = NET.apply({**PARAMS, **method.materialize(split)}, {}, images, train=False)
    x = images
    for layer in (0, 1):
        name = f"layers.{layer}.weight"
        beside = x @ split.train[f"{name}/lora_a"].T @ split.train[f"{name}/lora_b"].T
        x = jax.nn.relu(x @ PARAMS[name].T + PARAMS[f"layers.{layer}.bias"] + 2.0 * beside)
    unmerged = x @ PARAMS["layers.2.weight"].T + PARAMS["layers.2.bias"]
    np.testing.assert_allclose(merged, unmerged, rtol=1e-5, atol=1e-5)


def test_merged_equals_unmerged_for_a_convolution() -> None:
    weights = {"c.weight": jax.random.normal(jax.random.key(4), (6, 3, 3, 3))}
    method = LoRA(rank=2, alpha=2.0)
    split = moved(method.init(weights, key=KEY))
    images = jax.random.normal(jax.random.key(5), (2, 8, 8, 3))
    merged = convolve(images, method.materialize(split)["c.weight"], padding=1)
    first = split.train["c.weight/lora_a"].reshape(2, 3, 3, 3)
    second = split.train["c.weight/lora_b"].reshape(6, 2, 1, 1)
    beside = convolve(convolve(images, first, padding=1), second)
    unmerged = convolve(images, weights["c.weight"], padding=1) + beside
    np.testing.assert_allclose(merged, unmerged, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(
    ("scaling", "scale"), [("standard", 2.0), ("rank_stabilized", 16 / 8**0.5)]
)
def test_the_scale_is_alpha_over_the_rank_or_its_root(scaling: str, scale: float) -> None:
    assert LoRA(rank=8, alpha=16.0, scaling=scaling).scale == pytest.approx(scale)


def test_the_head_is_left_to_be_trained_and_the_rest_stays() -> None:
    model = ResNet20(width=4)
    params, _ = model.init(KEY)
    method = LoRA(rank=2, targets=("layer*.**.conv?.weight",))
    chosen = method.choose(params, model.parts)
    assert set(params) - set(chosen) == {"linear.weight", "linear.bias"}
    split = method.init({path: params[path] for path in chosen}, key=KEY)
    assert len(split.train) == 2 * 18
    assert split.train["layer1.0.conv1.weight/lora_a"].shape == (2, 4 * 9)
    made = method.materialize(moved(split))
    assert (made["bn1.weight"] == params["bn1.weight"]).all()
    assert (made["conv1.weight"] == params["conv1.weight"]).all()
    assert (made["layer1.0.conv1.weight"] != params["layer1.0.conv1.weight"]).any()


def test_a_pattern_that_matches_nothing_is_an_error() -> None:
    with pytest.raises(UnsuitableWeights, match=r"'blocks\.\*\.qkv' matches no weight"):
        LoRA(targets=("blocks.*.qkv",)).choose(PARAMS, NET.parts)


def test_first_matrices_are_uniform_within_the_root_of_their_inputs() -> None:
    split = LoRA(rank=32).init({"w": jnp.zeros((8, 400))}, key=KEY)
    first = np.asarray(split.train["w/lora_a"])
    assert np.abs(first).max() <= 0.05
    assert np.abs(first).max() > 0.049
    assert abs(first.mean()) < 0.002
    assert not np.asarray(split.train["w/lora_b"]).any()


def test_dropout_needs_a_key_and_is_right_on_average() -> None:
    method = LoRA(rank=4, dropout=0.5)
    split = moved(method.init(taken(method), key=KEY))
    name = "layers.0.weight"
    whole = method.materialize(split)[name]
    draws = jax.vmap(lambda key: method.while_training(split, key=key)[name])(
        jax.random.split(jax.random.key(6), 4000)
    )
    assert (draws[0] != draws[1]).any()
    spread = np.asarray(draws).std(axis=0).max() / 4000**0.5
    # Six standard errors of the mean, the largest of some thousand numbers.
    np.testing.assert_allclose(draws.mean(axis=0), whole, atol=6 * spread)


def test_no_dropout_draws_nothing() -> None:
    method = LoRA(rank=4)
    split = moved(method.init(taken(method), key=KEY))
    made = method.while_training(split, key=KEY)
    assert all((made[path] == w).all() for path, w in method.materialize(split).items())


def test_adapters_through_a_quantizer_ship_as_its_levels() -> None:
    method = LoRA(rank=4, through=CoDeQ(max_bits=6))
    split = method.init(taken(method), key=KEY)
    labels = set(method.labels(split).values())
    assert labels == {"weights", "theta_dz", "theta_bit"}
    shipped = method.pack(moved(split))
    adapters = [parts for path, parts in shipped.items() if "lora_a" in path]
    assert adapters
    assert all(parts["levels"].bits <= 6 for parts in adapters)
