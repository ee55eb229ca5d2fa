"""The torch package that exports are read with: numbers, weights on demand, what it refuses."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from exported_models import gap, logits_of, subject, torch_side
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from lab.runtime.bits import to_bytes
from lab.runtime.bridge import torch_runtime
from lab.runtime.bridge.export import compact, modules
from lab.runtime.bridge.torch_runtime import BadExport
from lab.runtime.bridge.torch_runtime.stored import Stored, is_packed
from lab.runtime.models.mlp import MLP
from lab.runtime.models.resnet20 import ResNet20
from lab.runtime.models.vit import ViT
from lab.runtime.reparameterization import Stream
from lab.runtime.reparameterizations.quantize import Quantize

NETWORK = MLP(width=8, layers=2, inputs=12)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A compact file of a network in four bits."""
    model = subject(NETWORK, Quantize(bits=4))
    path = tmp_path / "model.safetensors"
    path.write_bytes(compact.content(model, torch_side(model)[0]))
    return path


@given(bits=st.integers(2, 16), count=st.integers(0, 40), seed=st.integers(0, 99))
def test_whole_numbers_of_any_width_come_back(bits: int, count: int, seed: int) -> None:
    top = 1 << (bits - 1)
    values = np.random.default_rng(seed).integers(-top, top, count).astype(np.int32)
    packed = is_packed("i", bits)
    content = to_bytes(Stream(values, bits))
    raw = np.frombuffer(content, np.uint8 if packed else f"<i{bits // 8}").copy()
    kept = Stored(torch.from_numpy(raw), kind="i", bits=bits, shape=(count,))
    assert kept().tolist() == values.tolist()
    kept.expand()
    assert kept().tolist() == values.tolist()
    assert kept.raw.dtype in (torch.int8, torch.int16)


@pytest.mark.parametrize("network", [NETWORK, ResNet20(width=2), ViT.example()], ids=repr)
def test_a_twin_in_torch_has_the_logits_of_the_native_network(network) -> None:
    model = subject(network, None)
    torch_network, batch = torch_side(model)
    found = logits_of(modules.dense_module(model, torch_network), batch)
    assert gap(found, model, batch) <= modules.TOLERANCE


def test_images_and_vectors_are_the_same_to_a_perceptron() -> None:
    module = torch_runtime.build(
        {
            "name": "mlp",
            "arguments": {"width": 4, "layers": 1, "inputs": 12, "classes": 3, "dropout": 0.0},
        }
    )
    images = torch.rand(2, 3, 2, 2)
    vectors = images.permute(0, 2, 3, 1).reshape(2, 12)
    assert torch.equal(module(images), module(vectors))


def test_weights_are_computed_once_in_cached_and_dense_after_fold(file: Path) -> None:
    module = torch_runtime.load(file)
    weight = module.layers[0].weight
    assert module.layers[0].weight is not weight
    with torch_runtime.cached():
        assert module.layers[0].weight is module.layers[0].weight
    inputs = torch.rand(3, 12)
    expected = module(inputs)
    folded = torch_runtime.fold(module)
    assert torch.equal(folded(inputs), expected)
    assert folded.layers[0].weight is folded.layers[0].weight
    assert set(folded.state_dict()) == {
        f"layers.{place}.{part}" for place in range(3) for part in ("weight", "bias")
    }


def test_a_loaded_module_keeps_codes_and_no_dense_weights(file: Path) -> None:
    state = torch_runtime.load(file).state_dict()
    codes = [v for name, v in state.items() if name.endswith("levels.raw")]
    assert len(codes) == 3
    assert {one.dtype for one in codes} == {torch.uint8}
    dense = 4 * (8 * 12 + 8 * 8 + 10 * 8)
    assert sum(v.numel() * v.element_size() for v in codes) * 8 == dense


def test_streaming_stays_in_its_budget_and_gives_the_same_logits(file: Path) -> None:
    module = torch_runtime.load(file)
    inputs = torch.rand(3, 12)
    expected = module(inputs)
    sizes = [4 * 8 * 12, 4 * 8 * 8, 4 * 10 * 8]
    with torch_runtime.streaming(module, budget=sum(sizes)) as report, torch.no_grad():
        for _ in range(2):
            assert torch.equal(module(inputs), expected)
    assert (report.hits, report.misses, report.peak_bytes) == (3, 3, sum(sizes))
    with torch_runtime.streaming(module, budget=max(sizes)) as report, torch.no_grad():
        for _ in range(2):
            assert torch.equal(module(inputs), expected)
    # A circle of uses finds the oldest gone: each weight is computed anew.
    assert report.hit_rate == 0
    assert report.peak_bytes <= max(sizes) + max(sizes[1:])


def test_streaming_ahead_finds_every_weight_on_its_way(file: Path) -> None:
    module = torch_runtime.load(file)
    inputs = torch.rand(3, 12)
    with torch_runtime.streaming(module, budget=800, prefetch=True) as report, torch.no_grad():
        first = module(inputs)
        for _ in range(3):
            assert torch.equal(module(inputs), first)
    assert report.misses == 4, "three of the first round, one before the circle is known"
    assert report.hits == 8
    with torch.no_grad():
        assert torch.equal(module(inputs), first)


def test_what_the_page_on_exports_shows_runs(file: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "export.md").read_text(encoding="utf-8")
    (code,) = (one for one in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "fold(" in one)
    names = {
        "lab_torch": torch_runtime,
        "model": torch_runtime.load(file),
        "images": torch.rand(2, 12),
    }
    with torch.no_grad():
        exec(code, names)
    assert names["logits"].shape == (2, 10)
    assert type(names["model"].layers[0].weight) is torch.nn.Parameter


def test_a_weight_that_is_computed_cannot_be_assigned_by_accident(file: Path) -> None:
    module = torch_runtime.load(file)
    with pytest.raises(BadExport, match="fold"):
        module.layers[0].weight = torch.zeros(8, 12)


def test_what_does_not_fit_a_module_is_named(file: Path) -> None:
    other = torch_runtime.build(
        {
            "name": "mlp",
            "arguments": {"width": 8, "layers": 1, "inputs": 12, "classes": 10, "dropout": 0.0},
        }
    )
    with pytest.raises(BadExport, match=r"layers\.2\.\w+ is not in the module"):
        torch_runtime.load(file, other)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 99}, "layout 99"),
        ({"method": {"component": "../evil", "args": {}}}, "no name of a method"),
        ({"method": {"component": "unheard_of", "args": {}}}, "no decoder"),
        ({"network": {"name": "os", "arguments": {}}}, "no network `os`"),
        ({"network": None}, "needs a module"),
    ],
)
def test_a_file_names_no_code_but_that_of_the_package(file: Path, change: dict, said: str) -> None:
    with torch_runtime.reading.safe_open(file, framework="pt") as opened:
        about = json.loads(opened.metadata()["lab"])
    save_file(load_file(file), file, metadata={"lab": json.dumps({**about, **change})})
    with pytest.raises(BadExport, match=said):
        torch_runtime.load(file)


def test_files_that_are_no_exports_are_refused(tmp_path: Path, file: Path) -> None:
    with pytest.raises(BadExport, match="no file"):
        torch_runtime.load(tmp_path / "gone.safetensors")
    plain = tmp_path / "plain.safetensors"
    save_file({"w": torch.zeros(2)}, plain)
    with pytest.raises(BadExport, match="plain weights"):
        torch_runtime.load(plain)
    file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(BadExport, match="damaged"):
        torch_runtime.load(file)
