"""A folder as transformers' `save_pretrained` writes it, which `from_pretrained` loads."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import torch

from lab.runtime.bridge.export.modules import dense_module
from lab.runtime.bridge.export.networks import Network
from lab.runtime.bridge.export.subject import Subject
from lab.runtime.bridge.export.written import Job, Written
from lab.runtime.errors import NotExportable

_WEIGHTS = "*.safetensors"
_PROCESSOR = "preprocessor_config.json"


def refusal(subject: Subject, network: Network) -> str | None:
    """Why a model is none of transformers'; None where it is."""
    del subject
    if not network.auto:
        return f"the network is built by {network.library}, and not by transformers"
    return None


def write(job: Job, folder: Path) -> Written:
    """The model with dense weights, its configuration, and how its images are normalized."""
    save(job, folder)
    auto = job.network.auto
    return Written(
        weights=tuple(sorted(path.name for path in folder.glob(_WEIGHTS))),
        code=(
            f"from transformers import {auto}",
            f'model = {auto}.from_pretrained(".").eval()',
            *job.network.answer,
        ),
        needs=("torch", "transformers"),
        notes=(
            "Weights are dense float32, whatever they were made of.",
            *(("A tokenizer is not a part of it.",) if "planes" in job.network.about else ()),
        ),
    )


def save(job: Job, folder: Path) -> None:
    """Write the folder of a model that is built by transformers."""
    from transformers.utils import logging

    logging.disable_progress_bar()
    module: Any = dense_module(job.subject, job.network)
    # The network was built to answer one array, by a class of ours above the library's.
    module.__class__ = type(module).__mro__[1]
    try:
        with torch.no_grad():
            module.save_pretrained(folder)
    except safetensors.SafetensorError as error:
        raise NotExportable(f"{folder} cannot be written: {error}") from error
    if "mean" in job.network.about:
        text = json.dumps(_processor(job.network.about), indent=2)
        (folder / _PROCESSOR).write_text(text + "\n", encoding="utf-8")


def _processor(about: Mapping[str, Any]) -> dict[str, Any]:
    size = about["size"]
    return {
        "image_processor_type": "ViTImageProcessor",
        "do_resize": True,
        "size": {"height": size, "width": size},
        "do_rescale": True,
        "rescale_factor": 1 / 255,
        "do_normalize": True,
        "image_mean": about["mean"],
        "image_std": about["deviation"],
    }
