"""Writes the lists of names that `lab check` knows models by: `python -m lab.runtime.bridge.names`.

Run after a library was brought up to date; a test holds the lists against what is installed.
"""

import json
from collections.abc import Mapping
from importlib.metadata import version

from lab.runtime.bridge import torchvision_schemas
from lab.runtime.files import write_atomically
from lab.spec.known import FOLDER


def found() -> dict[str, Mapping[str, list[str]]]:
    """For each library, the names of its models that `lab` can build, and the tags of each."""
    torchvision_schemas.declare()
    return {"torchvision": _torchvision(), "timm": _timm(), "transformers": _transformers()}


def _torchvision() -> dict[str, list[str]]:
    from torchvision import models

    return {
        name: [one.name for one in models.get_model_weights(name)]
        for name in sorted(models.list_models(module=models))
    }


def _timm() -> dict[str, list[str]]:
    import timm

    tags: dict[str, list[str]] = {name: [] for name in sorted(timm.list_models())}
    for full in sorted(timm.list_pretrained()):
        name, _, tag = full.partition(".")
        if tag and name in tags:
            tags[name].append(tag)
    return tags


def _transformers() -> dict[str, list[str]]:
    """Types of models that have a bare network, or a head for one of the tasks."""
    from transformers.models.auto import modeling_auto as auto

    mappings = (
        auto.MODEL_MAPPING_NAMES,
        auto.MODEL_FOR_SEQUENCE_CLASSIFICATION_MAPPING_NAMES,
        auto.MODEL_FOR_IMAGE_CLASSIFICATION_MAPPING_NAMES,
    )
    return {name: [] for name in sorted({name for mapping in mappings for name in mapping})}


def text(library: str, names: Mapping[str, list[str]]) -> str:
    """A list as its file has it, one name a line."""
    lines = [f"  {json.dumps(name)}: {json.dumps(tags)}" for name, tags in names.items()]
    return (
        f'{{"version": {json.dumps(version(library))}, "names": {{\n' + ",\n".join(lines) + "\n}}\n"
    )


def main() -> None:
    """Write all lists."""
    FOLDER.mkdir(exist_ok=True)
    for library, names in found().items():
        write_atomically(FOLDER / f"{library}.json", text(library, names).encode())
        print(f"{library} {version(library)}: {len(names)} names")


if __name__ == "__main__":
    main()
