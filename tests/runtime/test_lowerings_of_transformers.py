"""Forms that transformers are computed in: values, gradients, maps, and one program for a shape."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import Array

from lab.runtime.lowerings.averages import weighed_average
from lab.runtime.lowerings.gelu import gelu
from lab.runtime.lowerings.standard import standardized, statistics

#: Sums of a few dozen float32 products, in another order.
TOLERANCE = 2e-5


def _plain_average(scores: Array, values: Array) -> Array:
    return jax.nn.softmax(scores, -1) @ values


def _plain_standard(x: Array) -> Array:
    centered = x - jnp.mean(x, -1, keepdims=True)
    return centered / jnp.sqrt(jnp.mean(jnp.square(centered), -1, keepdims=True) + 1e-5)


def _standard(x: Array) -> Array:
    return standardized(x, (x.ndim - 1,), 1e-5)


def _plain_gelu(x: Array) -> Array:
    return x * jax.scipy.stats.norm.cdf(x)


def _drawn(*shapes: tuple[int, ...]) -> list[Array]:
    keys = jax.random.split(jax.random.key(0), len(shapes))
    return [3 * jax.random.normal(key, shape) for key, shape in zip(keys, shapes, strict=True)]


PAIRS = {
    "averages": (weighed_average, _plain_average, _drawn((5, 2, 7, 9), (5, 2, 9, 4))),
    "gelu": (gelu, _plain_gelu, _drawn((5, 4, 30))),
    "standard": (_standard, _plain_standard, _drawn((5, 4, 30))),
}
EACH = pytest.mark.parametrize("name", sorted(PAIRS))


def _near(found: list, expected: list) -> None:
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=TOLERANCE, atol=TOLERANCE)


def _slopes(function: Callable[..., Array], given: list[Array]) -> list[Array]:
    """Gradients of a sum in which no two elements weigh the same."""

    def weighed(*given: Array) -> Array:
        found = function(*given)
        return jnp.sum(found * jnp.cos(jnp.arange(found.size)).reshape(found.shape))

    return list(jax.grad(weighed, tuple(range(len(given))))(*given))


@EACH
def test_values_and_gradients_are_those_of_the_formula(name: str):
    form, plain, given = PAIRS[name]
    _near([form(*given)], [plain(*given)])
    _near(_slopes(form, given), _slopes(plain, given))


@EACH
def test_gradients_of_gradients_are_those_of_the_formula(name: str):
    form, plain, given = PAIRS[name]

    def twice(function: Callable[..., Array]) -> list[Array]:
        return _slopes(lambda *given: _slopes(function, list(given))[0], given)

    _near(twice(form), twice(plain))


@EACH
def test_mapped_it_is_what_each_example_gives(name: str):
    form, _, given = PAIRS[name]

    def slopes(*given: Array) -> list[Array]:
        return [form(*given), *_slopes(form, list(given))]

    each = [slopes(*(one[place] for one in given)) for place in range(len(given[0]))]
    _near(jax.vmap(slopes)(*given), [jnp.stack(some) for some in zip(*each, strict=True)])


@EACH
def test_it_is_traced_once_for_a_shape(name: str):
    form, _, given = PAIRS[name]
    traced = []

    @jax.jit
    def slopes(given: list[Array]) -> list[Array]:
        traced.append(name)
        return _slopes(form, given)

    slopes(given)
    slopes([one + 1 for one in given])
    assert traced == [name]


def test_keys_that_count_for_nothing_have_no_gradient():
    scores, values = _drawn((3, 6), (6, 4))
    scores = scores.at[:, 2].set(-jnp.inf)
    in_scores, in_values = _slopes(weighed_average, [scores, values])
    assert not np.any(in_scores[:, 2])
    assert not np.any(in_values[2])
    assert np.all(np.isfinite(in_scores))


def test_values_of_half_width_are_averaged_in_full_width():
    scores, values = _drawn((3, 200), (200, 4))
    found = weighed_average(scores, values.astype(jnp.bfloat16))
    assert found.dtype == jnp.bfloat16
    expected = _plain_average(scores, values)
    # Three roundings to 8 bits: of values, of weights and of the answer.
    np.testing.assert_allclose(found.astype(jnp.float32), expected, rtol=3 * 2**-8, atol=0.05)


def test_statistics_are_a_mean_and_one_over_a_deviation():
    (x,) = _drawn((4, 30))
    mean, inverse = statistics(x, (1,), 1e-5)
    _near([(x - mean) * inverse], [_plain_standard(x)])
