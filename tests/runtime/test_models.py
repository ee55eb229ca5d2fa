"""What every model promises, found by kind, and what is known of each."""

import dataclasses
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lab.runtime import registry
from lab.runtime.artifact import load_shipped, plain, ship
from lab.runtime.convolution import convolve
from lab.runtime.model import Model
from lab.runtime.models.mlp import MLP
from lab.runtime.models.resnet20 import ResNet20

MODELS = [
    registry.component_class(s)
    for (kind, _), s in registry.catalog().signatures.items()
    if kind == "model"
]


#: Examples at once, where it does not matter: another count is another compilation.
SOME = 4


@cache
def scoring(model: Model) -> Callable[..., tuple]:
    """A model as one program: many small ones would compile for longer."""
    return jax.jit(partial(model.apply, train=False))


def scored(model: Model, params: dict, buffers: dict, inputs: jnp.ndarray) -> tuple:
    """Logits and buffers."""
    return scoring(model)(params, buffers, inputs)


def examples(model: Model, count: int, seed: int) -> jnp.ndarray:
    """Random images as bytes; random tokens with a mask and types, for a network of texts."""
    if len(model.input_shape) == 2:
        tokens = np.random.default_rng(seed).integers(0, 256, (count, model.input_shape[1]))
        planes = [tokens, np.ones_like(tokens), np.zeros_like(tokens)]
        return jnp.asarray(np.stack(planes, axis=1), jnp.int32)
    pixels = np.random.default_rng(seed).integers(0, 256, (count, *model.input_shape))
    return jnp.asarray(pixels, jnp.uint8)


@pytest.fixture(params=MODELS, ids=lambda cls: cls.component["name"])
def model(request: pytest.FixtureRequest) -> Model:
    return request.param.example()


def test_init_depends_on_the_key_alone(model: Model) -> None:
    one, again, other = (model.init(jax.random.key(k))[0] for k in (1, 1, 2))
    assert all((one[p] == again[p]).all() for p in one)
    assert any((one[p] != other[p]).any() for p in one)


def test_shapes_are_those_of_init(model: Model) -> None:
    params, buffers = model.init(jax.random.key(0))
    expected = ({p: a.shape for p, a in params.items()}, {p: a.shape for p, a in buffers.items()})
    assert model.shapes() == expected


def test_two_layers_of_one_shape_start_different(model: Model) -> None:
    params, _ = model.init(jax.random.key(3))
    kernels = [np.asarray(a) for a in params.values() if a.ndim > 1]
    pairs = [(a, b) for i, a in enumerate(kernels) for b in kernels[:i] if a.shape == b.shape]
    assert all((a != b).any() for a, b in pairs)


def test_every_parameter_is_float32(model: Model) -> None:
    params, buffers = model.init(jax.random.key(0))
    assert {a.dtype for a in (*params.values(), *buffers.values())} == {jnp.dtype("float32")}


def test_scoring_leaves_the_buffers_alone(model: Model) -> None:
    params, buffers = model.init(jax.random.key(4))
    logits, after = scored(model, params, buffers, examples(model, SOME, 4))
    assert logits.shape == (SOME, model.classes)
    assert all((after[p] == buffers[p]).all() for p in buffers)


def test_an_example_is_scored_alike_in_any_company(model: Model) -> None:
    params, buffers = model.init(jax.random.key(5))
    images = examples(model, SOME, 5)
    together, _ = scored(model, params, buffers, images)
    alone, _ = scored(model, params, buffers, images[:1])
    np.testing.assert_allclose(alone[0], together[0], rtol=1e-4, atol=1e-4)


def test_every_parameter_has_a_gradient(model: Model) -> None:
    params, buffers = model.init(jax.random.key(6))
    images = examples(model, SOME, 6)

    def loss(params: dict) -> jax.Array:
        logits, _ = model.apply(params, buffers, images, train=True)
        return jnp.sum(jax.nn.log_softmax(logits)[:, 0])

    gradients = jax.jit(jax.grad(loss))(params)
    assert all(np.isfinite(g).all() for g in gradients.values())
    idle = {p: w for p, w in params.items() if not np.any(np.asarray(gradients[p]))}
    # What has no gradient is no number that anything depends on: a softmax is blind to the bias
    # of the keys.
    moved, _ = scored(model, {**params, **{p: w + 1 for p, w in idle.items()}}, buffers, images)
    still, _ = scored(model, params, buffers, images)
    np.testing.assert_allclose(moved, still, rtol=1e-4, atol=1e-5)
    assert len(idle) <= len(params) // 10


def test_a_model_says_whether_it_has_convolutions(model: Model) -> None:
    params, buffers = model.init(jax.random.key(0))
    program = jax.make_jaxpr(lambda x: model.apply(params, buffers, x, train=False)[0])
    has_convolutions = "conv_general_dilated" in str(program(examples(model, 1, 0)))
    assert model.loops_well_on_cpu == (not has_convolutions)


def test_a_model_is_the_component_of_its_value(model: Model) -> None:
    assert registry.instantiate(registry.value_of(model)) == model


def test_a_packed_file_alone_rebuilds_the_network(model: Model, tmp_path: Path) -> None:
    params, buffers = model.init(jax.random.key(9))
    shipped = plain(registry.value_of(model.settled(tmp_path)), params, buffers)
    ship(shipped, tmp_path / "packed")
    found = load_shipped(tmp_path / "packed")
    again: Model = registry.instantiate(found.model)
    inputs = examples(model, SOME, 9)
    expected, _ = scored(model, params, buffers, inputs)
    logits, _ = scored(again, dict(found.rest), dict(found.buffers), inputs)
    np.testing.assert_array_equal(logits, expected)


def test_resnet20_has_269722_parameters() -> None:
    params, buffers = ResNet20().shapes()
    assert sum(int(np.prod(shape)) for shape in params.values()) == 269_722
    assert len(params), len(buffers) == (59, 38)


def test_resnet20_names_its_weights_as_torch_does() -> None:
    params, buffers = ResNet20().shapes()
    assert params["layer2.0.conv1.weight"] == (32, 16, 3, 3)
    assert params["linear.weight"] == (10, 64)
    assert buffers["layer3.2.bn2.running_var"] == (64,)


def test_width_scales_every_stage() -> None:
    params, _ = ResNet20(width=4, classes=7).shapes()
    assert params["conv1.weight"] == (4, 3, 3, 3)
    assert params["layer3.0.conv2.weight"] == (16, 16, 3, 3)
    assert params["linear.weight"] == (7, 16)


def test_a_perceptron_without_hidden_layers_is_linear() -> None:
    model = MLP(layers=0, inputs=4, classes=2)
    params, buffers = model.init(jax.random.key(0))
    x = jnp.eye(4)
    logits, _ = model.apply(params, buffers, x, train=False)
    np.testing.assert_allclose(logits, params["layers.0.weight"].T + params["layers.0.bias"])


def test_models_with_equal_fields_are_equal() -> None:
    assert dataclasses.replace(ResNet20(weights="a.pt"), weights=None) == ResNet20()


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "padding"), [(2, 3, 1, 1), (2, 5, 2, 2), (1, 3, 1, 1)]
)
def test_a_kernel_larger_than_the_map_convolves_as_any_other(
    size: int, kernel: int, stride: int, padding: int
) -> None:
    random = np.random.default_rng(7)
    small = jnp.asarray(random.normal(size=(2, size, size, 3)), jnp.float32)
    weights = jnp.asarray(random.normal(size=(4, 3, kernel, kernel)), jnp.float32)
    expected = jax.lax.conv_general_dilated(
        small,
        weights,
        (stride, stride),
        [(padding, padding)] * 2,
        dimension_numbers=("NHWC", "OIHW", "NHWC"),
    )
    found = convolve(small, weights, stride=stride, padding=padding)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_first_weights_have_the_variance_for_a_relu() -> None:
    params, _ = ResNet20().init(jax.random.key(8))
    weights = np.asarray(params["layer3.1.conv1.weight"])
    assert weights.var() == pytest.approx(2 / (64 * 9), rel=0.05)
    assert abs(weights.mean()) < 0.01 * weights.std()
