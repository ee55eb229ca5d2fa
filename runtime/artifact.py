"""What a stage makes: a model whose weights are a function of the numbers kept here.

An artifact is kept in two forms. A *checkpoint* (`save`, `load`) holds every number bit for bit, so
that a later stage goes on from it. A *shipped* model (`ship`, `load_shipped`) is one packed file
(`lab.runtime.packed`), whose length is what counts and whose reader sees plain weights.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import jax
import numpy as np
import safetensors
import safetensors.numpy
from jaxtyping import Array, PRNGKeyArray

from lab.runtime import packed, registry
from lab.runtime.errors import CorruptFile, MissingFile
from lab.runtime.model import Model
from lab.runtime.reparameterization import Reparameterization, Split
from lab.spec.values import Value

TENSORS = "artifact.safetensors"
#: What the file says besides its tensors; one entry alone, since the order of several is random.
ABOUT = "artifact"
SHIPPED = "model.lab-packed"


@dataclass(frozen=True)
class Artifact:
    """A model in the middle of a method.

    `model` and `through` are resolved values (`lab.spec.values`) of the network's definition and of
    the reparameterization, None for plain weights. `split` holds the numbers of the weights that
    `through` was given, `rest` the other parameters as they are, `buffers` batch statistics.
    `shapes` are those of the weights behind `split`. `history` maps a curve's name to its values,
    `notes` a name to a number worth recording (the R² of a fit).

    Always holds: paths of materialized weights and of `rest` together are the model's parameters;
    `split` and `shapes` are empty where `through` is None; every mapping is in the order of its
    names, because files are read in any order and random draws follow the order of tensors.
    """

    model: Mapping[str, Value]
    through: Mapping[str, Value] | None
    split: Split
    rest: Mapping[str, Array]
    buffers: Mapping[str, Array]
    shapes: Mapping[str, tuple[int, ...]]
    history: Mapping[str, Sequence[float]] = field(default_factory=dict)
    notes: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in ("rest", "buffers", "shapes", "history", "notes"):
            object.__setattr__(self, name, dict(sorted(getattr(self, name).items())))
        split = Split(*(dict(sorted(part.items())) for part in self.split))
        object.__setattr__(self, "split", split)


def plain(
    model: Mapping[str, Value], params: Mapping[str, Array], buffers: Mapping[str, Array]
) -> Artifact:
    """A model whose weights are kept as they are."""
    return Artifact(
        model=model, through=None, split=Split({}, {}), rest=params, buffers=buffers, shapes={}
    )


def reparameterization(artifact: Artifact) -> Reparameterization | None:
    """What the weights go through."""
    return None if artifact.through is None else registry.instantiate(artifact.through)


def weights(artifact: Artifact) -> dict[str, Array]:
    """All parameters, as training sees them."""
    through = reparameterization(artifact)
    made = {} if through is None else through.materialize(artifact.split)
    return {**artifact.rest, **made}


def shipped_weights(artifact: Artifact) -> dict[str, Array]:
    """All parameters, as they are after shipping."""
    through = reparameterization(artifact)
    if through is None:
        return dict(artifact.rest)
    return weights(replace(artifact, split=through.rounded(artifact.split)))


def reparametrize(
    artifact: Artifact, through: Reparameterization, *, key: PRNGKeyArray
) -> Artifact:
    """The model with its weights, as they would be shipped, through another reparameterization."""
    everything = shipped_weights(artifact)
    model: Model = registry.instantiate(artifact.model)
    given = {path: everything[path] for path in through.choose(everything, model.parts)}
    return replace(
        artifact,
        through=registry.value_of(through),
        split=through.init(given, key=key),
        rest={path: values for path, values in everything.items() if path not in given},
        shapes={path: tuple(values.shape) for path, values in given.items()},
        history={},
        # Counts of the whole arm go on from stage to stage.
        notes={n: note for n, note in artifact.notes.items() if n.startswith("total_")},
    )


def save(artifact: Artifact, folder: Path) -> None:
    """Keep an artifact in a folder, bit for bit. Whoever the folder is for makes it durable."""
    groups = (artifact.split.train, artifact.split.fixed, artifact.rest, artifact.buffers)
    tensors = {
        f"{prefix}/{name}": np.ascontiguousarray(values).reshape(np.shape(values))
        for prefix, group in zip(_GROUPS, groups, strict=True)
        for name, values in group.items()
    }
    about = {
        "model": artifact.model,
        "through": artifact.through,
        "shapes": artifact.shapes,
        "history": {name: list(map(float, curve)) for name, curve in artifact.history.items()},
        "notes": {name: float(note) for name, note in artifact.notes.items()},
    }
    text = json.dumps(about, ensure_ascii=False)
    content = safetensors.numpy.save(tensors, {ABOUT: text})
    try:
        (folder / TENSORS).write_bytes(content)
    except FileNotFoundError:
        folder.mkdir(parents=True)
        (folder / TENSORS).write_bytes(content)


def load(folder: Path) -> Artifact:
    """The artifact kept in a folder. Raises `MissingFile` or `CorruptFile`."""
    try:
        content = (folder / TENSORS).read_bytes()
        tensors = safetensors.numpy.load(content)
        about = json.loads(_metadata(content)[ABOUT])
    except FileNotFoundError:
        raise MissingFile(
            f"there is no {TENSORS} in {folder}; run the stage that made it again"
        ) from None
    except (safetensors.SafetensorError, ValueError, KeyError) as damage:
        raise CorruptFile(
            f"the checkpoint in {folder} is damaged ({damage}); delete the folder and run again"
        ) from damage
    groups: dict[str, dict[str, Array]] = {prefix: {} for prefix in _GROUPS}
    for name, values in jax.device_put(tensors).items():
        prefix, _, path = name.partition("/")
        groups[prefix][path] = values
    return Artifact(
        model=about["model"],
        through=about["through"],
        split=Split(groups["train"], groups["fixed"]),
        rest=groups["rest"],
        buffers=groups["buffers"],
        shapes={name: tuple(shape) for name, shape in about["shapes"].items()},
        history=about["history"],
        notes=about["notes"],
    )


def ship(artifact: Artifact, path: Path) -> packed.Sizes:
    """Write the packed file, from which alone the model can be rebuilt, and say how large it is."""
    through = reparameterization(artifact)
    contents = packed.Contents(
        model=artifact.model,
        method=artifact.through,
        shapes=artifact.shapes,
        packed={} if through is None else through.pack(artifact.split),
        rest=_on_host(artifact.rest),
        buffers=_on_host(artifact.buffers),
    )
    return packed.write(path, contents)


def load_shipped(path: Path) -> Artifact:
    """The model rebuilt from its packed file alone: plain float32 weights."""
    contents = packed.read(path)
    params = dict(contents.rest)
    if contents.method is not None:
        through = registry.instantiate(contents.method)
        params |= through.unpack(contents.packed, contents.shapes)
    return plain(contents.model, *jax.device_put((params, dict(contents.buffers))))


def _metadata(content: bytes) -> Mapping[str, str]:
    """What a file of safetensors says besides tensors: its head is JSON, behind its length."""
    length = int.from_bytes(content[:8], "little")
    return json.loads(content[8 : 8 + length])["__metadata__"]


_GROUPS = ("train", "fixed", "rest", "buffers")


def _on_host(arrays: Mapping[str, Array]) -> dict[str, np.ndarray]:
    return {name: np.asarray(values) for name, values in arrays.items()}
