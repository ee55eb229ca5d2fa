"""How users of torchvision, timm and transformers build a network, from the recipe of it.

The code is what a card shows; it is run when an export is written, so that what it builds is what
the weights belong to.
"""

import ast
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lab.runtime.bridge import libraries, torchvision_schemas
from lab.runtime.bridge.export.networks import Network, described
from lab.runtime.bridge.rebuilt import rebuilt
from lab.runtime.foreign.model import ForeignModel
from lab.runtime.foreign.recipes import Recipe

_LICENSES = {
    "torchvision": "The network's code is torchvision's (BSD-3-Clause).",
    "timm": "The network's code is timm's (Apache-2.0).",
    "transformers": "The network's code is transformers' (Apache-2.0).",
    "torch": "The network's code is whoever's wrote it.",
}
_AUTO = {
    "sequence-classification": "AutoModelForSequenceClassification",
    "image-classification": "AutoModelForImageClassification",
    "features": "AutoModel",
}
#: Networks of torchvision with side branches, which are left out.
_BRANCHED = ("googlenet", "inception_v3")
#: Tokens that a text network is assumed to know where nobody says how many there are.
_FEW_TOKENS = 10


def network_of_library(model: ForeignModel, origin: Mapping[str, Any]) -> Network:
    """The torch side of a network that a library builds."""
    about = dict(model.about)
    if _is_own(model):
        return _of_person(model, about, origin)
    recipe = model.recipe
    torchvision_schemas.declare()
    extra: dict[str, Any] = {}
    if recipe.library == "transformers":
        config = libraries.build(recipe).module.config
        text = config.to_json_string(use_diff=False).encode()
        extra = {"files": {"config.json": text}, "auto": _AUTO[recipe.task]}
        about |= _vocabulary(config)
    return Network(
        library=recipe.library,
        made=lambda: libraries.build(recipe).module,
        build=_build(recipe),
        answer=_answer(recipe, about),
        inputs=_inputs(model, about),
        about={"vocabulary": _FEW_TOKENS, "padding": 0, **about},
        license=_LICENSES[recipe.library],
        aliases=model.aliases,
        fixed=frozenset(model.ignored),
        **extra,
    )


def _is_own(model: ForeignModel) -> bool:
    """Whether an artifact keeps the network itself, and not how to build it."""
    return bool(getattr(model, "converted", ""))


def _of_person(model: ForeignModel, about: dict[str, Any], origin: Mapping[str, Any]) -> Network:
    """A network that a person's own Python makes: a graph of operators, and that file if known."""
    graph, zeros = model.conversion.evaluating, model.shapes()

    def made() -> nn.Module:
        params, buffers = ({n: torch.zeros(s).numpy() for n, s in one.items()} for one in zeros)
        return rebuilt(graph, params, buffers)

    return Network(
        library="torch",
        made=made,
        build=_person_code(origin, model),
        answer=(_called(_names(about)),),
        inputs=_inputs(model, about),
        about={"vocabulary": _FEW_TOKENS, "padding": 0, **about},
        license=_LICENSES["torch"],
        aliases=model.aliases,
    )


def _person_code(origin: Mapping[str, Any], model: ForeignModel) -> tuple[str, ...] | None:
    """Code that calls the person's callable, where the file is still there."""
    file, _, called = str(origin.get("name", "")).rpartition(":")
    path = Path(file)
    if not file or not path.is_file():
        return None
    takes = _parameters(path, called)
    counted = {name: model.classes for name in ("classes", "num_classes") if name in takes}
    given = {**origin.get("options", {}), **counted}
    arguments = ", ".join(f"{name}={_number(one)!r}" for name, one in given.items())
    return (
        "import sys",
        f"sys.path.append({str(path.parent)!r})  # where {path.name} stands",
        f"from {path.stem} import {called}",
        f"model = {called}({arguments})",
    )


def _parameters(path: Path, called: str) -> set[str]:
    """What a function of a file takes, or the constructor of a class; read, and not run."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef) and node.name == called:
            made = [one for one in node.body if getattr(one, "name", "") == "__init__"]
        elif isinstance(node, ast.FunctionDef) and node.name == called:
            made = [node]
        else:
            continue
        for one in made:
            if isinstance(one, ast.FunctionDef):
                found |= {each.arg for each in (*one.args.args, *one.args.kwonlyargs)}
    return found


def _number(one: Any) -> Any:
    return int(one) if isinstance(one, float) and one.is_integer() else one


def _build(recipe: Recipe) -> tuple[str, ...]:
    """Code that builds the network."""
    if recipe.library == "transformers":
        auto = _AUTO[recipe.task]
        return (
            f"from transformers import AutoConfig, {auto}",
            f'model = {auto}.from_config(AutoConfig.from_pretrained("."))',
        )
    if recipe.library == "timm":
        given = {"pretrained": False, "num_classes": recipe.classes, **recipe.options}
        size = _size(recipe, "img_size")
        return _fitting("import timm", f"timm.create_model({recipe.name!r}, ", given, size)
    name = recipe.name.partition(".")[0]
    branches = {"aux_logits": False, "init_weights": True} if name in _BRANCHED else {}
    given = {"weights": None, "num_classes": recipe.classes, **branches, **recipe.options}
    size = _size(recipe, "image_size")
    call = f"torchvision.models.get_model({name!r}, "
    return _fitting("import torchvision", call, given, size)


def _size(recipe: Recipe, name: str) -> dict[str, int]:
    """The size of its images, where the recipe has one that the options have not."""
    return {} if recipe.size is None or name in recipe.options else {name: recipe.size}


def _fitting(
    imports: str, call: str, given: Mapping[str, Any], size: Mapping[str, int]
) -> tuple[str, ...]:
    """A call with the size, where what is called takes one."""
    for extra in (size, {}) if size else ({},):
        words = ", ".join(f"{n}={v!r}" for n, v in {**given, **extra}.items())
        code = (imports, f"model = {call}{words})")
        try:
            with torch.device("meta"):
                executed(code)
        except TypeError:
            continue
        return code
    return code


def executed(code: Sequence[str]) -> dict[str, Any]:
    """What names stand for after some code of ours."""
    names: dict[str, Any] = {}
    exec("\n".join(code), names)
    return names


def _answer(recipe: Recipe, about: Mapping[str, Any]) -> tuple[str, ...]:
    """Code that computes the logits, or the features."""
    call = _called(_names(about))
    if recipe.library != "transformers":
        return (call,)
    if recipe.task != "features":
        return (f"{call}.logits",)
    hidden = f"{call.replace('logits', 'hidden', 1)}.last_hidden_state"
    if "planes" not in about:
        return (hidden, "logits = hidden.mean((2, 3)) if hidden.ndim == 4 else hidden.mean(1)")
    if about["planes"][1] is None:
        return (hidden, "logits = hidden.mean(1)")
    return (
        hidden,
        f"kept = {about['planes'][1]}[:, :, None].to(hidden.dtype)",
        "logits = (hidden * kept).sum(1) / kept.sum(1)",
    )


def _called(names: Sequence[str]) -> str:
    return f"logits = model({', '.join(f'{name}={name}' for name in names)})"


def _names(about: Mapping[str, Any]) -> list[str]:
    return [name for name in about.get("planes") or about["inputs"] if name]


def _inputs(model: ForeignModel, about: Mapping[str, Any]) -> dict[str, str]:
    """What each input is, in words."""
    if "planes" in about:
        length = about["length"]
        words = ("tokens", "1 for a token, 0 for padding", "token types")
        said = zip(about["planes"], words, strict=True)
        return {name: f"whole numbers (n, {length}): {word}" for name, word in said if name}
    return {name: described(model.input_shape, about) for name in about["inputs"]}


def _vocabulary(config: Any) -> dict[str, int]:
    """How many tokens a network knows, and the one that pads."""
    size = int(getattr(config, "vocab_size", None) or _FEW_TOKENS)
    padding = int(getattr(config, "pad_token_id", 0) or 0)
    return {"vocabulary": size, "padding": padding if padding < size else 0}
