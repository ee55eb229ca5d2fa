"""A network as a graph of ATen operators: plain data, which needs no torch to be read or run.

`lab.runtime.bridge.exported` makes a graph of a torch module; `lab.runtime.foreign.run` computes it
in JAX. Parameters and buffers have the names of torch's `state_dict`. A network that behaves
otherwise in training is two graphs. The size of a batch is a symbol: whatever depends on it is
computed by nodes (`sym_size`) from the arrays that come in.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import safetensors.numpy

from lab.runtime.errors import CorruptFile
from lab.runtime.files import write_atomically

#: A size of an axis; None where it depends on the batch.
Shape = tuple[int | None, ...]
#: An argument of a node: a number, a word, None, a list of arguments, or one of the three mappings
#: `{"ref": name}` (the value of a node or an input), `{"dtype": "float32"}`, `{"float": "inf"}`.
Argument = Any


@dataclass(frozen=True)
class Input:
    """What a graph is given. `target` is a name in the state dict, a constant or a keyword."""

    name: str
    kind: Literal["parameter", "buffer", "constant", "user"]
    target: str
    shape: Shape
    dtype: str


@dataclass(frozen=True)
class Node:
    """One operator. An operator with several results has a tuple, taken apart by `getitem` nodes.

    `module` is the dotted path of the torch module that called it, for messages. `shape` and
    `dtype` are of its result, empty where that is no array.
    """

    name: str
    operator: str
    args: tuple[Argument, ...]
    kwargs: Mapping[str, Argument]
    module: str
    shape: Shape
    dtype: str


@dataclass(frozen=True)
class Output:
    """A result: what the network answers, or the new value of the buffer `target`."""

    ref: str
    kind: Literal["user", "buffer"]
    target: str


@dataclass(frozen=True)
class Graph:
    """Operators in an order in which every value is there before it is used."""

    inputs: tuple[Input, ...]
    nodes: tuple[Node, ...]
    outputs: tuple[Output, ...]
    constants: Mapping[str, np.ndarray]

    def of_kind(self, kind: str) -> tuple[Input, ...]:
        """The inputs of a kind."""
        return tuple(one for one in self.inputs if one.kind == kind)


@dataclass(frozen=True)
class Conversion:
    """A torch module, converted.

    `parameters` and `buffers` are shapes by name, each array once: `aliases` maps the other names
    of tied weights to those. Counters of batches are left out. `evaluating` and `training` are the
    two graphs. `about` are facts as JSON that whoever built the module knows (normalization,
    size of inputs, patterns of stem and head).
    """

    evaluating: Graph
    training: Graph
    parameters: Mapping[str, tuple[int, ...]]
    buffers: Mapping[str, tuple[int, ...]]
    aliases: Mapping[str, str]
    about: Mapping[str, Any]


_GRAPHS = ("evaluating", "training")
FORMAT = 1


def save(conversion: Conversion, path: Path) -> None:
    """Keep a conversion as one `.safetensors` file, constants as tensors, the rest as metadata."""
    tensors = {
        f"{which}/{name}": np.ascontiguousarray(values).reshape(np.shape(values))
        for which in _GRAPHS
        for name, values in getattr(conversion, which).constants.items()
    }
    text = {
        "format": FORMAT,
        "parameters": dict(conversion.parameters),
        "buffers": dict(conversion.buffers),
        "aliases": dict(conversion.aliases),
        "about": dict(conversion.about),
        **{which: _as_json(getattr(conversion, which)) for which in _GRAPHS},
    }
    metadata = {"conversion": json.dumps(text, separators=(",", ":"), allow_nan=False)}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, safetensors.numpy.save(tensors, metadata=metadata))


def load(path: Path) -> Conversion:
    """The conversion kept in a file. Raises `CorruptFile` where it is none of this format."""
    try:
        with safetensors.safe_open(path, framework="numpy") as file:
            text = json.loads((file.metadata() or {})["conversion"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (safetensors.SafetensorError, KeyError, ValueError, OSError) as damage:
        raise CorruptFile(f"{path} is no converted network ({damage}); delete it") from damage
    if text["format"] != FORMAT:
        raise CorruptFile(f"{path} was converted by another version of lab; delete it")
    return Conversion(
        parameters={name: tuple(shape) for name, shape in text["parameters"].items()},
        buffers={name: tuple(shape) for name, shape in text["buffers"].items()},
        aliases=text["aliases"],
        about=text["about"],
        **{which: _from_json(text[which], _constants(tensors, which)) for which in _GRAPHS},
    )


def _constants(tensors: Mapping[str, np.ndarray], which: str) -> dict[str, np.ndarray]:
    return {n.removeprefix(f"{which}/"): t for n, t in tensors.items() if n.startswith(f"{which}/")}


def _as_json(graph: Graph) -> dict[str, Any]:
    return {part: [asdict(one) for one in getattr(graph, part)] for part in _PARTS}


def _from_json(parts: Mapping[str, Any], constants: Mapping[str, np.ndarray]) -> Graph:
    return Graph(
        inputs=tuple(Input(**{**one, "shape": tuple(one["shape"])}) for one in parts["inputs"]),
        nodes=tuple(
            Node(**{**one, "shape": tuple(one["shape"]), "args": tuple(one["args"])})
            for one in parts["nodes"]
        ),
        outputs=tuple(Output(**one) for one in parts["outputs"]),
        constants=constants,
    )


_PARTS = ("inputs", "nodes", "outputs")
