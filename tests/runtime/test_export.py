"""An export as a whole: what is in its folder, what it refuses, what is left when it fails."""

import json
import re
import resource
from pathlib import Path

import numpy as np
import pytest
from exported_models import adapted, subject
from nobody import NOBODY
from safetensors.torch import load_file

from lab.runtime import registry
from lab.runtime.bridge.export import checking, compact, exporting, formats
from lab.runtime.bridge.export.exporting import Choices, export
from lab.runtime.bridge.torch_runtime import decoders
from lab.runtime.errors import NotExportable
from lab.runtime.files import unfinished
from lab.runtime.models.mlp import MLP
from lab.runtime.reparameterizations.lora import LoRA
from lab.runtime.reparameterizations.quantize import Quantize

NETWORK = MLP(width=8, layers=2, inputs=12)
FILES = {
    "torch": "model.safetensors",
    "compact": "model.safetensors",
    "pt2": "model.pt2",
    "onnx": "model.onnx",
    "peft": "adapter_model.safetensors",
}
OWN = '''
import jax.numpy as jnp

from lab.runtime.reparameterizations.plain import Plain
from lab.spec.declare import component, parameter


@component("doubled", kind="reparameterization", stage="apply")
class Doubled(Plain):
    """Weights twice as large as they are kept."""

    factor: float = parameter(2.0, "unused")

    def materialize(self, split):
        """Twice what is kept."""
        return {path: 2 * values for path, values in split.train.items()}

    def unpack(self, packed, shapes):
        """Twice what was shipped."""
        return {path: 2 * packed[path]["values"].values for path in shapes}
'''
DECODER = '''
from . import Weight


def decoder(weight: Weight):
    """Twice what was shipped."""
    return 2 * weight.own["values"]().reshape(weight.shape)
'''


@pytest.mark.parametrize("to", [name for name in FILES if name != "peft"])
def test_a_folder_has_the_model_a_card_and_a_record(to: str, tmp_path: Path) -> None:
    model = subject(NETWORK, Quantize(bits=4))
    made = export(model, to, tmp_path / "out")
    assert made.bytes == (tmp_path / "out" / FILES[to]).stat().st_size
    assert made.state_bytes == 4 * (12 * 8 + 8 + 8 * 8 + 8 + 8 * 10 + 10)
    assert made.difference <= 1e-5
    card = (tmp_path / "out" / "README.md").read_text()
    assert f"{made.bytes:,}" in card
    assert "quantize(bits: 4" in card
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    assert ("strict=True" in code) == (to == "torch")
    record = json.loads((tmp_path / "out" / "export.json").read_text())
    assert record["bytes"] == made.bytes
    assert FILES[to] in record["sha256"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    if to == "torch":
        state = load_file(tmp_path / "out" / FILES[to])
        assert all(np.array_equal(state[name], model.weights[name]) for name in state)


def test_an_adapter_has_pefts_names_and_shapes(tmp_path: Path) -> None:
    method = LoRA(rank=2, scaling="rank_stabilized")
    made = export(adapted(NETWORK, method), "peft", tmp_path / "out")
    config = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert (config["r"], config["lora_alpha"], config["use_rslora"]) == (2, 16.0, True)
    tensors = load_file(tmp_path / "out" / "adapter_model.safetensors")
    assert tensors["base_model.model.layers.0.lora_A.weight"].shape == (2, 12)
    assert tensors["base_model.model.layers.0.lora_B.weight"].shape == (8, 2)
    assert made.difference <= 1e-5
    assert (tmp_path / "out" / "base" / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("to", "said"),
    [
        ("peft", "through `quantize`, and not through `lora`"),
        ("transformers", "not by transformers"),
        ("gguf", "no format `gguf`"),
    ],
)
def test_a_format_that_does_not_fit_is_refused_with_those_that_do(
    to: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(NotExportable, match=said) as refused:
        export(subject(NETWORK, Quantize(bits=4)), to, tmp_path / "out")
    assert "goes to torch, compact, pt2, onnx" in str(refused.value)
    assert not list(tmp_path.iterdir())


def test_a_shrunk_model_goes_to_formats_without_a_class(tmp_path: Path) -> None:
    with pytest.raises(NotExportable, match="goes to pt2, onnx"):
        export(subject(NETWORK, None), "torch", tmp_path / "out", Choices(shrink=True))


def test_nothing_is_left_of_an_export_that_answers_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = subject(NETWORK, Quantize(bits=4))
    right = checking.wanted

    def wrong(*given) -> np.ndarray:
        return right(*given) * (1 + 1e-4)

    monkeypatch.setattr(checking, "wanted", wrong)
    with pytest.raises(NotExportable, match="answers otherwise"):
        export(model, "compact", tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_what_stands_in_the_place_is_replaced_only_when_asked_and_only_an_export(
    tmp_path: Path,
) -> None:
    model, place = subject(NETWORK, None), tmp_path / "out"
    place.mkdir()
    (place / "export.json").write_text("{}")
    (place / "old.bin").touch()
    with pytest.raises(NotExportable, match="--replace"):
        export(model, "compact", place)
    export(model, "compact", place, Choices(replace=True))
    assert (place / "model.safetensors").is_file()
    assert not (place / "old.bin").exists()
    other = tmp_path / "other"
    other.mkdir()
    (other / "thesis.tex").write_text("years of work")
    killed = unfinished(place, NOBODY)
    killed.mkdir()
    (killed / "model.safetensors").touch()
    export(model, "compact", place, Choices(replace=True))
    with pytest.raises(NotExportable, match="is no export"):
        export(model, "compact", other, Choices(replace=True))
    assert (other / "thesis.tex").read_text() == "years of work"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["other", "out"]


def test_nothing_is_left_where_a_file_cannot_be_written(tmp_path: Path) -> None:
    model = subject(NETWORK, Quantize(bits=4))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            export(model, "compact", tmp_path / "out")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """The file of a method of one's own, in use while the test runs."""
    path = tmp_path / "doubling.py"
    path.write_text(OWN)
    registry.use([str(path)])
    yield path
    registry.use([])


def test_a_method_of_ones_own_is_compact_where_its_decoder_stands_beside_it(
    own: Path, tmp_path: Path
) -> None:
    signature = registry.catalog().signatures["reparameterization", "doubled"]
    model = subject(NETWORK, registry.component_class(signature)())
    with pytest.raises(NotExportable, match="`doubled` has no decoder") as refused:
        export(model, "compact", tmp_path / "out")
    assert "goes to torch, pt2, onnx" in str(refused.value)
    own.with_name("doubling_torch.py").write_text(DECODER)
    export(model, "compact", tmp_path / "out")
    assert (tmp_path / "out" / compact.PACKAGE / "decoders" / "doubled.py").is_file()


def test_every_format_says_what_it_is_and_every_decoder_is_of_a_method() -> None:
    assert all(one.summary for one in formats.FORMATS.values())
    methods = {name for kind, name in registry.catalog().signatures if kind == "reparameterization"}
    files = {path.stem for path in Path(decoders.__file__).parent.glob("*.py")}
    assert files - {"__init__", "parts"} <= methods
    assert exporting.RECORD == "export.json"
