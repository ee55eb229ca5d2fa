"""Checkpoints: the parameters and buffers of a model, from weights by name.

A checkpoint fits a model when it has every parameter and buffer of it, in its shape, and nothing
else. What does not count against it: prefixes of wrappers and counters of batches, a tied weight
under another of its names; and, where a key is given to draw from, a head for another number of
classes, which is then drawn anew, and tables of positions for another size of images, which are
interpolated. Both are said.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import safetensors.numpy
from jaxtyping import PRNGKeyArray

from lab.runtime.bridge.checkpoint_files import read
from lab.runtime.bridge.checkpoint_names import fitted, nearest
from lab.runtime.bridge.checkpoint_sizes import interpolated
from lab.runtime.errors import BadCheckpoint
from lab.runtime.model import Model, State
from lab.runtime.patterns import within

__all__ = ["load_into", "read", "save"]

Shapes = Mapping[str, tuple[int, ...]]


def load_into(model: Model, path: Path, *, key: PRNGKeyArray | None = None) -> tuple[State, State]:
    """The parameters and buffers of a model, from a checkpoint.

    Args:
        model: with whole paths. `path`: a file, or a folder of a library, which may hold more than
            the model wants.
        key: what a head for another number of classes is drawn with; without one there is none.

    Raises `MissingFile`, or `BadCheckpoint` with the names that are missing, left over or of
    another shape.
    """
    params, buffers = model.shapes()
    wanted = {**params, **buffers}
    found = fitted(read(path), wanted, model.aliases)
    fit = _Fit(path, wanted, {n: a for n, a in found.items() if n not in model.ignored})
    if key is not None:
        fit.interpolate(is_image=len(model.input_shape) == 3)
        fit.replace_head(within(wanted, model.parts.get("head", ())))
    fit.refuse(may_hold_more=path.is_dir())
    fit.say()
    drawn = model.init(key)[0] if key is not None and fit.anew else {}
    state = {**fit.arrays(), **{name: drawn[name] for name in fit.anew}}
    return {name: state[name] for name in params}, {name: state[name] for name in buffers}


def save(path: Path, params: State, buffers: State, *, about: Mapping[str, str]) -> None:
    """Keep parameters and buffers as `.safetensors`, with words about where they came from."""
    tensors = {name: np.asarray(array) for name, array in {**params, **buffers}.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    safetensors.numpy.save_file(tensors, path, metadata=dict(about))


@dataclass
class _Fit:
    """What a checkpoint holds against what a model wants; `anew` are names that will be drawn."""

    path: Path
    wanted: Shapes
    found: dict[str, np.ndarray]
    anew: tuple[str, ...] = ()
    said: list[str] = field(default_factory=list)

    def interpolate(self, *, is_image: bool) -> None:
        """Bring tables of positions to the size of the model's images."""
        for name, shape in self.wanted.items() if is_image else ():
            values = self.found.get(name)
            if values is None or values.shape == shape:
                continue
            made = interpolated(name, values, shape)
            if made is not None:
                self.found[name] = made
                self.said.append(f"{name} was interpolated from {values.shape} to {shape}")

    def replace_head(self, head: tuple[str, ...]) -> None:
        """Draw what of the head has another number of classes, or is not there at all."""
        absent = all(name not in self.found for name in head)
        # A file that holds something else in its place has a head that the model does not know.
        has_other = any(name not in self.wanted for name in self.found)
        other = [
            name
            for name in head
            if name in self.found and self.found[name].shape[1:] == self.wanted[name][1:]
            if self.found[name].shape != self.wanted[name]
        ]
        is_bare = absent and (self.path.is_dir() or not has_other)
        self.anew = head if is_bare else tuple(other)
        if self.anew:
            names = ", ".join(self.anew)
            there = {name: self.found.pop(name).shape for name in self.anew if name in self.found}
            why = "it has no head" if absent else f"its head is for {_classes(there)} classes"
            self.said.append(f"{why}: drawn anew: {names}")

    def refuse(self, *, may_hold_more: bool) -> None:
        """Raise where anything does not fit."""
        left_over = [name for name in self.found if name not in self.wanted]
        problems = [*self._missing(left_over), *self._misshapen()]
        if left_over and may_hold_more:
            self.said.append(f"not wanted: {_listing(left_over)}")
        elif left_over:
            problems += [f"{name} is not in the model" for name in left_over]
        if problems:
            raise BadCheckpoint(f"{self.path} does not fit the model: {_listing(problems)}")

    def _missing(self, left_over: list[str]) -> list[str]:
        return [
            f"{name} is missing{nearest(name, left_over)}"
            for name in self.wanted
            if name not in self.found and name not in self.anew
        ]

    def _misshapen(self) -> list[str]:
        return [
            f"{name} is {self.found[name].shape}, the model's is {shape}"
            for name, shape in self.wanted.items()
            if name in self.found and self.found[name].shape != shape
        ]

    def say(self) -> None:
        """Tell what was done to the checkpoint, for the log of the stage."""
        for one in self.said:
            print(f"{self.path}: {one}", flush=True)

    def arrays(self) -> State:
        """What the checkpoint gives the model."""
        kept = {name: self.found[name] for name in self.wanted if name not in self.anew}
        return {name: jnp.array(values, jnp.float32) for name, values in kept.items()}


def _classes(shapes: Shapes) -> str:
    return " and ".join(sorted({str(shape[0]) for shape in shapes.values()}))


def _listing(problems: list[str], limit: int = 8) -> str:
    more = f"; and {len(problems) - limit} more" if len(problems) > limit else ""
    return "; ".join(problems[:limit]) + more
