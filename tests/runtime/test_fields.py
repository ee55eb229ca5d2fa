from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lab.runtime.encodings.fourier import Fourier
from lab.runtime.fields import Architecture, coordinates, drawn, entries, field_at


def architecture(**changes) -> Architecture:
    given = {"width": 64, "layers": 2, "activation": "sine", "encoding": Fourier(), "w0": 30.0}
    return Architecture(**{**given, **changes})


def test_a_siren_starts_within_its_bounds_and_fills_them() -> None:
    field = architecture(width=256).start(4, key=jax.random.key(1))
    bounds = (1 / 32, np.sqrt(6 / 256) / 30, np.sqrt(6 / 256) / 30)
    for layer, bound, fan_in in zip(field, bounds, (32, 256, 256), strict=True):
        assert np.max(np.abs(layer.weight)) <= bound
        assert np.max(np.abs(layer.weight)) > 0.95 * bound
        # The variance of U(-b, b) is b² / 3; a quarter of them are below -b / 2.
        assert np.min(layer.weight) < -0.9 * bound
        assert np.max(np.abs(layer.bias)) <= fan_in**-0.5


def test_the_bounds_of_a_siren_follow_w0() -> None:
    field = architecture(w0=10.0, width=128).start(2, key=jax.random.key(1))
    assert np.sqrt(6 / 128) / 30 < np.max(np.abs(field[1].weight)) <= np.sqrt(6 / 128) / 10


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_other_activations_start_as_he_does(activation: str) -> None:
    field = architecture(activation=activation).start(4, key=jax.random.key(2))
    for layer, fan_in in zip(field, (32, 64, 64), strict=True):
        assert np.max(np.abs(layer.weight)) <= np.sqrt(6 / fan_in)


def test_a_siren_is_the_sine_of_w0_times_an_affine_map() -> None:
    field = architecture(layers=1, width=3, encoding=None).start(2, key=jax.random.key(3))
    points = jnp.array([[0.1, -0.7], [0.4, 0.9]])
    (w1, b1), (w2, b2) = (map(np.float64, layer) for layer in field)
    expected = w2 @ np.sin(30 * (w1 @ np.float64(points) + b1[:, None])) + b2[:, None]
    found = architecture(layers=1, width=3, encoding=None).values(field, points)
    np.testing.assert_allclose(found, expected[0], atol=1e-6)


def test_hidden_layers_of_a_siren_keep_their_spread() -> None:
    # Sitzmann et al., theorem 1.8: arguments of the hidden sines have a spread of about one.
    field = architecture(width=512, layers=3, encoding=None).start(2, key=jax.random.key(4))
    h = jax.random.uniform(jax.random.key(5), (2, 4096), minval=-1)
    h = jnp.sin(30 * (field[0].weight @ h + field[0].bias[:, None]))
    argument = 30 * (field[1].weight @ h)
    assert 0.8 < float(jnp.std(argument)) < 1.2


def test_coordinates_are_the_centers_of_cells() -> None:
    found = coordinates(jnp.arange(6), (3, 2))
    np.testing.assert_allclose(found[0], np.repeat([-2 / 3, 0, 2 / 3], 2), atol=1e-7)
    np.testing.assert_allclose(found[1], np.tile([-0.5, 0.5], 3), atol=1e-7)


def test_coordinates_of_large_tensors_are_exact() -> None:
    shape = (1024, 512, 3, 3)
    count = int(np.prod(shape))
    index = np.concatenate(
        [np.random.default_rng(0).integers(0, count, 20_000), [0, count - 1], np.arange(1, 50) * 9]
    ).astype(np.int32)
    found = np.asarray(coordinates(jnp.asarray(index), shape))
    places = (found.T + 1) * np.array(shape) / 2 - 0.5
    expected = np.stack(np.unravel_index(index, shape), -1)
    np.testing.assert_array_equal(np.round(places), expected)


def test_stacked_tensors_have_coordinates_of_their_own() -> None:
    shapes = ((16, 3, 3, 3), (64, 64, 3, 3))
    index = jnp.array([[0, 431, 77], [36863, 5, 20_000]])
    found = coordinates(index, shapes)
    for row, (one, shape) in enumerate(zip(index, shapes, strict=True)):
        np.testing.assert_array_equal(found[row], coordinates(one, shape))


def test_fourier_features_tell_all_places_apart() -> None:
    # With c on [-1, 1] rather than in cells' centers, the first and the last would be one.
    features = Fourier(bands=4).features(coordinates(jnp.arange(3 * 64), (3, 64)))
    gaps = jnp.linalg.norm(features[:, :, None] - features[:, None, :], axis=0)
    assert float(jnp.min(gaps + 10 * jnp.eye(gaps.shape[0]))) > 0.04


def test_fourier_features_are_the_formula() -> None:
    points = jax.random.uniform(jax.random.key(6), (3, 50), minval=-1)
    found = Fourier(bands=5).features(points)
    angles = [
        2.0**k * np.pi * np.asarray(axis, np.float64) for axis, k in product(points, range(5))
    ]
    expected = np.concatenate([np.sin(angles), np.cos(angles)])
    assert found.shape == (Fourier(bands=5).count(3), 50)
    # Angles up to 50 have a rounding of 4e-6.
    np.testing.assert_allclose(found, expected, atol=5e-6)


def test_indices_are_drawn_evenly_from_all_of_each_tensor() -> None:
    counts = np.array([7, 100_003, 3_000_000_000 % 2**31])
    found = np.asarray(drawn(jax.random.key(7), counts, 70_000))
    assert np.all(found >= 0)
    assert np.all(found < counts[:, None])
    times = np.bincount(found[0], minlength=7)
    # Five standard deviations of a binomial with n = 70,000, p = 1/7.
    assert np.max(np.abs(times - 10_000)) < 5 * np.sqrt(10_000 * 6 / 7)
    np.testing.assert_allclose(found.mean(1) / ((counts - 1) / 2), 1, atol=0.01)


def test_drawing_takes_the_high_word_of_a_product() -> None:
    counts = np.array([1, 65_535, 65_536, 65_537, 2**31 - 1])
    bits = np.asarray(jax.random.bits(jax.random.key(8), (5, 1000), jnp.uint32), np.uint64)
    expected = (bits * counts[:, None].astype(np.uint64)) >> np.uint64(32)
    np.testing.assert_array_equal(drawn(jax.random.key(8), counts, 1000), expected)


def test_a_field_survives_its_names() -> None:
    field = architecture().start(4, key=jax.random.key(9))
    back = field_at("a.weight", entries("a.weight", field), hidden=2)
    for left, right in zip(jax.tree.leaves(back), jax.tree.leaves(field), strict=True):
        np.testing.assert_array_equal(left, right)
