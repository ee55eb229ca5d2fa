"""Files of weights by name: `.safetensors`, torch's `.th`, `.pt`, `.pth`, `.bin`, and folders.

A folder is one as `save_pretrained` writes it: one file of weights, or several with an index that
says in which file a name is. Torch's files are read by the helper process, so that this one stays
free of torch.
"""

import importlib.util
import json
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import safetensors
import safetensors.numpy

from lab.runtime.errors import BadCheckpoint, MissingFile
from lab.runtime.foreign.helper import ask

#: Names of a folder's weights, the first that is there.
WHOLE = ("model.safetensors", "pytorch_model.bin")
INDEX = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
#: What a tensor in a safetensors file has to be to count as a weight.
_FLOATS = "fV"


def read(path: Path) -> dict[str, np.ndarray]:
    """All weights of a checkpoint by name, in float32.

    Raises `MissingFile` where there is no such file, and `BadCheckpoint` where it is damaged.
    """
    if path.is_dir():
        return _read_folder(path)
    if not path.is_file():
        raise MissingFile(
            f"there is no checkpoint {path}: put one there (.safetensors, .th or .pt), or leave "
            "`weights:` out and train the model"
        )
    return _read_file(path)


def _read_file(path: Path) -> dict[str, np.ndarray]:
    if path.suffix != ".safetensors":
        return _read_torch(path)
    try:
        found = safetensors.numpy.load_file(path)
    except safetensors.SafetensorError as error:
        raise BadCheckpoint(f"{path} is no whole .safetensors file: {error}") from error
    return {name: np.asarray(a, np.float32) for name, a in found.items() if a.dtype.kind in _FLOATS}


def _read_torch(path: Path) -> dict[str, np.ndarray]:
    if importlib.util.find_spec("torch") is None:
        raise BadCheckpoint(
            f"{path} is a torch file, and torch is not installed: install the extra `torch`, or "
            "convert the file to .safetensors"
        )
    with TemporaryDirectory(prefix="lab-checkpoint-") as folder:
        copy = Path(folder) / "weights.safetensors"
        ask({"do": "read", "file": str(path), "path": str(copy)})
        return safetensors.numpy.load_file(copy)


def _read_folder(folder: Path) -> dict[str, np.ndarray]:
    for name in WHOLE:
        if (folder / name).is_file():
            return _read_file(folder / name)
    for name in INDEX:
        if (folder / name).is_file():
            return _read_parts(folder, _index(folder / name))
    raise MissingFile(f"{folder} has no weights: there is no {' or '.join((*WHOLE, *INDEX))} in it")


def _index(path: Path) -> Mapping[str, str]:
    try:
        names = json.loads(path.read_text(encoding="utf-8"))["weight_map"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadCheckpoint(f"{path} is no index of weights: {error!r}") from error
    unsafe = [one for one in names.values() if Path(one).name != one]
    if unsafe:
        raise BadCheckpoint(f"{path} names {unsafe[0]!r}, which is no file beside it")
    return names


def _read_parts(folder: Path, index: Mapping[str, str]) -> dict[str, np.ndarray]:
    found: dict[str, np.ndarray] = {}
    for part in sorted(set(index.values())):
        if not (folder / part).is_file():
            raise MissingFile(f"{folder} lacks {part}, which its index names: copy it there")
        found |= _read_file(folder / part)
    lost = [name for name in index if name not in found]
    if lost:
        raise BadCheckpoint(f"{folder} lacks {lost[0]}, which {index[lost[0]]} should hold")
    return found
