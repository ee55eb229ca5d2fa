"""Facts of single methods that have a closed form."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lab.runtime.errors import UnsuitableWeights
from lab.runtime.reparameterizations.inwf import INWF
from lab.runtime.reparameterizations.plain import Plain
from lab.runtime.reparameterizations.prune import Prune
from lab.runtime.reparameterizations.quantize import Quantize
from lab.runtime.straight_through import stored, straight_through

KEY = jax.random.key(0)
WEIGHTS = {
    "a.weight": 0.1 * jax.random.normal(jax.random.key(1), (16, 8, 3, 3)),
    "b.weight": 0.3 * jax.random.normal(jax.random.key(2), (10, 64)),
}


@pytest.mark.parametrize("bits", range(2, 9))
@pytest.mark.parametrize("per", ["channel", "tensor"])
@pytest.mark.parametrize("scales", ["float32", "float16"])
def test_a_quantized_weight_is_off_by_half_a_step_at_most(bits, per, scales) -> None:
    method = Quantize(bits=bits, per=per, scales=scales)
    split = method.init(WEIGHTS, key=KEY)
    for path, made in method.materialize(split).items():
        _, steps = method.levels(WEIGHTS[path])
        # Half a step, and the rounding of a product.
        assert np.all(np.abs(made - WEIGHTS[path]) <= steps * (0.5 + 1e-5))
        count = WEIGHTS[path].shape[0] if per == "channel" else 1
        assert steps.size == count


def test_the_largest_weight_of_a_channel_is_kept() -> None:
    method = Quantize(bits=4)
    made = method.materialize(method.init(WEIGHTS, key=KEY))["a.weight"].reshape(16, -1)
    weights = WEIGHTS["a.weight"].reshape(16, -1)
    np.testing.assert_allclose(np.abs(made).max(1), np.abs(weights).max(1), rtol=1e-6)


def test_levels_are_symmetric_and_need_their_bits() -> None:
    method = Quantize(bits=4, per="tensor")
    levels = method.pack(method.init(WEIGHTS, key=KEY))["a.weight"]["levels"]
    assert levels.bits == 4
    assert levels.values.min() >= -7
    assert levels.values.max() <= 7
    assert np.abs(levels.values).max() == 7


def test_a_channel_of_zeros_stays_zero() -> None:
    method = Quantize(bits=4, scales="float16")
    split = method.init({"w": jnp.zeros((2, 3)).at[0, 0].set(1e-9)}, key=KEY)
    made = method.materialize(split)["w"]
    assert np.all(np.isfinite(made))
    assert not np.any(made[1])


@pytest.mark.parametrize("sparsity", [0.0, 0.25, 0.8, 0.9, 1.0])
def test_pruning_is_exact_to_the_weight_and_global(sparsity: float) -> None:
    method = Prune(sparsity=sparsity)
    split = method.init(WEIGHTS, key=KEY)
    made = method.materialize(split)
    count = sum(w.size for w in WEIGHTS.values())
    zeros = sum(int(np.sum(np.asarray(m) == 0)) for m in made.values())
    assert zeros == round(sparsity * count)
    kept = np.concatenate([np.abs(m)[np.asarray(split.fixed[p])] for p, m in made.items()])
    gone = np.concatenate([np.abs(w)[~np.asarray(split.fixed[p])] for p, w in WEIGHTS.items()])
    assert not kept.size or not gone.size or kept.min() >= gone.max()


def test_equal_weights_are_pruned_to_the_same_count() -> None:
    method = Prune(sparsity=0.5)
    split = method.init({"a": jnp.ones((3, 3)), "b": jnp.ones((5, 5))}, key=KEY)
    assert sum(int(mask.sum()) for mask in split.fixed.values()) == 17


def test_training_cannot_wake_a_pruned_weight() -> None:
    method = Prune(sparsity=0.5)
    split = method.init(WEIGHTS, key=KEY)
    awake = split._replace(train={path: values + 1 for path, values in split.train.items()})
    for path, values in method.materialize(awake).items():
        assert not np.any(np.asarray(values)[~np.asarray(split.fixed[path])])


def test_a_field_ships_16_bits_a_number_and_two_floats_a_tensor() -> None:
    method = INWF(width=16, layers=2)
    shipped = method.pack(method.init(WEIGHTS, key=KEY))
    for path, features in (("a.weight", 32), ("b.weight", 16)):
        numbers = 16 * features + 16 + 16 * 16 + 16 + 16 + 1
        assert shipped[path]["field"].values.size == numbers
        assert shipped[path]["field"].bits == 16
        assert shipped[path]["normal"].values.size == 2


def test_a_field_of_zeros_is_the_mean() -> None:
    method = INWF(width=4, layers=1)
    split = method.init(WEIGHTS, key=KEY)
    silent = split._replace(train={name: 0 * values for name, values in split.train.items()})
    for path, values in method.materialize(silent).items():
        np.testing.assert_allclose(values, np.mean(WEIGHTS[path]), rtol=1e-5)


def test_large_tensors_are_made_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    method = INWF(width=5, layers=1)
    split = method.init(WEIGHTS, key=KEY)
    whole = method.materialize(split)
    monkeypatch.setattr("lab.runtime.reparameterizations.inwf.BLOCK", 100)
    jax.clear_caches()
    blocks = method.materialize(split)
    jax.clear_caches()
    for path, values in whole.items():
        np.testing.assert_allclose(blocks[path], values, atol=1e-6)


def test_fields_are_for_tensors_from_ten_thousand_weights_on_unless_said_otherwise() -> None:
    weights = {"large": jnp.zeros((100, 100)), "small": jnp.zeros((99, 100))}
    assert INWF().choose(weights) == ("large",)
    assert INWF(min_size=0).choose(weights) == ("large", "small")
    assert INWF(min_size=0, within=("s*",)).choose(weights) == ("small",)


def test_plain_takes_tensors_and_ships_them_whole() -> None:
    shipped = Plain().pack(Plain().init(WEIGHTS, key=KEY))
    assert {stream["values"].bits for stream in shipped.values()} == {32}


def test_a_number_beyond_half_precision_is_refused_by_name() -> None:
    method = Prune(sparsity=0.0, storage="float16")
    with pytest.raises(UnsuitableWeights, match="w holds a number that float16 cannot"):
        method.pack(method.init({"w": jnp.full((2, 2), 1e5)}, key=KEY))


def test_a_field_starts_alike_whatever_other_tensors_are_taken() -> None:
    method = INWF(width=4, layers=1)
    alone = method.init({"b.weight": WEIGHTS["b.weight"]}, key=KEY).train
    among = method.init(WEIGHTS, key=KEY).train
    for name, values in alone.items():
        np.testing.assert_array_equal(values, among[name])


def test_straight_through_has_the_value_of_one_and_the_slope_of_the_other() -> None:
    x, y = jnp.float32(0.3), jnp.float32(2.0)
    assert straight_through(x, y) == y
    assert jax.grad(straight_through, argnums=(0, 1))(x, y) == (1.0, 0.0)
    assert stored(jnp.float32(1 / 3), "float16") == np.float16(1 / 3)
    assert jax.grad(lambda x: stored(x, "float16"))(x) == 1.0


@pytest.mark.parametrize("method", [Quantize, Prune, INWF])
def test_words_and_patterns_say_what_is_left_as_it_is(method) -> None:
    weights = {**WEIGHTS, "b.bias": jnp.ones(10), "head.weight": jnp.ones((10, 10))}
    parts = {"head": ("head.*",)}
    kept = method(min_size=0, exclude=("head", "biases", "norms"))
    assert kept.choose(weights, parts) == ("a.weight", "b.weight")
    assert method(min_size=0, exclude=("a.*",)).choose(weights, parts) == (
        "b.weight",
        "head.weight",
    )
    with pytest.raises(UnsuitableWeights, match="matches no weight"):
        method(min_size=0, exclude=("c.*",)).choose(weights, parts)
