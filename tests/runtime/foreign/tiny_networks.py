"""The smallest network of each family, with every structure of that family, and inputs for it."""

from collections.abc import Callable
from functools import cache
from typing import Any

import torch

from lab.runtime.bridge.exported import convert
from lab.runtime.bridge.parity import randomized
from lab.runtime.bridge.torchvision_schemas import declare
from lab.runtime.foreign.graph import Conversion

declare()

SEED = 5
SIDE, LENGTH, WORDS = 32, 8, 40


def _resnet(block: str) -> torch.nn.Module:
    from torchvision.models import resnet

    return resnet.ResNet(getattr(resnet, block), [1, 1, 1, 1], num_classes=7, width_per_group=64)


def _mobilenet_v2() -> torch.nn.Module:
    from torchvision.models import MobileNetV2

    return MobileNetV2(7, width_mult=0.25, inverted_residual_setting=[[1, 16, 1, 1], [6, 24, 2, 2]])


def _efficientnet() -> torch.nn.Module:
    from torchvision.models.efficientnet import EfficientNet, MBConvConfig

    blocks = [MBConvConfig(1, 3, 1, 16, 8, 1, 1, 1), MBConvConfig(6, 5, 2, 8, 16, 2, 1, 1)]
    return EfficientNet(blocks, dropout=0.2, stochastic_depth_prob=0.3, num_classes=7)


def _convnext() -> torch.nn.Module:
    from torchvision.models.convnext import CNBlockConfig, ConvNeXt

    return ConvNeXt([CNBlockConfig(8, 16, 1), CNBlockConfig(16, None, 1)], 0.2, num_classes=7)


def _vit() -> torch.nn.Module:
    from torchvision.models import VisionTransformer

    return VisionTransformer(SIDE, 8, 2, num_heads=2, hidden_dim=16, mlp_dim=32, num_classes=7)


def _swin() -> torch.nn.Module:
    from torchvision.models import SwinTransformer

    sizes: dict[str, Any] = {"patch_size": [2, 2], "window_size": [4, 4]}
    return SwinTransformer(embed_dim=8, depths=[2, 2], num_heads=[2, 2], num_classes=7, **sizes)


def _timm(name: str, **options: Any) -> Callable[[], torch.nn.Module]:
    def build() -> torch.nn.Module:
        import timm

        return timm.create_model(name, pretrained=False, num_classes=7, **options)

    return build


def _timm_mobilenetv3() -> torch.nn.Module:
    from timm.models._efficientnet_builder import decode_arch_def
    from timm.models.mobilenetv3 import MobileNetV3

    blocks = [["ds_r1_k3_s2_e1_c8_se0.25_nre"], ["ir_r2_k5_s2_e3_c16_se0.25"], ["cn_r1_k1_s1_c32"]]
    return MobileNetV3(
        decode_arch_def(blocks),
        num_classes=7,
        stem_size=8,
        num_features=32,
        act_layer=torch.nn.Hardswish,
    )


def _transformers(name: str, **options: Any) -> Callable[[], torch.nn.Module]:
    def build() -> torch.nn.Module:
        import transformers

        kind: Any = getattr(transformers, name)
        return kind(kind.config_class(**options))

    return build


_BERT = {
    "hidden_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 32,
}
_DISTILBERT = {"dim": 16, "n_layers": 1, "n_heads": 2, "hidden_dim": 32}
_GPT2 = {"n_embd": 16, "n_layer": 1, "n_head": 2, "use_cache": False, "bos_token_id": 0}

NETWORKS: dict[str, Callable[[], torch.nn.Module]] = {
    "torchvision ResNet of basic blocks": lambda: _resnet("BasicBlock"),
    "torchvision ResNet of bottlenecks": lambda: _resnet("Bottleneck"),
    "torchvision MobileNetV2": _mobilenet_v2,
    "torchvision EfficientNet": _efficientnet,
    "torchvision ConvNeXt": _convnext,
    "torchvision ViT": _vit,
    "torchvision Swin": _swin,
    "timm DeiT": _timm("deit_tiny_patch16_224", img_size=SIDE, depth=1, embed_dim=24),
    "timm resnet10t": _timm("resnet10t"),
    "timm MobileNetV3": _timm_mobilenetv3,
    "transformers BERT": _transformers(
        "BertForSequenceClassification", vocab_size=WORDS, num_labels=3, **_BERT
    ),
    "transformers DistilBERT": _transformers(
        "DistilBertForSequenceClassification", vocab_size=WORDS, **_DISTILBERT
    ),
    "transformers GPT-2": _transformers(
        "GPT2LMHeadModel", vocab_size=WORDS, eos_token_id=0, **_GPT2
    ),
    "transformers CLIP vision": _transformers(
        "CLIPVisionModel", image_size=SIDE, patch_size=8, **_BERT
    ),
}


def inputs_of(module: torch.nn.Module, batch: int) -> dict[str, torch.Tensor]:
    """Random inputs by keyword: images, or texts of which the last ends earlier."""
    torch.manual_seed(SEED + batch)
    main = getattr(module, "main_input_name", "x")
    if main != "input_ids":
        return {main: torch.randn(batch, 3, SIDE, SIDE)}
    mask = torch.ones(batch, LENGTH, dtype=torch.int64)
    mask[-1, LENGTH - 3 :] = 0
    return {"input_ids": torch.randint(1, WORDS, (batch, LENGTH)), "attention_mask": mask}


@cache
def converted(name: str) -> tuple[torch.nn.Module, Conversion]:
    """A network, nothing of it left at a constant, and its conversion."""
    torch.manual_seed(SEED)
    module = randomized(NETWORKS[name](), SEED)
    return module, convert(module, inputs_of(module, 2), about={"name": name})
