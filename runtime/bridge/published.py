"""Weights that libraries publish: where they are on this machine, or fetched where they are not.

What a library's own cache holds is taken from there. Otherwise one look at whether the host answers
comes first, so that a machine without a network is told within seconds what to put where.
"""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch

from lab.runtime.bridge import torchvision_schemas
from lab.runtime.errors import NoNetwork, UnsuitableSetting
from lab.runtime.foreign.recipes import Recipe

torchvision_schemas.declare()

#: Seconds in which a host has to answer.
PATIENCE = 3
#: Files of a model on the hub that are wanted, the first of the weights that is there.
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")
_FOLDER = (
    "config.json",
    "preprocessor_config.json",
    "model*.safetensors",
    "model.safetensors.index.json",
)
#: What a hub raises where a model, a file of it or the right to it is lacking.
_REFUSALS = (OSError, ValueError, RuntimeError)


def locate(recipe: Recipe) -> dict[str, Any]:
    """The file or folder of a network's published weights. Raises `NoNetwork`."""
    finding: dict[str, Callable[[Recipe], Path]] = {
        "torchvision": _torchvision,
        "timm": _timm,
        "transformers": _transformers,
    }
    return {"path": str(finding[recipe.library](recipe))}


def _torchvision(recipe: Recipe) -> Path:
    from torchvision import models

    name, _, tag = recipe.name.partition(".")
    published = models.get_model_weights(name)
    if not list(published):
        raise UnsuitableSetting(f"torchvision publishes no weights for {name}")
    url = published[tag or "DEFAULT"].url
    return _fetched(url, what=str(recipe))


def _timm(recipe: Recipe) -> Path:
    import timm

    about = timm.get_pretrained_cfg(recipe.name)
    if about is None or not (about.hf_hub_id or about.url):
        raise UnsuitableSetting(f"timm publishes no weights for {recipe.name}")
    if not about.hf_hub_id:
        return _fetched(about.url, what=str(recipe))
    name = about.hf_hub_id
    if name.endswith("/"):
        name += f"{about.architecture}.{about.tag}" if about.tag else about.architecture
    return _on_hub(name, what=str(recipe))


def _transformers(recipe: Recipe) -> Path:
    from huggingface_hub import snapshot_download

    name = recipe.name

    def look(*, local: bool) -> str:
        return snapshot_download(name, allow_patterns=list(_FOLDER), local_files_only=local)

    folder = _kept_or_fetched(look, name, remedy=f'{_FOLDER[0]} and weights into "./{name}"')
    return Path(folder)


def _on_hub(name: str, *, what: str) -> Path:
    from huggingface_hub import hf_hub_download

    def look(*, local: bool) -> str:
        refusal: OSError | ValueError | None = None
        for file in _WEIGHTS:
            try:
                return hf_hub_download(name, file, local_files_only=local)
            except (OSError, ValueError) as error:
                refusal = refusal or error
        raise refusal or OSError(name)

    remedy = f"{_WEIGHTS[0]} of {name} beside the study, and name it with `weights:`"
    return Path(_kept_or_fetched(look, what, remedy=remedy))


def _kept_or_fetched(look: Callable[..., str], what: str, *, remedy: str) -> str:
    try:
        return look(local=True)
    except (OSError, ValueError):  # what the hub raises for what is not kept here
        pass
    hub = os.environ.get("HF_ENDPOINT", "https://huggingface.co")
    _refuse_without(hub, what=what, remedy=remedy)
    try:
        return look(local=False)
    except _REFUSALS as refusal:
        raise NoNetwork(f"{what} cannot be fetched from {hub}: {refusal}; put {remedy}") from None


def _fetched(url: str, *, what: str) -> Path:
    """A file of torch's own cache."""
    name = Path(urlsplit(url).path).name
    path = Path(torch.hub.get_dir()) / "checkpoints" / name
    if path.is_file():
        return path
    remedy = f"{name} at {path}, or beside the study and name it with `weights:`"
    _refuse_without(url, what=what, remedy=remedy)
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = name.rpartition("-")[2].partition(".")[0] if "-" in name else None
    try:
        torch.hub.download_url_to_file(url, str(path), hash_prefix=digest, progress=False)
    except _REFUSALS as refusal:
        raise NoNetwork(f"{what} cannot be fetched: {refusal}; put {remedy}") from refusal
    return path


def _refuse_without(url: str, *, what: str, remedy: str) -> None:
    """Raise where the host of an address does not answer."""
    parts = urlsplit(url)
    host, port = parts.hostname or url, parts.port or (80 if parts.scheme == "http" else 443)
    try:
        socket.create_connection((host, port), timeout=PATIENCE).close()
    except OSError as error:
        raise NoNetwork(
            f"the weights of {what} are not on this machine, and {host} does not answer "
            f"({error}): put {remedy}"
        ) from error
