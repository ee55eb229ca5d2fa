"""Conversions, made once: by a helper process, and kept for every process of this machine."""

import fcntl
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import safetensors.numpy
from jaxtyping import Array

from lab.runtime.errors import CorruptFile
from lab.runtime.files import clear_parts
from lab.runtime.foreign import graph, recipes
from lab.runtime.foreign.graph import Conversion
from lab.runtime.foreign.helper import ask
from lab.runtime.foreign.recipes import Recipe

#: Conversions that a process holds at once.
_HELD = 16


@lru_cache(_HELD)
def conversion(recipe: Recipe) -> Conversion:
    """The graphs of a network, converted now where they were not before.

    Two processes that want the same convert once: the second waits. One that is killed on the way
    leaves nothing that another would take for whole.
    """
    path = recipes.conversion_file(recipe)
    if not path.is_file():
        _convert(recipe, path)
    try:
        return graph.load(path)
    except CorruptFile:
        path.unlink(missing_ok=True)
        _convert(recipe, path)
        return graph.load(path)


def drawn(recipe: Recipe, seed: int) -> dict[str, Array]:
    """Parameters and buffers as the library draws them, by name: the same ones for a seed."""
    import jax.numpy as jnp

    with TemporaryDirectory(prefix="lab-drawn-") as folder:
        path = Path(folder) / "state.safetensors"
        ask({"do": "draw", "recipe": asdict(recipe), "seed": seed, "path": str(path)})
        return {name: jnp.asarray(a) for name, a in safetensors.numpy.load_file(path).items()}


def located(recipe: Recipe) -> dict[str, Any]:
    """Where the weights are that a library publishes for a network: a file or a folder.

    Fetches them where there is a network. Raises `NoNetwork`, saying what to put where.
    """
    return ask({"do": "locate", "recipe": asdict(recipe)})


def _convert(recipe: Recipe, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with _alone(path.with_suffix(".lock")):
        clear_parts(path.parent)
        if path.is_file():  # Another process was at it, and is done.
            return
        started = time.monotonic()
        print(f"converting {recipe} from torch, once", file=sys.stderr, flush=True)
        ask({"do": "convert", "recipe": asdict(recipe), "path": str(path)})
        seconds = time.monotonic() - started
        print(f"converted {recipe} in {seconds:.1f} s", file=sys.stderr, flush=True)


@contextmanager
def _alone(path: Path) -> Generator[None]:
    """One process at a time; the system takes the lock back from one that dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
