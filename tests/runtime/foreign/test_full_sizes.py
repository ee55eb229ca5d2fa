"""Networks in the sizes that people use, with random weights: answers and a training step.

Half an hour on two cores, and 12 GB. `benches.zoo` looks at sixty more.
"""

from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from lab.runtime.bridge.exported import convert  # noqa: E402
from lab.runtime.bridge.parity import (  # noqa: E402
    TOLERANCE,
    evaluation_error,
    randomized,
    step_errors,
)
from lab.runtime.bridge.torchvision_schemas import declare  # noqa: E402

pytestmark = [
    pytest.mark.verify,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning"),
]
SEED, SIDE, LENGTH, WORDS = 17, 224, 64, 1000


def _torchvision(name: str) -> Callable[[], Any]:
    def build() -> Any:
        import torchvision

        return torchvision.models.get_model(name, weights=None)

    return build


def _timm(name: str) -> Callable[[], Any]:
    def build() -> Any:
        import timm

        return timm.create_model(name, pretrained=False)

    return build


def _transformers(name: str, **options: Any) -> Callable[[], Any]:
    def build() -> Any:
        import transformers

        kind = getattr(transformers, name)
        return kind(kind.config_class(**options))

    return build


NETWORKS = {
    **{
        f"torchvision {name}": _torchvision(name)
        for name in (
            "resnet18",
            "resnet50",
            "mobilenet_v2",
            "efficientnet_b0",
            "convnext_tiny",
            "vit_b_16",
            "swin_t",
        )
    },
    **{
        f"timm {name}": _timm(name)
        for name in (
            "deit_tiny_patch16_224",
            "deit_small_patch16_224",
            "resnet10t",
            "mobilenetv3_large_100",
        )
    },
    "BERT base": _transformers("BertForSequenceClassification"),
    "DistilBERT": _transformers("DistilBertForSequenceClassification"),
    "GPT-2 small": _transformers("GPT2LMHeadModel", use_cache=False),
    "CLIP vision": _transformers("CLIPVisionModel"),
}


def inputs_of(module: Any, batch: int) -> dict[str, Any]:
    torch.manual_seed(SEED + batch)
    main = getattr(module, "main_input_name", "x")
    if main != "input_ids":
        return {main: torch.randn(batch, 3, SIDE, SIDE)}
    mask = torch.ones(batch, LENGTH, dtype=torch.int64)
    mask[-1, LENGTH // 2 :] = 0
    return {"input_ids": torch.randint(1, WORDS, (batch, LENGTH)), "attention_mask": mask}


@pytest.mark.parametrize("name", NETWORKS)
def test_answers_and_a_training_step_are_torchs(name: str) -> None:
    declare()
    torch.manual_seed(SEED)
    module = randomized(NETWORKS[name](), SEED)
    conversion = convert(module, inputs_of(module, 2), about={})
    inputs = inputs_of(module, 3)
    found = evaluation_error(module, conversion, inputs)
    errors = step_errors(module, conversion, inputs)
    print(name, found, errors)
    assert found <= TOLERANCE
    assert errors.is_torchs, errors
