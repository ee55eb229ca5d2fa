"""Networks of torch libraries go back to them: to PEFT, to transformers, to graphs."""

import io
import json
from pathlib import Path

import jax
import pytest
import torch
from exported_models import gap, logits_of, moved, torch_side

from lab.runtime import artifact as artifacts
from lab.runtime import registry
from lab.runtime.bridge.export import graphs, modules
from lab.runtime.bridge.export.exporting import Choices, export
from lab.runtime.bridge.export.subject import Origin, Subject
from lab.runtime.errors import NotExportable
from lab.runtime.model import Model
from lab.runtime.models.timm import Timm
from lab.runtime.models.torch import Torch
from lab.runtime.models.torchvision import Torchvision
from lab.runtime.models.transformers import Transformers
from lab.runtime.reparameterization import Reparameterization
from lab.runtime.reparameterizations.lora import LoRA
from lab.runtime.reparameterizations.quantize import Quantize

BERT = Transformers.example()
GPT2 = Transformers(
    name="gpt2",
    length=8,
    classes=3,
    options={"n_embd": 16, "n_layer": 1, "n_head": 2, "n_positions": 16, "vocab_size": 60},
)
VIT = Transformers(
    name="vit",
    task="image-classification",
    classes=3,
    options={
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
        "image_size": 32,
        "patch_size": 8,
    },
)
ATTENTION = LoRA(rank=2, targets=("**.query.weight", "**.value.weight"))


def trained(model: Model, method: Reparameterization | None) -> Subject:
    """A network through a method as a training would leave it, its head trained in full."""
    params, buffers = model.init(jax.random.key(0))
    settled = registry.value_of(model.settled(Path()))
    made = artifacts.plain(settled, moved(params, seed=1), buffers)
    if method is not None:
        made = artifacts.reparametrize(made, method, key=jax.random.key(2))
        split = made.split._replace(train=moved(made.split.train, seed=3))
        made = artifacts.Artifact(**{**vars(made), "split": split})
    given = {"name": model.name, "options": dict(model.options)}
    return Subject(made, Origin("model", model=given))


@pytest.fixture(scope="module")
def bert() -> Subject:
    """A reader of texts with adapters in its attention."""
    return trained(BERT, ATTENTION)


def test_an_adapter_goes_to_peft_with_the_head_and_without_the_base(
    bert: Subject, tmp_path: Path
) -> None:
    made = export(bert, "peft", tmp_path / "out")
    assert made.difference <= modules.TOLERANCE
    config = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert config["modules_to_save"] == ["classifier"]
    assert all(one.endswith((".query", ".value")) for one in config["target_modules"])
    assert made.bytes < made.state_bytes / 4


def test_a_folder_of_transformers_loads_by_its_auto_class(bert: Subject, tmp_path: Path) -> None:
    made = export(bert, "transformers", tmp_path / "out")
    assert made.difference <= modules.TOLERANCE
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    assert config["architectures"] == ["BertForSequenceClassification"]


def test_texts_go_through_a_graph_by_the_names_of_their_inputs(bert: Subject) -> None:
    network, batch = torch_side(bert)
    content, _ = graphs.archive(modules.compact_module(bert, network), batch.inputs)
    assert set(batch.inputs) == {"input_ids", "attention_mask", "token_type_ids"}
    found = logits_of(torch.export.load(io.BytesIO(content)).module(), batch)
    assert gap(found, bert, batch) <= modules.TOLERANCE


@pytest.mark.verify
def test_layers_that_keep_weights_transposed_go_to_peft(tmp_path: Path) -> None:
    targets = ("**.c_attn.weight", "**.c_fc.weight", "**.wte.weight")
    made = export(trained(GPT2, LoRA(rank=2, targets=targets)), "peft", tmp_path / "out")
    assert made.difference <= modules.TOLERANCE
    config = json.loads((tmp_path / "out" / "adapter_config.json").read_text())
    assert config["fan_in_fan_out"] is True


@pytest.mark.verify
def test_a_network_of_images_goes_to_peft(tmp_path: Path) -> None:
    targets = ("**.q_proj.weight", "**.v_proj.weight")
    made = export(trained(VIT, LoRA(rank=2, targets=targets)), "peft", tmp_path / "out")
    assert made.difference <= modules.TOLERANCE
    assert made.bytes < made.state_bytes / 4


@pytest.mark.verify
@pytest.mark.parametrize(
    "model", [Torchvision.example(), Timm.example(), Torch.example(), BERT, VIT], ids=repr
)
@pytest.mark.parametrize("to", ["torch", "compact", "pt2", "onnx"])
def test_networks_of_every_library_go_to_every_format(
    model: Model, to: str, tmp_path: Path
) -> None:
    made = export(trained(model, Quantize(bits=8)), to, tmp_path / "out")
    assert made.difference <= modules.TOLERANCE


@pytest.mark.verify
def test_a_network_of_a_person_needs_its_file_where_a_class_is_wanted(tmp_path: Path) -> None:
    model = trained(Torch.example(), None)
    away = Subject(model.artifact, Origin("model"))
    with pytest.raises(NotExportable, match="goes to pt2, onnx"):
        export(away, "torch", tmp_path / "out")
    made = export(away, "pt2", tmp_path / "out", Choices(shrink=True))
    assert made.difference <= modules.TOLERANCE
