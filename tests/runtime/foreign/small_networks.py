"""Small networks with all structures that couple channels, with numbers drawn from a seed."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from lab.runtime.bridge.exported import convert
from lab.runtime.bridge.torchvision_schemas import declare
from lab.runtime.foreign.graph import Conversion

declare()

from torchvision import models  # noqa: E402 - declared first
from torchvision.models import convnext, efficientnet, mobilenetv2, resnet  # noqa: E402


def image(size: int = 32) -> dict[str, torch.Tensor]:
    return {"x": torch.randn(2, 3, size, size, generator=torch.Generator().manual_seed(1))}


def basic_resnet() -> nn.Module:
    return resnet.ResNet(resnet.BasicBlock, [1, 1, 1, 1], num_classes=10)


def bottleneck_resnet() -> nn.Module:
    return resnet.ResNet(resnet.Bottleneck, [1, 1, 1, 1], num_classes=10)


def resnext() -> nn.Module:
    return resnet.ResNet(
        resnet.Bottleneck, [1, 1, 1, 1], num_classes=10, groups=4, width_per_group=4
    )


def mobilenet() -> nn.Module:
    setting = [[1, 8, 1, 1], [4, 16, 2, 2]]
    return mobilenetv2.MobileNetV2(10, inverted_residual_setting=setting, round_nearest=4)


def densenet() -> nn.Module:
    return models.DenseNet(4, (2, 2), 8, bn_size=2, num_classes=10)


class Flattening(nn.Module):
    """Convolutions, then linear maps of the flattened images, as in VGG."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 6, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, padding=1), nn.ReLU()
        )
        self.classifier = nn.Sequential(nn.Linear(8 * 49, 12), nn.ReLU(), nn.Linear(12, 5))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(torch.flatten(self.features(x), 1))


class GroupNormed(nn.Module):
    """Group norm, a transposed convolution and a gate."""

    def __init__(self) -> None:
        super().__init__()
        self.begin, self.norm = nn.Conv2d(3, 12, 3), nn.GroupNorm(4, 12)
        self.up, self.gate = nn.ConvTranspose2d(12, 8, 2, stride=2), nn.Conv2d(4, 4, 1)
        self.head = nn.Linear(4, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = nn.functional.glu(self.up(torch.relu(self.norm(self.begin(x)))), dim=1)
        return self.head((x * torch.sigmoid(self.gate(x))).mean((2, 3)))


class PaddedShortcut(nn.Module):
    """A residual block that halves the map, its shortcut between channels of zeros (option A)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)
        self.conv2, self.bn2 = nn.Conv2d(4, 8, 3, 2, 1, bias=False), nn.BatchNorm2d(8)
        self.linear = nn.Linear(8, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.bn1(self.conv1(x)))
        shortcut = nn.functional.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 2, 2))
        return self.linear(torch.relu(self.bn2(self.conv2(x)) + shortcut).mean((2, 3)))


def squeezing() -> nn.Module:
    blocks = [
        efficientnet.MBConvConfig(1, 3, 1, 16, 8, 1, 1, 1),
        efficientnet.MBConvConfig(4, 3, 2, 8, 16, 2, 1, 1),
    ]
    return efficientnet.EfficientNet(blocks, 0.1, num_classes=10)


def convnext_like() -> nn.Module:
    blocks = [convnext.CNBlockConfig(8, 16, 1), convnext.CNBlockConfig(16, None, 1)]
    return convnext.ConvNeXt(blocks, num_classes=10)


def vision_transformer() -> nn.Module:
    return models.VisionTransformer(32, 8, 2, 4, 16, 32, num_classes=10)


def swin() -> nn.Module:
    return models.SwinTransformer([2, 2], 8, [2, 2], [2, 4], [4, 4], num_classes=10)


def shuffling() -> nn.Module:
    return models.ShuffleNetV2([1, 1, 1], [8, 16, 32, 64, 64], num_classes=10)


def text() -> dict[str, torch.Tensor]:
    ids = torch.randint(1, 50, (2, 12), generator=torch.Generator().manual_seed(1))
    return {"input_ids": ids, "attention_mask": torch.ones_like(ids)}


def bert() -> nn.Module:
    from transformers import BertConfig, BertForSequenceClassification

    config = BertConfig(
        vocab_size=64,
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=24,
        max_position_embeddings=16,
    )
    return BertForSequenceClassification(config)


def gpt2() -> nn.Module:
    from transformers import GPT2Config, GPT2ForSequenceClassification

    tokens = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 1}
    config = GPT2Config(
        vocab_size=64, n_positions=16, n_embd=16, n_layer=2, n_head=4, use_cache=False, **tokens
    )
    return GPT2ForSequenceClassification(config)


NETWORKS: Mapping[str, tuple[Callable[[], nn.Module], Callable[[], dict[str, torch.Tensor]]]] = {
    "basic_resnet": (basic_resnet, image),
    "bottleneck_resnet": (bottleneck_resnet, image),
    "resnext": (resnext, image),
    "mobilenet": (mobilenet, image),
    "densenet": (densenet, image),
    "flattening": (Flattening, lambda: image(16)),
    "group_normed": (GroupNormed, lambda: image(8)),
    "padded_shortcut": (PaddedShortcut, lambda: image(8)),
    "squeezing": (squeezing, image),
    "convnext": (convnext_like, image),
    "vision_transformer": (vision_transformer, image),
    "swin": (swin, image),
    "shuffling": (shuffling, image),
    "bert": (bert, text),
    "gpt2": (gpt2, text),
}


class Drawn:
    """A network, its conversion, and its state as arrays; every number drawn, none at its start."""

    def __init__(self, name: str) -> None:
        make, inputs = NETWORKS[name]
        torch.manual_seed(0)
        self.module, examples = make(), inputs()
        _draw(self.module)
        named = dict(zip(_arguments(self.module), examples.values(), strict=False))
        examples = examples if "input_ids" in examples else named
        self.conversion: Conversion = convert(self.module, examples, about={})
        self.inputs: dict[str, Any] = {
            n: np.asarray(v.numpy(), np.int32 if v.dtype == torch.int64 else np.float32)
            for n, v in examples.items()
        }

    @property
    def state(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        found = {name: values.detach().numpy() for name, values in self.module.state_dict().items()}
        made = self.conversion
        return {n: found[n] for n in made.parameters}, {n: found[n] for n in made.buffers}


def _arguments(module: nn.Module) -> list[str]:
    import inspect

    return list(inspect.signature(module.forward).parameters)


def _draw(module: nn.Module) -> None:
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for values in module.parameters():
            values.add_(torch.randn(values.shape, generator=rng) * 0.05)
        for name, values in module.named_buffers():
            if name.endswith("running_mean"):
                values.copy_(torch.randn(values.shape, generator=rng) * 0.3)
            elif name.endswith("running_var"):
                values.copy_(torch.rand(values.shape, generator=rng) + 0.5)
