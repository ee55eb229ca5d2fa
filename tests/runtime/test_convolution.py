"""Convolutions are torch's: values and gradients, over strides, paddings, dilations and groups."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lab.runtime.convolution import (
    convolution,
    convolution_channels_last,
    transposed_convolution,
)
from lab.runtime.lowerings import overlapping
from lab.runtime.lowerings.geometry import Geometry
from lab.runtime.lowerings.stock import stock_channels_first

torch = pytest.importorskip("torch")

#: Sums of a few hundred products in float32, against the same in float64.
RELATIVE = 1e-5


class Case(NamedTuple):
    inputs: tuple[int, ...]
    kernel: tuple[int, ...]
    settings: dict[str, Any]


def case(inputs: tuple[int, ...], kernel: tuple[int, ...], **settings: Any) -> Case:
    return Case(inputs, kernel, settings)


FORWARD = {
    "three by three": case((2, 4, 9, 8), (6, 4, 3, 3), padding=(1, 1)),
    "strided": case((2, 4, 9, 8), (6, 4, 3, 3), padding=(1, 1), stride=(2, 2)),
    "one by one": case((2, 4, 5, 6), (3, 4, 1, 1)),
    "one by one, padded": case((2, 4, 5, 6), (3, 4, 1, 1), padding=(1, 0)),
    "one by one, strided": case((2, 4, 5, 6), (3, 4, 1, 1), stride=(2, 2)),
    "one by one, grouped": case((2, 4, 5, 6), (6, 2, 1, 1), groups=2),
    "dilated": case((2, 4, 9, 11), (6, 4, 3, 3), padding=(2, 1), dilation=(2, 3)),
    "grouped": case((2, 6, 7, 7), (9, 2, 3, 3), padding=(1, 1), groups=3),
    "depthwise": case((2, 6, 7, 7), (6, 1, 3, 3), padding=(1, 1), groups=6),
    "depthwise, strided": case((2, 6, 8, 7), (6, 1, 5, 5), padding=(2, 2), stride=(2, 2), groups=6),
    "depthwise, two for each": case((2, 3, 7, 7), (6, 1, 3, 3), padding=(1, 1), groups=3),
    "larger than the map": case((2, 4, 2, 2), (6, 4, 3, 3), padding=(1, 1)),
    "patches": case((2, 3, 16, 16), (8, 3, 4, 4), stride=(4, 4)),
    "stem": case((2, 3, 17, 17), (8, 3, 7, 7), stride=(2, 2), padding=(3, 3)),
    "remainder unseen": case((2, 3, 11, 12), (5, 3, 3, 2), stride=(4, 3)),
    "depthwise, dilated": case(
        (2, 3, 9, 9), (3, 1, 3, 3), padding=(4, 2), dilation=(2, 1), groups=3
    ),
    "depthwise, steps beyond the window": case((2, 3, 9, 8), (3, 1, 1, 2), stride=(2, 3), groups=3),
    "depthwise, remainder unseen": case((2, 3, 10, 9), (3, 1, 2, 3), stride=(3, 4), groups=3),
    "depthwise, many elements": case((1, 2, 150), (2, 1, 129), padding=(64,), groups=2),
    "grouped, one by one": case((2, 6, 5, 4), (4, 3, 1, 1), stride=(2, 1), groups=2),
    "grouped, more than are joined": case((2, 96, 4, 4), (96, 2, 3, 3), padding=(1, 1), groups=48),
    "five on four": case((2, 3, 4, 4), (5, 3, 5, 5), padding=(2, 2)),
    "side by side, remainder unseen": case((2, 3, 11, 10), (5, 3, 3, 4), stride=(3, 4)),
    "one axis": case((2, 4, 13), (6, 4, 5), stride=(2,), padding=(2,)),
    "one axis, depthwise": case((2, 4, 13), (4, 1, 4), padding=(3,), groups=4),
    "one axis, grouped": case((2, 8, 13), (8, 2, 4), padding=(2,), groups=4),
    "three axes": case((2, 3, 5, 6, 7), (4, 3, 2, 3, 3), stride=(1, 2, 2), padding=(0, 1, 1)),
    "three axes, depthwise": case((2, 4, 5, 6, 7), (4, 1, 3, 3, 3), padding=(1,), groups=4),
}

TRANSPOSED = {
    "plain": case((2, 4, 5, 6), (4, 3, 3, 3), padding=(1, 1)),
    "doubling": case((2, 4, 5, 6), (4, 3, 2, 2), stride=(2, 2)),
    "overlapping": case((2, 4, 5, 6), (4, 3, 4, 4), stride=(2, 2), padding=(1, 1)),
    "more at the end": case(
        (2, 4, 5, 6), (4, 3, 3, 3), stride=(2, 3), padding=(1, 1), output_padding=(1, 2)
    ),
    "dilated": case((2, 4, 5, 6), (4, 3, 3, 2), padding=(1, 0), dilation=(2, 2)),
    "grouped": case((2, 6, 5, 6), (6, 2, 3, 3), stride=(2, 2), padding=(1, 1), groups=3),
    "depthwise": case((2, 6, 5, 6), (6, 1, 3, 3), stride=(2, 2), groups=6),
    "one axis": case((2, 4, 7), (4, 3, 4), stride=(2,), padding=(1,)),
    "three axes": case((2, 2, 3, 4, 3), (2, 3, 2, 2, 2), stride=(2, 2, 2)),
}


def drawn(one: Case) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(7)
    inputs, kernel = random.normal(size=one.inputs), random.normal(size=one.kernel)
    return inputs.astype(np.float32), kernel.astype(np.float32)


def agrees(found: jax.Array, expected: "torch.Tensor") -> None:
    reference = expected.detach().numpy()
    assert found.shape == reference.shape
    np.testing.assert_allclose(found, reference, atol=RELATIVE * np.abs(reference).max(), rtol=0)


def spread(given: int | tuple[int, ...], axes: int) -> int | tuple[int, ...]:
    """One number for each axis, where a single one stands for all."""
    return given * axes if isinstance(given, tuple) and len(given) == 1 else given


def compare(ours: Any, theirs: Any, one: Case) -> None:
    """Values, and gradients in inputs and kernel of a sum with weights."""
    arrays = drawn(one)
    wide = [torch.tensor(a, dtype=torch.float64, requires_grad=True) for a in arrays]
    every = {k: spread(v, len(one.inputs) - 2) for k, v in one.settings.items()}
    expected = theirs(*wide, **every)
    weights = np.random.default_rng(8).normal(size=expected.shape).astype(np.float32)
    (expected * torch.tensor(weights)).sum().backward()

    def total(*arrays: jax.Array) -> tuple[jax.Array, jax.Array]:
        result = ours(*arrays, **one.settings)
        return jnp.sum(result * weights), result

    step = jax.jit(jax.value_and_grad(total, argnums=(0, 1), has_aux=True))
    (_, found), gradients = step(*map(jnp.asarray, arrays))
    agrees(found, expected)
    for gradient, leaf in zip(gradients, wide, strict=True):
        agrees(gradient, leaf.grad)


@pytest.mark.parametrize("name", FORWARD)
def test_a_convolution_and_its_gradients_are_torchs(name: str) -> None:
    one = FORWARD[name]
    theirs = getattr(torch.nn.functional, f"conv{len(one.inputs) - 2}d")
    compare(convolution, theirs, one)


@pytest.mark.parametrize("name", ["three by three", "five by five", "two by three", "grouped"])
def test_over_large_maps_the_gradients_are_torchs(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(overlapping, "LARGE", 0)
    one = {
        **FORWARD,
        "five by five": case((2, 4, 9, 8), (6, 4, 5, 5), padding=(1, 3)),
        "two by three": case((3, 4, 9, 8), (6, 4, 2, 3)),
    }[name]
    compare(convolution, torch.nn.functional.conv2d, one)


def test_a_form_for_large_maps_is_taken_there_alone() -> None:
    large = jax.ShapeDtypeStruct((8, 256, 256, 1), jnp.float32)
    plain = Geometry((1, 1), (1, 1), (1, 1))
    assert overlapping.gains(large, (3, 3), plain)
    assert not overlapping.gains(large, (7, 7), plain)
    assert not overlapping.gains(large, (3, 3), Geometry((2, 2), (1, 1), (1, 1)))
    assert not overlapping.gains(large, (3, 3), Geometry((1, 1), (1, 1), (2, 1)))
    assert not overlapping.gains(jax.ShapeDtypeStruct((8, 255, 256, 1), jnp.float32), (3, 3), plain)


@pytest.mark.parametrize("name", TRANSPOSED)
def test_a_transposed_convolution_and_its_gradients_are_torchs(name: str) -> None:
    one = TRANSPOSED[name]
    theirs = getattr(torch.nn.functional, f"conv_transpose{len(one.inputs) - 2}d")
    compare(transposed_convolution, theirs, one)


@pytest.mark.parametrize("name", FORWARD)
def test_with_channels_last_the_numbers_are_the_same(name: str) -> None:
    one = FORWARD[name]
    inputs, kernel = map(jnp.asarray, drawn(one))
    moved = jnp.moveaxis(inputs, 1, -1)
    found = jax.jit(lambda *a: convolution_channels_last(*a, **one.settings))(moved, kernel)
    expected = jax.jit(lambda *a: convolution(*a, **one.settings))(inputs, kernel)
    np.testing.assert_array_equal(jnp.moveaxis(found, -1, 1), expected)


@pytest.mark.parametrize("name", ["depthwise", "depthwise, strided", "grouped", "patches"])
def test_second_derivatives_are_those_of_the_stock_form(name: str) -> None:
    one = FORWARD[name]
    inputs, kernel = map(jnp.asarray, drawn(one))
    axes = len(one.inputs) - 2
    settings = {"stride": (1,), "padding": (0,), "dilation": (1,), **one.settings}
    groups = settings.pop("groups", 1)
    geometry = Geometry(*(spread(settings[k], axes) for k in ("stride", "padding", "dilation")))

    def slope(form: Any) -> Any:
        def total(x: jax.Array, w: jax.Array) -> jax.Array:
            return jnp.sum(jnp.sin(form(x, w)))

        def length(x: jax.Array, w: jax.Array) -> jax.Array:
            return sum(jnp.sum(g**2) for g in jax.grad(total, argnums=(0, 1))(x, w))

        return jax.jit(jax.grad(length, argnums=(0, 1)))(inputs, kernel)

    found = slope(lambda x, w: convolution(x, w, **one.settings))
    expected = slope(lambda x, w: stock_channels_first(x, w, geometry, groups=groups))
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4 * np.abs(theirs).max(), rtol=0)


@pytest.mark.parametrize("name", ["depthwise", "grouped", "one by one", "larger than the map"])
def test_over_many_kernels_at_once_the_numbers_are_those_of_each(name: str) -> None:
    one = FORWARD[name]
    inputs, kernel = map(jnp.asarray, drawn(one))
    kernels = jnp.stack([kernel, 2 * kernel, -kernel])

    def gradient(w: jax.Array) -> jax.Array:
        return jax.grad(lambda w: jnp.sum(convolution(inputs, w, **one.settings) ** 2))(w)

    together = jax.jit(jax.vmap(gradient))(kernels)
    for found, alone in zip(together, kernels, strict=True):
        expected = jax.jit(gradient)(alone)
        np.testing.assert_allclose(found, expected, atol=1e-5 * np.abs(expected).max(), rtol=0)


@pytest.mark.parametrize("name", ["depthwise", "grouped", "larger than the map"])
def test_the_same_arrays_give_the_same_bits(name: str) -> None:
    one = FORWARD[name]
    arrays = tuple(map(jnp.asarray, drawn(one)))
    step = jax.jit(lambda *a: jax.vjp(lambda *a: convolution(*a, **one.settings), *a)[1](once(*a)))

    def once(*a: jax.Array) -> jax.Array:
        return convolution(*a, **one.settings)

    for found, again in zip(step(*arrays), step(*arrays), strict=True):
        np.testing.assert_array_equal(found, again)
