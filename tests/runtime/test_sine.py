import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lab.runtime.sine import cosine, sine

POINTS = np.concatenate(
    [
        np.linspace(-10, 10, 20_001),
        np.random.default_rng(0).uniform(-2e4, 2e4, 200_000),
        np.arange(-6000, 6000) * np.pi / 2,
    ]
).astype(np.float32)


@pytest.mark.parametrize(("ours", "exact"), [(sine, np.sin), (cosine, np.cos)])
def test_the_error_is_at_most_two_in_ten_million_up_to_20000(ours, exact) -> None:
    for function in (ours, jax.jit(ours)):
        found = np.asarray(function(jnp.asarray(POINTS)), np.float64)
        assert np.max(np.abs(found - exact(POINTS.astype(np.float64)))) <= 2e-7


def test_derivatives_are_each_other() -> None:
    x = jnp.linspace(-40, 40, 1001)
    np.testing.assert_array_equal(jax.vmap(jax.grad(sine))(x), cosine(x))
    np.testing.assert_array_equal(jax.vmap(jax.grad(cosine))(x), -sine(x))
    np.testing.assert_array_equal(jax.vmap(jax.grad(jax.grad(sine)))(x), -sine(x))
    tangent = jax.jvp(sine, (x,), (2 * jnp.ones_like(x),))[1]
    np.testing.assert_array_equal(tangent, 2 * cosine(x))


def test_what_is_no_number_stays_none() -> None:
    assert np.isnan(sine(jnp.float32(jnp.nan)))
    assert np.isnan(cosine(jnp.float32(jnp.inf)))


def test_zero_has_an_exact_sine() -> None:
    assert sine(jnp.float32(0)) == 0
    assert cosine(jnp.float32(0)) == 1
