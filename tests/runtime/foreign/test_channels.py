"""The layer graph and what follows from it, on small networks of every structure.

The oracle of a removal is the whole network with the removed channels' weights zero in every sum.
Tolerances are relative to the largest logit: sums of fewer terms round in another order.
"""

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from small_networks import NETWORKS, Drawn, image, models

from lab.runtime.bridge.exported import convert
from lab.runtime.bridge.rebuilt import rebuilt
from lab.runtime.errors import UnsuitableSetting
from lab.runtime.foreign.bops import structured, unstructured
from lab.runtime.foreign.channels import Channels, channels
from lab.runtime.foreign.dead import liveness, without_dead
from lab.runtime.foreign.macs import costs, macs
from lab.runtime.foreign.run import compute
from lab.runtime.foreign.shrink import shrink, shrunk_conversion, spared
from lab.runtime.foreign.unit_norms import unit_norms

ROUNDING = 1e-5
#: Structures that are large to convert, and kin to one that stays in the suite.
LARGE = (
    "bert",
    "bottleneck_resnet",
    "convnext",
    "gpt2",
    "resnext",
    "shuffling",
    "swin",
    "vision_transformer",
)
STRUCTURES = [
    pytest.param(name, marks=[pytest.mark.verify] if name in LARGE else []) for name in NETWORKS
]


@cache
def drawn(name: str) -> Drawn:
    return Drawn(name)


@cache
def layers_of(name: str) -> Channels:
    return channels(drawn(name).conversion.evaluating)


def in_jax(graph, params, buffers, inputs):
    outputs, _ = jax.jit(partial(compute, graph))(params, buffers, inputs)
    return np.asarray(next(iter(outputs.values())))


def answer(graph, params, buffers, inputs):
    """What a graph answers as a torch module, which has no operator to compile."""
    with torch.no_grad():
        module = rebuilt(graph, params, buffers)
        return module(**{name: torch.from_numpy(values) for name, values in inputs.items()}).numpy()


def assert_close(one, other):
    assert np.abs(one - other).max() <= ROUNDING * np.abs(other).max()


def some(layers: Channels, seed: int) -> np.ndarray:
    """A random share of every removable group removed, at least one unit where there are two."""
    rng = np.random.default_rng(seed)
    keep = np.ones(layers.count, bool)
    for group in layers.removable():
        count = len(group.units)
        keep[rng.permutation(group.units)[: rng.integers(1, count) if count > 1 else 0]] = False
    return spared(layers, keep)


def masked(layers: Channels, params, keep):
    """Weights with those of removed channels zero, in every sum over channels."""
    found = dict(params)
    for one in layers.exits:
        units = layers.axes[one.weight][one.inputs]
        weights = np.moveaxis(np.array(found[one.weight]), one.inputs, 0)
        weights[(units >= 0) & ~keep[units]] = 0
        found[one.weight] = np.moveaxis(weights, 0, one.inputs)
    return found


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_network_without_some_channels_is_the_whole_one_with_them_masked(name):
    network, layers = drawn(name), layers_of(name)
    params, buffers = network.state
    keep = some(layers, 0)
    assert not keep.all()
    shrunk = shrink(layers, params, buffers, keep)
    narrow = answer(shrunk.graph, shrunk.params, shrunk.buffers, network.inputs)
    whole = masked(layers, params, keep)
    assert_close(narrow, answer(layers.graph, whole, buffers, network.inputs))
    assert_close(in_jax(shrunk.graph, shrunk.params, shrunk.buffers, network.inputs), narrow)
    module = rebuilt(shrunk.graph, shrunk.params, shrunk.buffers)
    assert set(module.state_dict()) == {*shrunk.params, *shrunk.buffers}


@pytest.mark.parametrize("name", STRUCTURES)
def test_both_graphs_of_a_conversion_become_narrower(name):
    network, layers = drawn(name), layers_of(name)
    params, buffers = network.state
    keep = some(layers, 2)
    shrunk = shrink(layers, params, buffers, keep)
    made = shrunk_conversion(network.conversion, keep)
    assert made.parameters == {n: values.shape for n, values in shrunk.params.items()}
    run = partial(compute, made.training)
    outputs, moved = jax.eval_shape(run, shrunk.params, shrunk.buffers, network.inputs)
    whole, _ = jax.eval_shape(
        partial(compute, network.conversion.training), params, buffers, network.inputs
    )
    assert {n: v.shape for n, v in outputs.items()} == {n: v.shape for n, v in whole.items()}
    assert {n: v.shape for n, v in moved.items()} == {n: v.shape for n, v in shrunk.buffers.items()}


def units_of(layers: Channels, name: str, axis: int) -> int:
    """How many units may be removed along an axis of a parameter."""
    return sum(unit not in layers.fixed for unit in layers.axes[name][axis].tolist())


def test_channels_of_a_residual_stream_are_removed_together():
    layers = layers_of("bottleneck_resnet")
    stream = layers.axes["layer1.0.conv3.weight"][0]
    for name, axis in (
        ("layer1.0.downsample.0.weight", 0),
        ("layer1.0.bn3.running_mean", 0),
        ("layer2.0.conv1.weight", 1),
        ("layer2.0.downsample.0.weight", 1),
    ):
        np.testing.assert_array_equal(layers.axes[name][axis], stream)
    # The stem, two inner widths and a stream for each of four stages.
    assert [len(group.units) for group in layers.removable()] == [
        64, *(64, 64, 256), *(128, 128, 512), *(256, 256, 1024), *(512, 512, 2048)
    ]  # fmt: skip


def test_depthwise_convolutions_join_what_they_are_between():
    layers = layers_of("mobilenet")
    widths = sorted(len(group.units) for group in layers.removable())
    # Stem with the first depthwise, its projection, two expansions, the stream of both, the last.
    assert widths == sorted([32, 8, 32, 16, 64, 1280])


def test_concatenated_channels_keep_their_own_places():
    layers = layers_of("densenet")
    found = layers.axes["features.denseblock1.denselayer2.norm1.weight"][0]
    first = layers.axes["features.conv0.weight"][0]
    second = layers.axes["features.denseblock1.denselayer1.conv2.weight"][0]
    np.testing.assert_array_equal(found, [*first, *second])


def test_a_flattened_channel_is_as_many_columns_as_it_has_pixels():
    layers = layers_of("flattening")
    found = layers.axes["classifier.0.weight"][1]
    np.testing.assert_array_equal(found, np.repeat(layers.axes["features.3.weight"][0], 49))


def test_padded_channels_of_a_shortcut_belong_to_the_stream_alone():
    layers = layers_of("padded_shortcut")
    stream, stem = layers.axes["conv2.weight"][0], layers.axes["conv1.weight"][0]
    np.testing.assert_array_equal(stream[2:6], stem)
    assert not set(stream[[0, 1, 6, 7]]) & set(stem)


def test_a_head_is_one_unit():
    layers = layers_of("vision_transformer")
    place = "encoder.layers.encoder_layer_0.self_attention"
    heads = layers.axes[f"{place}.in_proj_weight"][0]
    assert len(set(heads.tolist())) == 4
    np.testing.assert_array_equal(heads, np.tile(np.repeat(heads[::4][:4], 4), 3))
    np.testing.assert_array_equal(layers.axes[f"{place}.out_proj.weight"][1], heads[:16])


@pytest.mark.parametrize(
    ("name", "hidden", "stream"),
    [
        ("convnext", "features.1.0.block.3.weight", "features.0.0.weight"),
        ("vision_transformer", "encoder.layers.encoder_layer_1.mlp.0.weight", "conv_proj.weight"),
        ("swin", "features.1.0.mlp.0.weight", "features.0.0.weight"),
        ("bert", "bert.encoder.layer.0.intermediate.dense.weight", "classifier.weight"),
    ],
)
def test_hidden_units_may_go_and_what_a_layer_norm_normalizes_may_not(name, hidden, stream):
    layers = layers_of(name)
    assert units_of(layers, hidden, 0) == len(layers.axes[hidden][0])
    assert units_of(layers, stream, 0) == 0


def test_a_fixed_channel_is_refused_with_its_reason():
    layers = layers_of("vision_transformer")
    keep = np.ones(layers.count, bool)
    keep[layers.axes["conv_proj.weight"][0][0]] = False
    with pytest.raises(UnsuitableSetting, match=r"is normalized together \(layer_norm in encoder"):
        shrink(layers, *drawn("vision_transformer").state, keep)


def test_an_axis_is_never_emptied():
    layers = layers_of("flattening")
    keep = np.ones(layers.count, bool)
    keep[layers.axes["features.0.weight"][0]] = False
    with pytest.raises(UnsuitableSetting, match=r"nothing would be left of axis 0 of features\.0"):
        shrink(layers, *drawn("flattening").state, keep)
    assert (spared(layers, keep) & ~keep).sum() == 1


def test_groups_are_of_all_units_once():
    for name in ("densenet", "swin", "gpt2"):
        layers = layers_of(name)
        units = [unit for group in layers.groups() for unit in group.units]
        assert sorted(units) == sorted(set(units))
        held = {u for axes in layers.axes.values() for axis in axes for u in axis.tolist()} - {-1}
        assert set(units) == held


def weakened(network: Drawn, seed: int):
    """The state with filters, slopes and biases set to zero here and there."""
    rng = np.random.default_rng(seed)
    params, buffers = network.state
    for name, whole in params.items():
        values = np.array(whole)
        if values.ndim != 1 or rng.random() < 0.5:
            values[rng.random(len(values)) < 0.3] = 0
        elif name.endswith("bias"):
            values[rng.random(len(values)) < 0.3] *= -1
        params[name] = values
    return params, buffers


@pytest.mark.parametrize(
    "name", [one for one in STRUCTURES if one.values[0] not in ("bert", "gpt2")]
)
def test_the_network_without_its_dead_channels_gives_the_same_logits(name):
    network, layers = drawn(name), layers_of(name)
    params, buffers = weakened(network, 0)
    needed = liveness(layers, params, buffers).needed
    assert not needed.all()
    shrunk = without_dead(layers, params, buffers)
    other = {n: 3 * values + 1 for n, values in network.inputs.items()}
    for inputs in (network.inputs, other):
        whole = answer(layers.graph, params, buffers, inputs)
        assert_close(answer(shrunk.graph, shrunk.params, shrunk.buffers, inputs), whole)


def with_a_constant(layer: str, bias: float):
    """The flattening network where the first filter of a layer answers its bias alone."""
    params, buffers = drawn("flattening").state
    params = {name: np.array(values) for name, values in params.items()}
    params[f"{layer}.weight"][0] = 0
    params[f"{layer}.bias"][0] = bias
    layers = layers_of("flattening")
    return layers, params, buffers, layers.axes[f"{layer}.weight"][0][0]


def test_a_constant_that_a_relu_stops_is_dead():
    layers, params, buffers, unit = with_a_constant("features.0", -0.5)
    assert not liveness(layers, params, buffers).needed[unit]


def test_a_constant_is_needed_where_a_border_is_padded_and_it_is_said_why():
    layers, params, buffers, unit = with_a_constant("features.0", 0.5)
    found = liveness(layers, params, buffers)
    assert found.needed[unit]
    assert "at the border" in found.reasons[unit]


def test_a_constant_moves_into_the_bias_of_the_next_sum():
    layers, params, buffers, unit = with_a_constant("features.3", 0.5)
    assert not liveness(layers, params, buffers).needed[unit]
    shrunk = without_dead(layers, params, buffers)
    moved = params["classifier.0.bias"] + 0.5 * params["classifier.0.weight"][:, :49].sum(1)
    np.testing.assert_allclose(shrunk.params["classifier.0.bias"], moved, rtol=1e-5)


def test_multiplications_of_a_narrower_network_are_those_of_its_graph():
    network, layers = drawn("basic_resnet"), layers_of("basic_resnet")
    params, buffers = network.state
    shrunk = shrink(layers, params, buffers, some(layers, 0))
    by_weight = {cost.weight: cost.macs for cost in costs(shrunk.graph)}
    out, into, rows, columns = shrunk.params["conv1.weight"].shape
    assert by_weight["conv1.weight"] == out * into * rows * columns * 16 * 16
    assert macs(shrunk.graph) < macs(layers.graph)


def test_norms_of_units_are_those_of_all_weights_that_make_them():
    layers, (params, _) = layers_of("basic_resnet"), drawn("basic_resnet").state
    unit = int(layers.axes["conv1.weight"][0][3])
    made = [
        params[name][3]
        for name in params
        if name.startswith(("conv1", "bn1", "layer1.0.conv2", "layer1.0.bn2"))
    ]
    found = unit_norms(layers, {name: jnp.asarray(values) for name, values in params.items()})
    expected = np.sqrt(sum(np.square(values).sum() for values in made))
    np.testing.assert_allclose(found[unit], expected, rtol=1e-5)
    assert not found[np.array(sorted(layers.fixed))].any()


def test_norms_of_units_have_a_gradient_of_zero_at_zero():
    layers, (params, _) = layers_of("flattening"), drawn("flattening").state
    zeros = {name: jnp.zeros(values.shape) for name, values in params.items()}
    slopes = jax.grad(lambda weights: unit_norms(layers, weights).sum())(zeros)
    assert all(not values.any() for values in slopes.values())


def test_bit_operations_count_weights_that_are_not_zero():
    layers, (params, _) = layers_of("flattening"), drawn("flattening").state
    full = structured(layers.graph, {})
    assert full == macs(layers.graph) * 32 * 32
    halved = {name: np.array(values) for name, values in params.items()}
    halved["features.0.weight"][:3] = 0
    first = costs(layers.graph)[0]
    assert first.weight == "features.0.weight"
    removed = first.macs // 2 * 32 * 32
    assert unstructured(layers.graph, halved, {}) == full - removed
    eighth = structured(layers.graph, dict.fromkeys(params, 8.0), activation_bits=16)
    assert eighth == full / 8


@pytest.mark.verify
@pytest.mark.parametrize(
    ("name", "groups", "multiplications"),
    [
        # A stem, two inner widths in each of sixteen blocks, four streams.
        ("resnet50", 1 + 2 * 16 + 4, 4_089_184_256),
        # The stem with the first depthwise, sixteen expansions, seven streams, the last layer.
        ("mobilenet_v2", 1 + 16 + 7 + 1, 300_774_272),
    ],
)
def test_published_networks_have_the_groups_and_multiplications_of_their_papers(
    name, groups, multiplications
):
    graph = convert(models.get_model(name), image(224), about={}).evaluating
    assert macs(graph) == multiplications
    assert len(channels(graph).removable()) == groups
