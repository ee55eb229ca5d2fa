"""What conversion keeps of a module: names, ties, constants, draws; and what it refuses."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")
nn = torch.nn

from lab.runtime.bridge.exported import convert  # noqa: E402
from lab.runtime.bridge.parity import weights  # noqa: E402
from lab.runtime.errors import Unconvertible  # noqa: E402
from lab.runtime.foreign.graph import load, save  # noqa: E402
from lab.runtime.foreign.run import compute  # noqa: E402


class Tied(nn.Module):
    """Words used at both ends, a grid that is no state, and places that are."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(11, 6)
        self.out = nn.Linear(6, 11, bias=False)
        self.out.weight = self.words.weight
        self.register_buffer("grid", torch.linspace(0, 1, 4), persistent=False)
        self.register_buffer("places", torch.arange(4))

    def forward(self, mask: "torch.Tensor", words: "torch.Tensor") -> "torch.Tensor":
        x = self.words(words + self.places) * self.grid[:, None]
        return self.out(x * mask[..., None]).sum(1)


def tied_inputs(batch: int) -> dict:
    words = torch.arange(batch * 4).reshape(batch, 4) % 7
    return {"words": words, "mask": torch.ones(batch, 4)}


def test_tied_weights_are_there_once_and_constants_are_no_state():
    conversion = convert(Tied(), tied_inputs(2), about={"classes": 11})
    assert conversion.parameters == {"words.weight": (11, 6)}
    assert conversion.aliases == {"out.weight": "words.weight"}
    assert conversion.buffers == {"places": (4,)}
    assert conversion.about == {"classes": 11}
    assert {one.dtype for one in conversion.evaluating.of_kind("buffer")} == {"int32"}


def test_inputs_are_bound_by_name():
    module = Tied()
    conversion = convert(module, tied_inputs(2), about={})
    params, buffers = weights(module, conversion)
    inputs = tied_inputs(3)
    given = {name: jnp.asarray(inputs[name].numpy()) for name in ("words", "mask")}
    found, _ = jax.jit(lambda given: compute(conversion.evaluating, params, buffers, given))(given)
    np.testing.assert_allclose(found[""], module(**inputs).detach(), rtol=1e-5, atol=1e-6)


def test_a_kept_conversion_is_the_conversion(tmp_path: Path):
    conversion = convert(Tied(), tied_inputs(2), about={"size": [2, 3]})
    save(conversion, tmp_path / "kept.safetensors")
    again = load(tmp_path / "kept.safetensors")
    assert again.parameters == conversion.parameters
    assert again.about == conversion.about
    assert [one.operator for one in again.training.nodes] == [
        one.operator for one in conversion.training.nodes
    ]
    for name, values in conversion.evaluating.constants.items():
        np.testing.assert_array_equal(again.evaluating.constants[name], values)


class Sorter(nn.Module):
    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        return torch.linalg.svdvals(x)


class Chooser(nn.Module):
    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        return x[x > 0]


class Branching(nn.Module):
    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        return x if x.sum() > 0 else -x


class Fixed(nn.Module):
    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        return x + torch.ones(5, 3)


def test_an_operator_that_is_not_known_is_refused_with_the_module_that_uses_it():
    network = nn.Sequential(nn.Linear(3, 3), nn.Sequential(nn.ReLU(), Sorter()))
    with pytest.raises(Unconvertible, match=r"svd.* in 1\.1"):
        convert(network, {"input": torch.randn(2, 3, 3)}, about={})


@pytest.mark.parametrize(
    "module", [Chooser(), Branching(), Fixed()], ids=lambda m: type(m).__name__
)
def test_what_depends_on_values_or_on_one_size_of_batch_is_refused(module: "nn.Module"):
    with pytest.raises(Unconvertible, match=type(module).__name__):
        convert(module, {"x": torch.randn(2, 3)}, about={})


def test_a_module_is_left_as_it_was():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True))
    network[1].eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    convert(network, {"input": torch.randn(2, 3, 8, 8)}, about={})
    assert [part.training for part in network] == [True, False, True]
    assert network[2].inplace
    for name, value in network.state_dict().items():
        assert torch.equal(before[name], value)


def test_moved_statistics_are_the_buffers_of_a_training_graph():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    conversion = convert(network, {"input": torch.randn(2, 3, 8, 8)}, about={})
    moved = {one.target for one in conversion.training.outputs if one.kind == "buffer"}
    assert moved == {"1.running_mean", "1.running_var"} == set(conversion.buffers)
    assert {one.kind for one in conversion.evaluating.outputs} == {"user"}


@pytest.fixture(scope="module")
def dropping() -> tuple:
    torch.manual_seed(3)
    network = nn.Sequential(nn.Linear(6, 64), nn.Dropout(0.5), nn.ReLU(), nn.Dropout(0.25))
    conversion = convert(network, {"input": torch.randn(2, 6)}, about={})
    return conversion, *weights(network, conversion)


def test_every_example_has_its_own_draw_however_a_batch_is_cut(dropping: tuple):
    conversion, params, buffers = dropping
    x, keys = jnp.ones((6, 6)), jax.random.split(jax.random.key(3), 6)

    def answer(rows: slice) -> jax.Array:
        given = {"input": x[rows]}
        return compute(conversion.training, params, buffers, given, keys=keys[rows])[0][""]

    whole = answer(slice(None))
    parts = jnp.concatenate([answer(slice(0, 4)), answer(slice(4, 6))])
    np.testing.assert_allclose(whole, parts, rtol=1e-6)
    assert len({bytes(np.asarray(row == 0)) for row in whole}) == 6


def test_without_keys_and_in_evaluation_nothing_is_dropped(dropping: tuple):
    conversion, params, buffers = dropping
    given = {"input": jnp.ones((3, 6))}
    training, _ = compute(conversion.training, params, buffers, given)
    evaluating, _ = compute(
        conversion.evaluating, params, buffers, given, keys=jax.random.split(jax.random.key(0), 3)
    )
    np.testing.assert_allclose(training[""], evaluating[""], rtol=1e-6)


def test_weights_in_half_precision_make_answers_in_it(dropping: tuple):
    conversion, params, buffers = dropping
    half = {name: value.astype(jnp.bfloat16) for name, value in params.items()}
    answer, _ = compute(conversion.evaluating, half, buffers, {"input": jnp.ones((3, 6))})
    assert answer[""].dtype == jnp.bfloat16


def test_weights_can_be_mapped_over(dropping: tuple):
    conversion, params, buffers = dropping
    many = {name: jnp.stack([value, 2 * value]) for name, value in params.items()}
    x = {"input": jnp.ones((3, 6))}
    both = jax.vmap(lambda p: compute(conversion.evaluating, p, buffers, x)[0][""])(many)
    one = compute(conversion.evaluating, params, buffers, x)[0][""]
    np.testing.assert_allclose(both[0], one, rtol=1e-6)
