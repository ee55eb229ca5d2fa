"""The zoo: 60 networks of torchvision, timm and transformers, chosen before the first was run.

Networks of torchvision and timm have their full depth and width; images are small where the
architecture lets them be, which leaves every operator in place. Those of transformers are of the
library's classes, with small configurations. Weights are random.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Entry:
    """A network: its library, its name there, and what it is built with.

    `size` is the side of its images, or the length of its texts. `options` are given to whatever
    builds it: the function of torchvision or timm, or the configuration of transformers.
    """

    library: str
    name: str
    size: int
    options: Mapping[str, Any] = field(default_factory=dict)


TORCHVISION = (
    Entry("torchvision", "alexnet", 64),
    Entry("torchvision", "convnext_tiny", 64),
    Entry("torchvision", "densenet121", 64),
    Entry("torchvision", "efficientnet_b0", 64),
    Entry("torchvision", "efficientnet_v2_s", 64),
    Entry("torchvision", "googlenet", 64, {"init_weights": True}),
    Entry("torchvision", "inception_v3", 96, {"init_weights": True, "aux_logits": False}),
    Entry("torchvision", "maxvit_t", 224),
    Entry("torchvision", "mnasnet0_5", 64),
    Entry("torchvision", "mobilenet_v2", 64),
    Entry("torchvision", "mobilenet_v3_large", 64),
    Entry("torchvision", "mobilenet_v3_small", 64),
    Entry("torchvision", "regnet_y_400mf", 64),
    Entry("torchvision", "resnet18", 64),
    Entry("torchvision", "resnet50", 64),
    Entry("torchvision", "resnext50_32x4d", 64),
    Entry("torchvision", "shufflenet_v2_x0_5", 64),
    Entry("torchvision", "squeezenet1_1", 64),
    Entry("torchvision", "swin_t", 64),
    Entry("torchvision", "swin_v2_t", 64),
    Entry("torchvision", "vgg11_bn", 32),
    Entry("torchvision", "vit_b_16", 64, {"image_size": 64}),
)

TIMM = (
    Entry("timm", "cait_xxs24_224", 64, {"img_size": 64}),
    Entry("timm", "convnextv2_atto", 64),
    Entry("timm", "deit_small_patch16_224", 64, {"img_size": 64}),
    Entry("timm", "deit_tiny_patch16_224", 64, {"img_size": 64}),
    Entry("timm", "edgenext_xx_small", 64),
    Entry("timm", "efficientnet_lite0", 64),
    Entry("timm", "eva02_tiny_patch14_224", 56, {"img_size": 56}),
    Entry("timm", "ghostnet_100", 64),
    Entry("timm", "levit_128s", 224),
    Entry("timm", "mixer_s32_224", 224),
    Entry("timm", "mobilenetv3_large_100", 64),
    Entry("timm", "mobilevit_xxs", 64),
    Entry("timm", "poolformer_s12", 64),
    Entry("timm", "pvt_v2_b0", 64),
    Entry("timm", "repvgg_a0", 64),
    Entry("timm", "resmlp_12_224", 224),
    Entry("timm", "resnet10t", 64),
    Entry("timm", "tf_efficientnetv2_b0", 64),
)

#: Names that most configurations of texts share.
_TEXT = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "vocab_size": 120,
}
_DECODER = {**_TEXT, "num_key_value_heads": 2, "use_cache": False}
_IMAGE = {
    "hidden_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 128,
    "image_size": 64,
}

TRANSFORMERS = (
    Entry("transformers", "AlbertForSequenceClassification", 16, {**_TEXT, "embedding_size": 32}),
    Entry("transformers", "BeitForImageClassification", 64, _IMAGE),
    Entry("transformers", "BertForSequenceClassification", 16, _TEXT),
    Entry("transformers", "CLIPTextModel", 16, {**_TEXT, "eos_token_id": 2}),
    Entry("transformers", "CLIPVisionModel", 64, {**_IMAGE, "patch_size": 16}),
    Entry("transformers", "DebertaV2ForSequenceClassification", 16, _TEXT),
    Entry("transformers", "Dinov2ForImageClassification", 56, {**_IMAGE, "image_size": 56}),
    Entry(
        "transformers",
        "DistilBertForSequenceClassification",
        16,
        {"dim": 64, "n_layers": 2, "n_heads": 4, "hidden_dim": 128, "vocab_size": 120},
    ),
    Entry("transformers", "ElectraForSequenceClassification", 16, {**_TEXT, "embedding_size": 32}),
    Entry(
        "transformers",
        "GPT2LMHeadModel",
        16,
        {"n_embd": 64, "n_layer": 2, "n_head": 4, "vocab_size": 120, "use_cache": False},
    ),
    Entry("transformers", "LlamaForCausalLM", 16, _DECODER),
    Entry("transformers", "MPNetForSequenceClassification", 16, _TEXT),
    Entry("transformers", "MobileViTForImageClassification", 64, {"image_size": 64}),
    Entry(
        "transformers",
        "OPTForCausalLM",
        16,
        {
            "hidden_size": 64,
            "word_embed_proj_dim": 64,
            "num_hidden_layers": 2,
            "num_attention_heads": 4,
            "ffn_dim": 128,
            "vocab_size": 120,
            "use_cache": False,
        },
    ),
    Entry("transformers", "Qwen2ForCausalLM", 16, _DECODER),
    Entry("transformers", "RobertaForSequenceClassification", 16, _TEXT),
    Entry("transformers", "SegformerForImageClassification", 64, {"image_size": 64}),
    Entry(
        "transformers",
        "SwinForImageClassification",
        64,
        {"image_size": 64, "embed_dim": 24, "depths": [2, 2], "num_heads": [2, 4]},
    ),
    Entry(
        "transformers",
        "T5EncoderModel",
        16,
        {
            "d_model": 64,
            "d_kv": 16,
            "d_ff": 128,
            "num_layers": 2,
            "num_heads": 4,
            "vocab_size": 120,
        },
    ),
    Entry("transformers", "ViTForImageClassification", 64, _IMAGE),
)

ZOO = (*TORCHVISION, *TIMM, *TRANSFORMERS)
