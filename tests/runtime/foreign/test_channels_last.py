"""Operators on maps with channels last answer what they answer on torch's."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lab.runtime.foreign.channels_last import FORMS, ChannelsLast, answered, as_torch
from lab.runtime.foreign.operators import OPERATORS
from lab.runtime.lowerings.geometry import Geometry
from lab.runtime.lowerings.maximum import largest

torch = pytest.importorskip("torch")

SHAPE = (2, 4, 6, 5)


def drawn(seed: int, shape: tuple[int, ...] = SHAPE) -> jax.Array:
    return jax.random.normal(jax.random.key(seed), shape)


def last(x: jax.Array) -> ChannelsLast:
    return ChannelsLast(jnp.moveaxis(x, 1, -1))


X, Y = drawn(1), drawn(2)
CHANNELS = (*(drawn(place, (4,)) for place in range(3, 6)), jnp.abs(drawn(6, (4,))) + 1)
NORM = {"training": True, "momentum": 0.1, "eps": 1e-5}

#: Operator, arrays on torch's side, and the rest by name.
CASES: list[tuple[str, list[Any], dict[str, Any]]] = [
    ("relu", [X], {}),
    ("add.Tensor", [X, Y], {"alpha": 2}),
    ("mul.Tensor", [X, drawn(3, (2, 4, 1, 1))], {}),
    ("mul.Tensor", [drawn(3, (4, 1, 1)), X], {}),
    ("add.Tensor", [X, 2.0], {}),
    ("add.Tensor", [X, drawn(3, (5,))], {}),
    ("hardtanh", [X], {"min_val": 0.0, "max_val": 6.0}),
    ("clamp", [X, None, 0.5], {}),
    ("cat", [[X, Y]], {"dim": 1}),
    ("cat", [[X, Y]], {"dim": -1}),
    ("cat", [[X, Y]], {}),
    ("chunk", [X], {"chunks": 2, "dim": 1}),
    ("slice.Tensor", [X], {"dim": 2, "start": 0, "end": 6, "step": 2}),
    ("constant_pad_nd", [X], {"pad": [0, 0, 0, 0, 1, 2], "value": 0}),
    ("constant_pad_nd", [X], {"pad": [1, 2], "value": 3}),
    ("mean.dim", [X], {"dim": [2, 3]}),
    ("mean.dim", [X], {"dim": [-1, -2], "keepdim": True}),
    ("mean.dim", [X], {"dim": [1]}),
    ("mean.dim", [X], {"dim": [0, 2]}),
    ("mean.dim", [X], {"dim": 3}),
    ("adaptive_avg_pool2d", [X], {"output_size": [1, 1]}),
    ("adaptive_avg_pool2d", [X], {"output_size": [3, 1]}),
    ("max_pool2d", [X], {"kernel_size": [3, 3], "stride": [2, 2], "padding": [1, 1]}),
    ("max_pool2d", [X], {"kernel_size": [2, 2]}),
    ("max_pool2d", [X], {"kernel_size": [2, 2], "stride": [2, 2], "ceil_mode": True}),
    ("permute", [X], {"dims": [0, 2, 3, 1]}),
    ("permute", [X], {"dims": [0, 3, 1, 2]}),
    ("permute", [X], {"dims": [1, 0, 2, 3]}),
    ("softmax.int", [X], {"dim": 1}),
    ("_native_batch_norm_legit_functional", [X, *CHANNELS], NORM),
    ("conv2d", [X, drawn(7, (3, 4, 3, 3)), drawn(8, (3,))], {"padding": [1, 1]}),
    ("conv2d", [X, drawn(7, (3, 4, 3, 3))], {"padding": "same"}),
]


@pytest.mark.parametrize("place", range(len(CASES)))
def test_an_operator_answers_the_same_for_both(place: int) -> None:
    name, given, rest = CASES[place]
    maps = [_lasts(one) if one is X or isinstance(one, list) else one for one in given]
    found = answered(name, OPERATORS[name], maps, rest)
    expected = OPERATORS[name](*given, **rest)
    for one, other in zip(_listed(found), _listed(expected), strict=True):
        np.testing.assert_allclose(as_torch(one), other, rtol=1e-5, atol=1e-5)


def _lasts(given: Any) -> Any:
    return [last(given[0]), *given[1:]] if isinstance(given, list) else last(given)


def _listed(answer: Any) -> list[Any]:
    return list(answer) if isinstance(answer, list | tuple) else [answer]


def test_every_form_is_of_an_operator_that_there_is() -> None:
    assert set(FORMS) <= set(OPERATORS)


@pytest.mark.parametrize("settings", [(3, 2, 1, 1), (2, 2, 0, 1), (3, 1, 1, 2), (2, 3, 1, 1)])
def test_the_first_of_equal_elements_has_the_gradient_as_in_torch(settings: tuple) -> None:
    window, stride, padding, dilation = settings
    random = np.random.default_rng(5)
    values = random.integers(0, 3, SHAPE).astype(np.float32)
    x = torch.tensor(values, requires_grad=True)
    expected = torch.nn.functional.max_pool2d(x, window, stride, padding, dilation)
    weights = random.normal(size=expected.shape).astype(np.float32)
    (expected * torch.tensor(weights)).sum().backward()
    geometry = Geometry(*((number,) * 2 for number in (stride, padding, dilation)))

    def total(x: jax.Array) -> tuple[jax.Array, jax.Array]:
        found = largest(jnp.moveaxis(x, 1, -1), (window,) * 2, geometry, (padding,) * 2)
        found = jnp.moveaxis(found, -1, 1)
        return jnp.sum(found * weights), found

    slope, found = jax.jit(jax.grad(total, has_aux=True))(jnp.asarray(values))
    np.testing.assert_array_equal(found, expected.detach().numpy())
    np.testing.assert_allclose(slope, x.grad.numpy(), atol=1e-6)
