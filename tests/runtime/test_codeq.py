"""CoDeQ against its equations: golden values, the dead zone, bits, and what decay does."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lab.runtime.errors import UnsuitableSetting, UnsuitableWeights
from lab.runtime.models.resnet20 import ResNet20
from lab.runtime.optimizers.adamw import AdamW
from lab.runtime.optimizers.groups import Groups
from lab.runtime.recipe import Trainable
from lab.runtime.reparameterization import Split
from lab.runtime.reparameterizations.codeq import CoDeQ

KEY = jax.random.key(0)
WEIGHTS = {
    "a.weight": 0.1 * jax.random.normal(jax.random.key(1), (16, 8, 3, 3)),
    "b.weight": 0.3 * jax.random.normal(jax.random.key(2), (10, 64)),
}


def split_with(method: CoDeQ = CoDeQ(), *, dz: float = 3.0, bit: float = 3.0) -> Split:  # noqa: B008 - frozen
    train = dict(method.init(WEIGHTS, key=KEY).train)
    for path in WEIGHTS:
        train[f"{path}/theta_dz"] = jnp.float32(dz)
        train[f"{path}/theta_bit"] = jnp.float32(bit)
    return Split(train, {})


def test_the_start_has_the_values_of_the_paper() -> None:
    grid = CoDeQ().grid(CoDeQ().init(WEIGHTS, key=KEY), "a.weight")
    assert float(grid.dead_zone / grid.absmax) == pytest.approx(0.0099, abs=5e-5)
    assert float(grid.bits) == 8
    assert float(jnp.max(jnp.abs(grid.levels))) == 127
    assert float(grid.absmax) == pytest.approx(np.quantile(np.abs(WEIGHTS["a.weight"]), 0.99))


@pytest.mark.parametrize("bit", [0.0, 0.3, 0.6, 1.0, 3.0])
@pytest.mark.parametrize("dz", [0.3, 0.8, 1.5, 3.0])
def test_weights_are_zero_exactly_in_the_dead_zone(dz: float, bit: float) -> None:
    method = CoDeQ()
    split = split_with(dz=dz, bit=bit)
    made = method.materialize(split)
    for path, weights in WEIGHTS.items():
        half = float(method.grid(split, path).dead_zone) / 2
        size = np.abs(np.asarray(weights))
        # Whoever is within a rounding of the edge may fall on either side.
        inside, outside = size < half * (1 - 1e-5), size > half * (1 + 1e-5)
        assert (np.asarray(made[path])[inside] == 0).all()
        assert (np.asarray(made[path])[outside] != 0).all()


@pytest.mark.parametrize("bit", [0.0, 0.2, 0.5, 3.0])
def test_levels_fit_the_bits_that_are_learned(bit: float) -> None:
    split = split_with(bit=bit)
    expected = round(6 * np.tanh(bit) + 2)
    shipped = CoDeQ().pack(split)
    for path in WEIGHTS:
        levels = shipped[path]["levels"]
        assert levels.bits == expected
        assert np.abs(levels.values).max() == 2 ** (expected - 1) - 1


def test_the_error_outside_of_the_dead_zone_is_half_a_step_at_most() -> None:
    method, split = CoDeQ(quantile=1.0), split_with(dz=1.0)
    made = method.materialize(split)["a.weight"]
    grid = method.grid(split, "a.weight")
    alive = np.asarray(made) != 0
    gap = np.abs(np.asarray(made) - np.asarray(WEIGHTS["a.weight"]))[alive]
    assert gap.max() <= float(grid.step) * (0.5 + 1e-4)


def test_the_step_never_vanishes_and_the_dead_zone_can_come_back() -> None:
    method = CoDeQ()
    split = split_with(dz=1e-3)
    grid = method.grid(split, "a.weight")
    assert float(grid.dead_zone) == pytest.approx(2 * 0.95 * float(grid.absmax), rel=1e-5)
    assert float(grid.step) > 0.04 * float(grid.absmax) / 126.5
    slope = jax.grad(lambda t: jnp.sum(method.materialize(Split(t, {}))["a.weight"] ** 2))
    found = slope(dict(split.train))
    assert all(np.isfinite(part).all() for part in found.values())
    assert float(found["a.weight/theta_dz"]) != 0


def test_gradients_go_straight_through_inside_and_outside_of_the_range() -> None:
    method = CoDeQ(quantile=0.5)
    split = split_with(method)
    slope = jax.grad(
        lambda w: jnp.sum(method.materialize(Split({**split.train, "a.weight": w}, {}))["a.weight"])
    )(WEIGHTS["a.weight"])
    np.testing.assert_allclose(slope, 1.0, rtol=1e-5)


def test_a_weight_of_zero_is_not_stuck() -> None:
    split = CoDeQ().init({"w": jnp.array([[0.0, 1.0]])}, key=KEY)
    slope = jax.grad(lambda t: jnp.sum(CoDeQ().materialize(Split(t, {}))["w"]))(split.train)
    assert float(slope["w"][0, 0]) == pytest.approx(1.0)


def test_equal_bounds_fix_the_bits() -> None:
    method = CoDeQ(min_bits=4, max_bits=4)
    split = split_with(method, bit=0.1)
    assert {parts["levels"].bits for parts in method.pack(split).values()} == {4}


def test_bounds_the_wrong_way_round_are_refused() -> None:
    with pytest.raises(UnsuitableSetting, match="from 6 to 4 bits"):
        CoDeQ(min_bits=6, max_bits=4).init(WEIGHTS, key=KEY)


def test_there_are_three_groups() -> None:
    labels = CoDeQ().labels(CoDeQ().init(WEIGHTS, key=KEY))
    assert set(labels.values()) == {"weights", "theta_dz", "theta_bit"}
    assert labels["a.weight/theta_dz"] == "theta_dz"


def test_decay_alone_widens_the_dead_zone_as_the_closed_form_says() -> None:
    # theta_T = theta_0 exp(-decay · rate · T) for a constant rate and no gradient.
    decayed = AdamW(lr=0.01, decay=0.5)
    by = Groups(groups={"weights": AdamW(decay=0.0), "theta_dz": decayed})
    method = CoDeQ()
    train = dict(method.init(WEIGHTS, key=KEY).train)
    transform = by.grouped(method.labels(Split(train, {})), total_steps=200)
    state = transform.init(train)
    still = jax.tree.map(jnp.zeros_like, train)
    for _ in range(200):
        moves, state = transform.update(still, state, train)
        train = jax.tree.map(jnp.add, train, moves)
    assert float(train["a.weight/theta_dz"]) == pytest.approx(3 * np.exp(-0.5 * 0.01 * 200), 0.01)
    assert float(train["a.weight/theta_bit"]) == 3.0
    assert (train["a.weight"] == WEIGHTS["a.weight"]).all()


def test_leaving_out_the_stem_leaves_out_no_block() -> None:
    model = ResNet20()
    params, _ = model.init(KEY)
    taken = CoDeQ(exclude=("stem", "norms", "head")).choose(params, model.parts)
    assert len(taken) == 18
    assert all(path.startswith("layer") for path in taken)
    assert "layer1.0.conv1.weight" in taken
    whole = sum(w.size for w in params.values())
    left = whole - sum(params[path].size for path in taken)
    # 91.5 is what the ratio cannot exceed with stem and classifier left in float.
    assert whole == 269_722
    assert sum(params[p].size for p in ("conv1.weight", "linear.weight", "linear.bias")) < left


def test_a_model_without_a_stem_says_so() -> None:
    with pytest.raises(UnsuitableWeights, match="does not say what its stem is"):
        CoDeQ(exclude=("stem",)).choose(WEIGHTS)


def test_labels_of_a_trainable_are_a_tree_of_its_shape() -> None:
    split = CoDeQ().init(WEIGHTS, key=KEY)
    labels = Trainable(CoDeQ().labels(split), {"c.bias": "biases"})
    found = Groups(groups={"weights": AdamW(), "theta_dz": AdamW()}).named(labels)
    assert found.rest == {"c.bias": "weights"}
    assert found.split["a.weight/theta_bit"] == "weights"


def test_a_group_that_nothing_is_in_is_refused() -> None:
    with pytest.raises(UnsuitableSetting, match="names theta_dx, and nothing"):
        Groups(groups={"theta_dx": AdamW()}).named({"w": "weights"})
    with pytest.raises(UnsuitableSetting, match="says nothing of weights"):
        Groups(groups={"theta_dz": AdamW()}).named({"w": "weights", "t": "theta_dz"})


def test_curves_are_bits_and_zeros_over_all_tensors() -> None:
    split = split_with(dz=0.5, bit=0.4)
    made = CoDeQ().materialize(split)
    zeros = sum(int((values == 0).sum()) for values in made.values())
    found = CoDeQ().curves(split)
    assert found["zeros"] == pytest.approx(zeros / sum(w.size for w in WEIGHTS.values()))
    assert found["bits"] == round(6 * np.tanh(0.4) + 2)
