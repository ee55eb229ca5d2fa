"""What arithmetic says of components is what the components themselves do."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from lab.compiler.facts import Asking, Made, Method, Network, Source, UnknownError
from lab.runtime import registry
from lab.runtime.arithmetic import asking, find
from lab.runtime.artifact import plain, reparametrize, save, ship
from lab.runtime.model import Model
from lab.runtime.models.mlp import MLP
from lab.runtime.models.resnet20 import ResNet20
from lab.runtime.models.timm import Timm
from lab.runtime.models.vit import ViT
from lab.runtime.optimizers.adam import Adam
from lab.runtime.optimizers.adamw import AdamW
from lab.runtime.optimizers.sgd import SGD
from lab.runtime.reparameterizations.codeq import CoDeQ
from lab.runtime.reparameterizations.inwf import INWF
from lab.runtime.reparameterizations.lora import LoRA
from lab.runtime.reparameterizations.plain import Plain
from lab.runtime.reparameterizations.prune import Prune
from lab.runtime.reparameterizations.quantize import Quantize
from lab.spec.catalog import builtin_catalog
from lab.spec.components import read_components
from lab.spec.source import Source as Text

CATALOG = builtin_catalog()
KNOWN = asking(CATALOG)
BATCH = 32
MODELS = [
    ResNet20(),
    ResNet20(width=8, classes=7),
    MLP(),
    MLP(width=12, layers=1, inputs=9),
    ViT(),
    ViT(depth=2, width=24, heads=3, patch=2, size=8, channels=1, classes=3),
]
METHODS = [
    Plain(),
    Prune(sparsity=0.7),
    Prune(sparsity=0.3, storage="float16"),
    Quantize(bits=3),
    Quantize(bits=8, per="tensor", scales="float16"),
    INWF(width=8, layers=1, min_size=500),
    INWF(width=16, layers=3, encoding=None, min_size=500, storage="float32", within=("**.weight",)),
    CoDeQ(max_bits=6, exclude=("head",)),
    LoRA(rank=3, targets=("**.weight",), train=("head", "biases")),
]
#: Small, because every tensor's shape compiles anew.
NETWORKS = [MLP(width=48, layers=2), ResNet20(width=4)]


def facts(component: Any, known: Asking = KNOWN) -> Any:
    return known.of(registry.value_of(component))


def drawn(model: Model) -> tuple[dict[str, Any], dict[str, Any]]:
    """Parameters and buffers with no thought about their values."""
    params, buffers = model.shapes()
    rng = np.random.default_rng(0)
    return (
        {p: jnp.asarray(rng.normal(size=s), jnp.float32) for p, s in params.items()},
        {p: jnp.ones(s) for p, s in buffers.items()},
    )


@pytest.mark.parametrize("model", MODELS, ids=repr)
def test_shapes_are_those_of_the_network(model: Model) -> None:
    network: Network = facts(model)
    params, buffers = model.shapes()
    assert dict(network.weights) == params
    assert dict(network.buffers) == buffers


def test_a_network_of_a_library_is_known_once_it_was_converted() -> None:
    model = Timm.example()
    params, buffers = model.shapes()
    network: Network = facts(model)
    assert (dict(network.weights), dict(network.buffers)) == (params, buffers)
    assert network.parts == model.parts


def test_what_a_network_of_a_library_costs_is_what_the_native_one_does() -> None:
    """The same network as torch counts it, and as arithmetic does here."""
    foreign: Network = facts(Timm.example())
    native: Network = facts(ViT(depth=2, width=16, heads=2, size=16))
    assert foreign.macs == native.macs
    assert foreign.activations == pytest.approx(native.activations, rel=0.2)


def test_what_was_never_converted_is_unknown() -> None:
    with pytest.raises(UnknownError, match="vit_tiny_patch16_224, not converted yet"):
        facts(Timm(name="vit_tiny_patch16_224", options={"depth": 3, "embed_dim": 33}))


def test_the_published_size_of_resnet20() -> None:
    network: Network = facts(ResNet20())
    assert (network.parameters, network.macs) == (269_722, 40_551_040)


def flops(function: Callable[..., Any], *arguments: Any) -> float:
    """What XLA counts before it optimizes."""
    return jax.jit(function).lower(*arguments).cost_analysis()["flops"]


@pytest.mark.parametrize("model", [ResNet20(), MLP(width=256), ViT(depth=2)], ids=repr)
def test_multiplications_are_those_of_the_program(model: Model) -> None:
    """Within a tenth: XLA leaves out products with the zeros around a map."""
    network: Network = facts(model)
    params, buffers = drawn(model)
    images = jnp.zeros((4, *model.input_shape), jnp.uint8)
    forward = flops(lambda *a: model.apply(*a, train=False)[0], params, buffers, images)
    assert forward == pytest.approx(4 * 2 * network.macs, rel=0.1)


@pytest.mark.parametrize("model", [ResNet20(width=8), MLP(inputs=512, width=512)], ids=repr)
def test_a_step_of_training_is_three_passes_forward(model: Model) -> None:
    """Within a sixth: nothing flows back into the images."""
    network: Network = facts(model)
    params, buffers = drawn(model)
    objective = flops(
        lambda p, b, x: jax.grad(lambda p: model.apply(p, b, x, train=True)[0].sum())(p),
        params,
        buffers,
        jnp.zeros((BATCH, *model.input_shape), jnp.uint8),
    )
    assert objective == pytest.approx(BATCH * 3 * 2 * network.macs, rel=1 / 6)


@pytest.mark.parametrize(
    ("model", "method"),
    [(NETWORKS[0], method) for method in METHODS]
    + [(NETWORKS[1], one) for one in (Prune(), LoRA(rank=2))],
    ids=repr,
)
def test_numbers_and_bytes_of_a_method_are_those_it_has(
    model: Model, method: Any, tmp_path: Path
) -> None:
    network: Network = facts(model)
    found: Method = facts(method)(network)
    artifact = reparametrize(
        plain(registry.value_of(model), *drawn(model)), method, key=jax.random.key(1)
    )
    assert dict(found.taken) == dict(artifact.shapes)
    assert found.trained == sum(one.size for one in artifact.split.train.values())
    fixed = sum(one.size * one.dtype.itemsize for one in artifact.split.fixed.values())
    assert found.fixed_bytes == fixed
    made = Made(network, found)
    sizes = ship(artifact, tmp_path / "packed")
    assert 0 <= sizes.file_bytes - made.packed_bytes < 4_000, "a header"
    assert sizes.state_bytes == network.state_bytes
    save(artifact, tmp_path / "kept")
    kept = sum(path.stat().st_size for path in (tmp_path / "kept").iterdir())
    assert 0 <= kept - made.kept_bytes < 30_000, "names, shapes and the model's value"


def test_a_step_of_a_fit_is_three_passes_of_its_places() -> None:
    """Within a quarter: nothing flows back into coordinates, and features are computed too."""
    model, method, batch = MLP(width=128), INWF(width=64, layers=3, min_size=2_000), 256
    network: Network = facts(model)
    found: Method = facts(method)(network)
    artifact = reparametrize(
        plain(registry.value_of(model), *drawn(model)), method, key=jax.random.key(2)
    )
    target = {path: jnp.ones(shape) for path, shape in artifact.shapes.items()}
    objective = method.objective(dict(artifact.shapes), batch)
    train, given = objective.begin(artifact.split, target)
    counted = flops(lambda t, g: objective.gradients(t, g, key=jax.random.key(3)), train, given)
    macs = sum(found.place_macs[path] * batch for path in found.taken)
    assert counted == pytest.approx(3 * 2 * macs, rel=0.25)


@pytest.mark.parametrize(("optimizer", "kept"), [(Adam(), 2), (AdamW(), 2), (SGD(momentum=0.9), 1)])
def test_an_optimizer_keeps_as_many_numbers_as_it_says(optimizer: Any, kept: int) -> None:
    state = optimizer.transform(total_steps=3).init({"w": jnp.zeros(1000)})
    numbers = sum(np.size(part) for part in jax.tree.leaves(state))
    assert facts(optimizer) == kept
    assert numbers == pytest.approx(1000 * kept, abs=10)


@pytest.mark.parametrize("name", ["digits", "cifar10_sample"])
def test_a_data_source_has_as_many_examples_as_it_says(name: str) -> None:
    signature = CATALOG.signatures["data", name]
    made = registry.component_class(signature)(validation=100)
    source: Source = facts(made)
    found = made.load()
    assert [source.of(s) for s in ("train", "validation", "test")] == [
        len(found.split(s).labels) for s in ("train", "validation", "test")
    ]
    held = sum(a.nbytes for s in ("train", "validation", "test") for a in found.split(s))
    assert source.total_bytes == held
    assert signature.examples == source.train + source.validation


def test_everything_that_names_facts_has_them() -> None:
    named = [one for one in CATALOG.signatures.values() if one.facts]
    assert len(named) > 20
    assert all(callable(find(one)) for one in named)


def test_a_component_of_ones_own_is_never_run_to_know_its_cost() -> None:
    theirs = replace(CATALOG.signatures["model", "mlp"], module="mine")
    assert find(theirs) is None


def test_naming_facts_is_no_part_of_a_version() -> None:
    text = (
        "from lab.spec.declare import component, parameter\n"
        "@component('x', kind='model'{})\nclass X:\n    a: int = parameter(1, 'a')\n"
    )
    told = (text.format(more) for more in ("", ", facts='lab.runtime.facts.models:mlp'"))
    made = [read_components({"m": Text("m.py", one)}).catalog for one in told]
    versions = {one.signatures["model", "x"].version for one in made}
    assert len(versions) == 1
