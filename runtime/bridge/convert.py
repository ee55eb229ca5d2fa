"""The process that has torch: `python -m lab.runtime.bridge.convert SECONDS`.

It reads questions from standard input, one line of JSON each, and writes an answer for each to what
was standard output at its start. It ends when its input does, or after SECONDS without a question.
`lab.runtime.foreign.helper` is the other side.
"""

import json
import os
import random
import select
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any, TextIO

import numpy as np
import safetensors.numpy
import torch

from lab.runtime.bridge.libraries import Built, build
from lab.runtime.errors import LabError
from lab.runtime.files import write_atomically
from lab.runtime.foreign import graph
from lab.runtime.foreign.graph import Conversion
from lab.runtime.foreign.recipes import Options, Recipe

#: Networks kept built between a conversion and the first weights.
_KEPT = 2


def main() -> None:
    """Answer until nobody asks any more."""
    patience = float(sys.argv[1])
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # What libraries print is no answer.
    questions = os.fdopen(os.dup(0), "rb", buffering=0)
    pending = b""
    while select.select([questions], [], [], patience)[0]:
        read = questions.read(1 << 16)
        if not read:
            return
        *lines, pending = (pending + read).split(b"\n")
        for line in lines:
            _answer(json.loads(line), answers)


def _answer(question: Mapping[str, Any], answers: TextIO) -> None:
    doing: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
        "convert": _convert,
        "draw": _draw,
        "locate": _locate,
        "read": _read,
        "try": _try,
    }
    try:
        answer = doing[question["do"]](question)
    except LabError as mistake:
        answer = {"error": type(mistake).__name__, "message": str(mistake)}
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def recipe_of(given: Mapping[str, Any]) -> Recipe:
    """The recipe of a question."""
    options = {n: tuple(v) if isinstance(v, list) else v for n, v in given["options"].items()}
    return Recipe(**{**given, "options": Options(options)})


def _convert(question: Mapping[str, Any]) -> dict[str, Any]:
    path = Path(question["path"])
    made = converted(recipe_of(question["recipe"]))
    write_atomically(path.with_suffix(".json"), json.dumps(facts_of(made)).encode())
    graph.save(made, path)
    return {}


def _draw(question: Mapping[str, Any]) -> dict[str, Any]:
    tensors = drawn(recipe_of(question["recipe"]), question["seed"])
    safetensors.numpy.save_file(tensors, question["path"])
    return {}


def _locate(question: Mapping[str, Any]) -> dict[str, Any]:
    from lab.runtime.bridge.published import locate

    return locate(recipe_of(question["recipe"]))


def _read(question: Mapping[str, Any]) -> dict[str, Any]:
    from lab.runtime.bridge.checkpoint_torch import tensors_in

    safetensors.numpy.save_file(tensors_in(Path(question["file"])), question["path"])
    return {}


def _try(question: Mapping[str, Any]) -> dict[str, Any]:
    """Whether a network converts, and what it costs, without keeping anything."""
    return dict(facts_of(converted(recipe_of(question["recipe"]))))


@lru_cache(_KEPT)
def _built(recipe: Recipe, seed: int) -> Built:
    """The network, drawn with all random generators that libraries use at a seed."""
    torch.manual_seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)
    return build(recipe)


def drawn(recipe: Recipe, seed: int) -> dict[str, np.ndarray]:
    """First parameters and buffers of a network, as its library draws them."""
    return state_of(_built(recipe, seed).module)


def converted(recipe: Recipe) -> Conversion:
    """A network's graphs, with all that is known about it."""
    from lab.runtime.bridge import exported
    from lab.runtime.bridge.counting import costs

    built = _built(recipe, 0)
    about = {**built.about, **costs(built.module, built.inputs)}
    made = exported.convert(built.module, built.inputs, about=about)
    kept = {*made.parameters, *made.buffers, *made.aliases}
    fixed = [name for name in built.module.state_dict() if name not in kept]
    return replace(made, about={**made.about, "fixed": fixed})


def facts_of(made: Conversion) -> dict[str, Any]:
    """What a plan wants to know of a network."""
    operators = {node.operator for node in made.evaluating.nodes}
    return {
        "parameters": made.parameters,
        "buffers": made.buffers,
        "is_convolution": any("convolution" in one or "conv" in one for one in operators),
        **{
            name: made.about[name]
            for name in ("macs", "activations", "stem", "head", "takes", "answers")
        },
        **{name: made.about[name] for name in ("size", "channels", "length") if name in made.about},
        "operators": len(made.evaluating.nodes),
    }


def state_of(module: torch.nn.Module) -> dict[str, np.ndarray]:
    """Floating-point parameters and buffers by name, in float32."""
    return {
        name: np.array(values.detach().to(torch.float32).numpy(), copy=True)
        for name, values in module.state_dict().items()
        if values.is_floating_point()
    }


if __name__ == "__main__":
    main()
