"""Networks of libraries as models: how they are converted, kept, fed and started."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from nobody import NOBODY

from lab.runtime import registry
from lab.runtime.bridge.checkpoint import load_into
from lab.runtime.errors import MissingFile, NoNetwork, UnsuitableSetting
from lab.runtime.files import unfinished
from lab.runtime.foreign import conversions, recipes
from lab.runtime.foreign.helper import Helper
from lab.runtime.foreign.model import ForeignModel
from lab.runtime.foreign.recipes import Options, options_of
from lab.runtime.models.mobilenet import MobileNet
from lab.runtime.models.timm import Timm
from lab.runtime.models.torch import Torch
from lab.runtime.models.torchvision import Torchvision
from lab.runtime.models.transformers import Transformers

OWN = """
from torch import nn

def make(classes, width=4):
    return nn.Sequential(nn.Flatten(), nn.Linear(48, width), nn.ReLU(), nn.Linear(width, classes))
"""


@pytest.fixture
def own(tmp_path: Path) -> Torch:
    """A network of a person's own, in a folder of its own."""
    (tmp_path / "nets.py").write_text(OWN, "utf-8")
    return Torch(name="nets.py:make", size=4, classes=3).located(tmp_path)


@pytest.fixture
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache folder in which nothing is yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    conversions.conversion.cache_clear()
    yield tmp_path / "cache" / "lab" / "conversions"
    conversions.conversion.cache_clear()


def images(model: ForeignModel, count: int, seed: int) -> jnp.ndarray:
    pixels = np.random.default_rng(seed).integers(0, 256, (count, *model.input_shape), np.uint8)
    return jnp.asarray(pixels)


def asked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the helper is asked for from now on."""
    questions: list[str] = []
    ask = conversions.ask

    def noting(question: dict) -> dict:
        questions.append(question["do"])
        return ask(question)

    monkeypatch.setattr(conversions, "ask", noting)
    return questions


def test_a_network_is_converted_once_for_all_processes(
    own: Torch, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    questions = asked(monkeypatch)
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(conversions.conversion.__wrapped__, own.recipe) for _ in range(2)]
        first, second = (one.result() for one in both)
    assert first.parameters == second.parameters
    conversions.conversion(own.recipe)
    assert questions == ["convert"]
    assert len(list(empty_cache.glob("*.safetensors"))) == 1


def test_a_damaged_conversion_and_parts_of_killed_ones_are_made_anew(
    own: Torch, empty_cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = recipes.conversion_file(own.recipe)
    empty_cache.mkdir(parents=True)
    path.write_bytes(b"cut off")
    part = unfinished(path, NOBODY)
    part.write_bytes(b"of a process that is no more")
    questions = asked(monkeypatch)
    assert own.shapes()[0]["1.weight"] == (4, 48)
    assert questions == ["convert"]
    assert not part.exists()


def test_an_edit_of_the_module_is_another_conversion(own: Torch) -> None:
    before = recipes.key(own.recipe)
    Path(own.name.partition(":")[0]).write_text(OWN.replace("ReLU", "Tanh"), "utf-8")
    assert recipes.key(own.recipe) != before


def test_an_artifacts_network_needs_no_python_file(own: Torch, tmp_path: Path) -> None:
    params, buffers = own.init(jax.random.key(1))
    inputs = images(own, 2, 1)
    expected, _ = own.apply(params, buffers, inputs, train=False)
    text = json.dumps(registry.value_of(own.settled(tmp_path)))
    (tmp_path / "nets.py").unlink()
    assert str(tmp_path) not in text
    settled = registry.instantiate(json.loads(text))
    found, _ = settled.apply(params, buffers, inputs, train=False)
    np.testing.assert_array_equal(found, expected)


def test_first_weights_are_those_of_torch_at_a_seed(own: Torch) -> None:
    """Uniform within one over the root of the inputs, as `nn.Linear` draws them."""
    params, _ = own.init(jax.random.key(2))
    weight = np.asarray(params["1.weight"])
    assert np.abs(weight).max() <= 48**-0.5
    assert weight.std() == pytest.approx(48**-0.5 / 3**0.5, rel=0.15)


def test_dropout_is_each_examples_own() -> None:
    model = Torch.example()
    params, buffers = model.init(jax.random.key(3))
    inputs = jnp.concatenate([images(model, 1, 4)] * 6)
    keys = jax.random.split(jax.random.key(5), 6)
    dropped, _ = model.apply(params, buffers, inputs, train=True, keys=keys)
    kept, _ = model.apply(params, buffers, inputs, train=True)
    assert len(np.unique(np.asarray(dropped), axis=0)) > 1
    np.testing.assert_allclose(kept, jnp.broadcast_to(kept[:1], kept.shape), rtol=1e-5, atol=1e-6)


def test_statistics_of_batches_move_in_training_alone() -> None:
    model = Torch.example()
    params, buffers = model.init(jax.random.key(6))
    inputs = images(model, 5, 7)
    _, still = model.apply(params, buffers, inputs, train=False)
    _, moved = model.apply(params, buffers, inputs, train=True)
    assert all((still[name] == buffers[name]).all() for name in buffers)
    assert all((moved[name] != buffers[name]).any() for name in buffers)


def test_what_the_mask_hides_changes_nothing() -> None:
    model = Transformers.example()
    params, buffers = model.init(jax.random.key(8))
    tokens = np.random.default_rng(9).integers(5, 300, (1, model.length))
    mask, types = np.ones_like(tokens), np.zeros_like(tokens)
    mask[:, 5:] = 0
    other = tokens.copy()
    other[:, 5:] = 7
    one, two = (
        model.apply(params, buffers, jnp.asarray(np.stack([t, mask, types], 1)), train=False)[0]
        for t in (tokens, other)
    )
    np.testing.assert_allclose(one, two, rtol=1e-5, atol=1e-6)


def test_an_artifact_of_a_folder_carries_its_configuration(tmp_path: Path) -> None:
    config = {
        "model_type": "vit",
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "image_size": 8,
        "patch_size": 4,
    }
    processor = {"image_mean": [0.5, 0.5, 0.5], "image_std": [0.25, 0.25, 0.25]}
    folder = tmp_path / "net"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config), "utf-8")
    (folder / "preprocessor_config.json").write_text(json.dumps(processor), "utf-8")
    model = Transformers(name="./net", task="image-classification", classes=5)
    settled = model.settled(tmp_path)
    assert (settled.name, settled.pretrained) == ("vit", False)
    (folder / "config.json").unlink()
    again = registry.instantiate(json.loads(json.dumps(registry.value_of(settled))))
    assert again.input_shape == (8, 8, 3)
    assert again.about["mean"] == [0.5, 0.5, 0.5]
    assert again.about["deviation"] == [0.25, 0.25, 0.25]
    assert again.parts["head"] == ("classifier.**",)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (Timm(name="vit_tiny_patch16_224", options={"no_such": 1}), "no_such"),
        (Torchvision(name="vit_b_16", size=33), "cannot be"),
        (Transformers(name="bert", options={"num_attention_heads": 5}), "cannot be built so"),
        (Transformers(name="bert", task="image-classification"), "no `bert` for image"),
    ],
    ids=["option", "size", "configuration", "task"],
)
def test_what_a_library_refuses_is_said_as_it_says_it(model: ForeignModel, says: str) -> None:
    with pytest.raises(UnsuitableSetting, match=says):
        model.shapes()


def test_another_number_of_answers_than_was_asked_for_is_refused(own: Torch) -> None:
    text = OWN.replace("classes)\n", "7)\n").replace("nn.Linear(width, classes)", "nn.Linear(4, 7)")
    Path(own.name.partition(":")[0]).write_text(text, "utf-8")
    with pytest.raises(UnsuitableSetting, match="answers 7 numbers for an example, and `classes`"):
        own.shapes()


def test_data_of_another_kind_is_refused(own: Torch) -> None:
    params, buffers = own.init(jax.random.key(10))
    with pytest.raises(UnsuitableSetting, match="takes images"):
        own.apply(params, buffers, jnp.zeros((2, 64)), train=False)
    reader = Transformers.example()
    params, buffers = reader.init(jax.random.key(10))
    with pytest.raises(UnsuitableSetting, match="texts of 8 tokens"):
        reader.apply(params, buffers, jnp.zeros((2, 3, 9), jnp.int32), train=False)


def test_options_are_whole_numbers_and_truths() -> None:
    given = {"depth": 2.0, "rate": 0.5, "bias": "true"}
    assert options_of(given) == {"depth": 2, "rate": 0.5, "bias": True}
    assert hash(Options(a=1)) == hash(Options(a=1))


def test_mobilenet_has_the_published_number_of_parameters() -> None:
    params, _ = MobileNet(classes=1000, size=32).shapes()
    assert sum(int(np.prod(shape)) for shape in params.values()) == 3_504_872


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (Timm(name="deit_tiny_patch16_224", pretrained=True), "model.safetensors of timm/deit_ti"),
        (Torchvision(name="resnet18", pretrained=True), "resnet18-f37072fd.pth"),
        (Transformers(name="nobody/nothing"), 'config.json and weights into "./nobody/nothing"'),
    ],
    ids=["timm", "torchvision", "transformers"],
)
def test_published_weights_that_are_not_there_are_said_with_what_to_put_where(
    model: ForeignModel, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No host answers at these addresses, whatever the network of this machine."""
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("RES_OPTIONS", "attempts:1 timeout:1")
    helper = Helper()
    monkeypatch.setattr(conversions, "ask", helper.ask)
    with pytest.raises(NoNetwork) as caught:
        model.checkpoint()
    helper.close()
    assert says in str(caught.value)


def test_published_weights_that_are_there_are_begun_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As torchvision keeps them, for a thousand classes: all but the head is taken over."""
    torch = pytest.importorskip("torch")
    drawn, buffers = Torchvision.example().init(jax.random.key(11))
    state = {n: torch.tensor(np.asarray(a)) for n, a in {**drawn, **buffers}.items()}
    state["classifier.1.weight"] = torch.zeros(1000, 512, 1, 1)
    state["classifier.1.bias"] = torch.zeros(1000)
    kept = tmp_path / "torch" / "hub" / "checkpoints" / "squeezenet1_1-b8a52dc0.pth"
    kept.parent.mkdir(parents=True)
    torch.save(state, kept)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    helper = Helper()
    monkeypatch.setattr(conversions, "ask", helper.ask)
    model = replace(Torchvision.example(), pretrained=True)
    path = model.checkpoint()
    assert path == kept
    params, _ = load_into(model, path, key=jax.random.key(12))
    helper.close()
    head = {"classifier.1.weight", "classifier.1.bias"}
    assert all((params[n] == drawn[n]).all() for n in drawn.keys() - head)
    assert params["classifier.1.weight"].shape == (10, 512, 1, 1)
    assert np.any(np.asarray(params["classifier.1.weight"]))


def test_a_folder_that_is_not_there_is_said() -> None:
    with pytest.raises(MissingFile, match=r"there is no folder \./absent"):
        Transformers(name="./absent").shapes()


def test_models_with_equal_fields_are_equal_and_hash_alike() -> None:
    one, two = Timm.example(), replace(Timm.example())
    assert one == two
    assert hash(one) == hash(two)
