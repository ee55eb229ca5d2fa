"""Networks that a person's own Python makes: `nets.py:make`.

The file is run when a study is run, as any program of that person's is, and never to check or plan.
"""

import inspect
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from lab.runtime.bridge.libraries import Built, made, of_images, of_texts, with_parts
from lab.runtime.errors import MissingFile, UnsuitableSetting
from lab.runtime.foreign.recipes import Recipe

#: Names under which a callable may take the number of classes.
_CLASSES = ("classes", "num_classes")
#: Names of a text's ids, mask and types.
TEXT_INPUTS = ("input_ids", "attention_mask", "token_type_ids")


def build(recipe: Recipe) -> Built:
    """What the callable makes, of images, or of texts where the recipe has a length."""
    file, _, called = recipe.name.rpartition(":")
    module = _imported(Path(file))
    make: Any = getattr(module, called, None)
    if not callable(make):
        raise UnsuitableSetting(f"{file} has nothing that can be called `{called}`")
    options = {name: one for name, one in recipe.options.items() if name not in _OURS}
    takes = inspect.signature(make).parameters
    options |= {name: recipe.classes for name in _CLASSES if name in takes}
    network = made(recipe, make, **options)
    if not isinstance(network, torch.nn.Module):
        found = type(network).__name__
        raise UnsuitableSetting(f"{recipe} makes a {found}, and not a torch module")
    names = list(inspect.signature(network.forward).parameters)
    if recipe.length:
        texts: list[str | None] = [name if name in names else None for name in TEXT_INPUTS]
        texts[0] = texts[0] or names[0]
        return with_parts(of_texts(network, names=texts, length=recipe.length))
    return of_images(
        network,
        name=names[0],
        size=recipe.size or 32,
        channels=int(recipe.options["channels"]),
        normalization=(recipe.options["mean"], recipe.options["deviation"]),
    )


#: Options that are about the images and not for the callable.
_OURS = ("channels", "mean", "deviation")


def _imported(file: Path) -> ModuleType:
    spec = spec_from_file_location(f"lab_person_{file.stem}", file)
    if not file.is_file() or spec is None or spec.loader is None:
        raise MissingFile(f"there is no Python file {file}")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    # Its neighbors can be imported, as when Python runs the file.
    sys.path.insert(0, str(file.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(file.parent))
    return module
