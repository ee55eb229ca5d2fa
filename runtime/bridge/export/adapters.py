"""An adapter for Hugging Face PEFT, written by hand from the numbers of `lora`.

    base_model.model.<module>.lora_A.weight (r, inputs),  lora_B.weight (outputs, r)

and alpha in the configuration; a convolution's `A` is (r, inputs, rows, columns) and its `B`
(outputs, r, 1, 1). Layers that keep their weight as (inputs, outputs), GPT-2's among them, and
embeddings have the transposes. What is trained in full stands under `modules_to_save`.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import safetensors.numpy
from torch import nn

from lab.runtime import artifact as artifacts
from lab.runtime.bridge.export import compact, folders
from lab.runtime.bridge.export.modules import dense_state
from lab.runtime.bridge.export.networks import Network
from lab.runtime.bridge.export.subject import Subject, on_host
from lab.runtime.bridge.export.written import Job, Written
from lab.runtime.errors import NotExportable
from lab.runtime.nested import Nested
from lab.runtime.reparameterization import Split
from lab.runtime.reparameterizations.lora import BASE, DOWN, UP, LoRA

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
#: The folder of what the adapter was trained on.
UNDER = "base"
_WEIGHT = ".weight"
_PREFIX = "base_model.model."

Adapters = Mapping[str, tuple[np.ndarray, np.ndarray]]


def refusal(subject: Subject, network: Network) -> str | None:
    """Why a model is no adapter of PEFT's; None where it is."""
    if not isinstance(subject.method, LoRA):
        return f"the weights go through `{subject.method_name}`, and not through `lora`"
    if network.build is None:
        return "the Python file that makes the network is not here, only the network's graph"
    module = network.made()
    for path in _adapters(subject):
        why = _unlike_peft(module, path)
        if why:
            return f"{path} {why}: leave it out of `targets`"
    beside = _trained_beside_adapters(subject)
    if beside:
        return f"{beside[0]} is trained in full beside an adapter of the same layer"
    return None


def write(job: Job, folder: Path) -> Written:
    """The adapter, and the base in a folder inside."""
    method = job.subject.method
    if not isinstance(method, LoRA):
        raise NotExportable(refusal(job.subject, job.network) or "")
    module, adapters = job.network.made(), _adapters(job.subject)
    tensors = dict(_tensors(module, adapters))
    saved = _saved(job, module)
    state = dense_state(job.subject, job.network)
    for owner in saved:
        tensors |= {f"{_PREFIX}{n}": v for n, v in state.items() if n.startswith(f"{owner}.")}
    (folder / WEIGHTS).write_bytes(safetensors.numpy.save(tensors))
    config = _config(method, module, list(adapters), saved)
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    base, load = _base(job, folder)
    if job.network.own is not None:
        compact.copy_package(job.subject, folder)
    extra = ("transformers",) if job.network.auto else ("safetensors",)
    return Written(
        weights=(CONFIG, WEIGHTS),
        code=(
            "from peft import PeftModel",
            *load,
            'model = PeftModel.from_pretrained(model, ".").eval()',
            *job.network.answer,
        ),
        needs=("torch", "peft", *extra),
        base=base,
        notes=(
            f"`{UNDER}` is what the adapter was trained on: it can go where that is to be had "
            "otherwise, and the adapter's bytes do not count it.",
        ),
    )


def _adapters(subject: Subject) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """The two matrices of each adapted weight, as they are shipped."""
    method = subject.method
    if not isinstance(method, LoRA):
        return {}
    split = method.rounded(subject.artifact.split)
    numbers = on_host(Nested(method.through).numbers(split))
    paths = [name.removesuffix(DOWN) for name in numbers if name.endswith(DOWN)]
    return {path: (numbers[path + DOWN], numbers[path + UP]) for path in paths}


def _unlike_peft(module: nn.Module, path: str) -> str:
    """What keeps PEFT from adapting a weight; nothing where it can."""
    if not path.endswith(_WEIGHT):
        return "is the weight of no layer"
    owner = path.removesuffix(_WEIGHT)
    parent, layer = module.get_submodule(owner.rpartition(".")[0]), module.get_submodule(owner)
    if isinstance(parent, nn.MultiheadAttention):
        return "is inside an attention of torch's own, which PEFT does not adapt by layers"
    if isinstance(layer, nn.Conv2d):
        return "is a convolution in groups" if layer.groups > 1 else ""
    if isinstance(layer, nn.Linear | nn.Embedding) or _is_transposed(layer):
        return ""
    return f"belongs to a {type(layer).__name__}, which PEFT does not adapt"


def _is_transposed(layer: nn.Module) -> bool:
    """Whether a linear layer keeps its weight as (inputs, outputs)."""
    return type(layer).__name__ == "Conv1D"


def _trained_beside_adapters(subject: Subject) -> list[str]:
    adapted = {path.removesuffix(_WEIGHT) for path in _adapters(subject)}
    return [path for path in subject.artifact.rest if path.rpartition(".")[0] in adapted]


def _tensors(module: nn.Module, adapters: Adapters) -> Iterator[tuple[str, np.ndarray]]:
    for path, (down, up) in adapters.items():
        owner = path.removesuffix(_WEIGHT)
        layer = module.get_submodule(owner)
        if isinstance(layer, nn.Embedding):
            yield f"{_PREFIX}{owner}.lora_embedding_A", np.ascontiguousarray(up.T)
            yield f"{_PREFIX}{owner}.lora_embedding_B", np.ascontiguousarray(down.T)
        else:
            first, second = _as_peft_has(layer, down, up)
            yield f"{_PREFIX}{owner}.lora_A.weight", first
            yield f"{_PREFIX}{owner}.lora_B.weight", second


def _as_peft_has(
    layer: nn.Module, down: np.ndarray, up: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """An adapter's two matrices in the layout of a kind of layer."""
    if _is_transposed(layer):
        return np.ascontiguousarray(up.T), np.ascontiguousarray(down.T)
    if isinstance(layer, nn.Conv2d):
        return down.reshape(len(down), *layer.weight.shape[1:]), up.reshape(*up.shape, 1, 1)
    return down, up


def _saved(job: Job, module: nn.Module) -> list[str]:
    """Modules that are kept whole: trained in full, or with statistics that training moved."""
    names = (*job.subject.artifact.rest, *job.subject.buffers)
    owners = dict.fromkeys(name.rpartition(".")[0] for name in names)
    if "" in owners:
        loose = next(name for name in names if "." not in name)
        raise NotExportable(f"`peft` does not fit: {loose} is trained in full and of no layer")
    every = [name for name, _ in module.named_modules()]
    return [one for one in owners if one in every]


def _config(
    method: LoRA, module: nn.Module, paths: Sequence[str], saved: Sequence[str]
) -> dict[str, Any]:
    targets = [path.removesuffix(_WEIGHT) for path in paths]
    return {
        "peft_type": "LORA",
        "task_type": None,
        "base_model_name_or_path": UNDER,
        "inference_mode": True,
        "r": method.rank,
        "lora_alpha": method.alpha,
        "use_rslora": method.scaling == "rank_stabilized",
        "lora_dropout": method.dropout,
        "bias": "none",
        "fan_in_fan_out": any(_is_transposed(module.get_submodule(one)) for one in targets),
        "init_lora_weights": True,
        "target_modules": _exactly(targets, module),
        "modules_to_save": list(saved) or None,
    }


def _exactly(targets: Sequence[str], module: nn.Module) -> list[str] | str:
    """The layers as PEFT finds these and no others: a name is the end of a longer one too."""
    every = [name for name, _ in module.named_modules()]
    caught = {name for name in every for one in targets if name.endswith(f".{one}")}
    if not caught - set(targets):
        return sorted(targets)
    return "|".join(name.replace(".", r"\.") for name in sorted(targets))


def _base(job: Job, folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Write the base; its files, and the code that loads it."""
    job = replace(job, subject=replace(job.subject, artifact=_without(job.subject)))
    under = folder / UNDER
    under.mkdir()
    if job.network.auto:
        folders.save(job, under)
        code = (
            f"from transformers import {job.network.auto}",
            f'model = {job.network.auto}.from_pretrained("{UNDER}")',
        )
    else:
        state = dense_state(job.subject, job.network)
        (under / "model.safetensors").write_bytes(safetensors.numpy.save(state))
        code = (
            "from safetensors.torch import load_file",
            *(job.network.build or ()),
            f'model.load_state_dict(load_file("{UNDER}/model.safetensors"), strict=True)',
        )
    return tuple(sorted(f"{UNDER}/{path.name}" for path in under.iterdir())), code


def _without(subject: Subject) -> artifacts.Artifact:
    """The model without its adapters, all weights plain."""
    found = subject.artifact
    base = {n.removeprefix(BASE): v for n, v in found.split.fixed.items() if n.startswith(BASE)}
    plain = {**found.rest, **base}
    return replace(found, through=None, split=Split({}, {}), rest=plain, shapes={})
