"""Torchvision beside a torch that is built for CPUs alone.

The registry's torchvision is built for CUDA. Beside such a torch its library does not load, and
`import torchvision` fails for want of the schemas of two operators, which takes timm and
transformers down with it. With these declared, models and transforms import and work; the
operators themselves, and `torchvision.io`, stay absent.

Whatever imports torchvision, timm or transformers calls `declare` first.
"""

import importlib.util
from functools import cache
from pathlib import Path

import torch

NAMESPACE = "torchvision"
SCHEMAS = {
    "nms": "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms": "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
}


@cache
def declare() -> tuple[str, ...]:
    """Declare what torchvision needs to be imported; the names of what was missing."""
    if torch.version.cuda is not None or _library_loads():
        return ()
    missing = tuple(name for name in SCHEMAS if not _is_declared(name))
    for name in missing:
        _declared().define(SCHEMAS[name])
    return missing


def _library_loads() -> bool:
    """Whether torchvision's own library declares them, or there is no torchvision at all."""
    found = importlib.util.find_spec(NAMESPACE)
    if found is None:
        return True
    (folder,) = found.submodule_search_locations or ("",)
    libraries = sorted(Path(folder).glob("_C*.so")) + sorted(Path(folder).glob("_C*.pyd"))
    try:
        for library in libraries:
            torch.ops.load_library(library)
    except OSError:
        return False
    return bool(libraries)


def _is_declared(name: str) -> bool:
    return hasattr(getattr(torch.ops, NAMESPACE), name)


@cache
def _declared() -> torch.library.Library:
    """Kept for the life of the process: what a library declares goes when it goes."""
    return torch.library.Library(NAMESPACE, "FRAGMENT")
