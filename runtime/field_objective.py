"""The fit of many fields at once: stacked, so that one matrix product serves them all.

With a batch, fields of tensors with equally many axes are stacked, and each step draws as many
coordinates of each tensor; a stack whose layers are too large for the cache is cut. Without one,
fields of tensors of one shape are stacked, and a step goes over all coordinates in blocks that stay
in the cache, adding up gradients.
"""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lab.runtime.encoding import Encoding
from lab.runtime.executables import kept
from lab.runtime.fields import Architecture, Field, coordinates, drawn, entries, field_at
from lab.runtime.objective import Objective
from lab.runtime.reparameterization import Split, Weights

#: Numbers of a layer, all points and stacked fields together, that stay in a core's cache.
CACHED = 1 << 18
#: As many more as make it worth while to cut a stack, which costs compilation.
WORTH_CUTTING = 1 << 21
#: Features of all places of a tensor are computed once where they are no more numbers than this.
KEPT = 1 << 26

Shape = tuple[int, ...]


class _Group(NamedTuple):
    """Tensors whose fields are stacked."""

    paths: tuple[str, ...]
    shapes: tuple[Shape, ...]

    @property
    def counts(self) -> np.ndarray:
        """Weights of each tensor."""
        return np.array([math.prod(shape) for shape in self.shapes], np.int64)

    @property
    def starts(self) -> np.ndarray:
        """Where each tensor begins, all being put into one row."""
        return np.concatenate([[0], np.cumsum(self.counts)[:-1]])

    def blocks(self, room: int) -> tuple[int, int]:
        """How many blocks tensors of one shape are cut into, and the points of each.

        `room` points of all tensors together go into a block, about.
        """
        count = int(self.counts[0])
        blocks = max(1, round(count * len(self.paths) / room))
        return blocks, -(-count // blocks)


class Given(NamedTuple):
    """What a stack is fitted to: normalized weights in one row; features, where they are kept."""

    targets: Float[Array, " points"]
    features: Float[Array, "blocks features points"] | None


@dataclass(frozen=True)
class FieldObjective(Objective):
    """Squared error of fields, normalized, on all coordinates or `batch` of each tensor."""

    architecture: Architecture
    shapes: tuple[tuple[str, Shape], ...]
    batch: int | None

    def begin(self, split: Split, target: Weights) -> tuple[tuple[Field, ...], tuple[Given, ...]]:
        """Stacked fields, and what each stack is fitted to."""
        given = []
        for group in self._groups():
            normal = ((split.fixed[f"{p}/mean"], split.fixed[f"{p}/spread"]) for p in group.paths)
            pairs = zip(group.paths, normal, strict=True)
            normalized = [_normalized(target[path], *its) for path, its in pairs]
            given.append(Given(jnp.concatenate(normalized), self._kept_features(group)))
        return self.stacked(split.train), tuple(given)

    def stacked(self, numbers: Mapping[str, Array]) -> tuple[Field, ...]:
        """The fields of named numbers, those that are fitted alike stacked."""
        hidden = self.architecture.layers
        made = []
        for group in self._groups():
            single = [field_at(path, numbers, hidden=hidden) for path in group.paths]
            made.append(jax.tree.map(lambda *parts: jnp.stack(parts), *single))
        return tuple(made)

    def gradients(
        self,
        train: tuple[Field, ...],
        given: tuple[Given, ...],
        *,
        key: PRNGKeyArray,
    ) -> tuple[Float[Array, " tensors"], tuple[Field, ...]]:
        """Errors on this step's coordinates, and the gradients of their sum."""
        errors: dict[str, Array] = {}
        gradients = []
        stacks = zip(self._groups(), train, given, strict=True)
        for place, (group, field, here) in enumerate(stacks):
            if self.batch is None:
                found, gradient = self._over_all(group, field, here)
            else:
                found, gradient = self._over_some(
                    group,
                    field,
                    here.targets,
                    key=jax.random.fold_in(key, place),
                    points=self.batch,
                )
            errors |= dict(zip(group.paths, found, strict=True))
            gradients.append(gradient)
        return jnp.stack([errors[path] for path, _ in self.shapes]), tuple(gradients)

    def end(self, train: tuple[Field, ...], split: Split) -> Split:
        """Fields by the names of their tensors again."""
        made: dict[str, Array] = {}
        for group, stack in zip(self._groups(), train, strict=True):
            # Taken apart on the host: a program for each shape would cost more than the copies.
            apart = jax.tree.map(np.asarray, stack)
            for place, path in enumerate(group.paths):
                own = jax.device_put(jax.tree.map(lambda part, i=place: part[i], apart))
                made |= entries(path, own)
        return Split(made, split.fixed)

    @property
    def _room(self) -> int:
        """Points whose numbers of a layer stay in the cache."""
        return max(1, CACHED // self.architecture.width)

    def _groups(self) -> tuple[_Group, ...]:
        found: dict[Hashable, list[tuple[str, Shape]]] = {}
        for path, shape in self.shapes:
            alike = shape if self.batch is None else len(shape)
            found.setdefault(alike, []).append((path, shape))
        return tuple(_Group(*zip(*members, strict=True)) for members in found.values())

    def _over_some(
        self, group: _Group, field: Field, targets: Array, *, key: PRNGKeyArray, points: int
    ) -> tuple[Array, Field]:
        index = drawn(key, group.counts, points)
        features = self.architecture.features(coordinates(index, group.shapes))
        wanted = targets[index + np.int32(group.starts)[:, None]]
        weight = jnp.full((), 1 / points, jnp.float32)
        if index.size * self.architecture.width <= WORTH_CUTTING:
            return self._errors(field, features, wanted, weight)
        return jax.lax.map(
            lambda part: self._errors(*part, weight),
            (field, features, wanted),
            batch_size=max(1, self._room // points),
        )

    def _over_all(self, group: _Group, field: Field, given: Given) -> tuple[Array, Field]:
        blocks, block = group.blocks(self._room)
        count, tensors = int(group.counts[0]), len(group.paths)
        wanted = jnp.pad(
            given.targets.reshape(tensors, count), ((0, 0), (0, blocks * block - count))
        )
        wanted = jnp.swapaxes(wanted.reshape(tensors, blocks, block), 0, 1)
        places = jnp.arange(blocks * block).reshape(blocks, block)

        def add(
            total: tuple[Array, Field], part: tuple[Int[Array, " points"], Array, Array | None]
        ) -> tuple[tuple[Array, Field], None]:
            index, target, features = part
            if features is None:
                features = self._features(group, index)
            weight = (index < count).astype(jnp.float32) / np.float32(count)
            found = self._errors(field, features, target, weight)
            return jax.tree.map(jnp.add, total, found), None

        nothing = (jnp.zeros(tensors), jax.tree.map(jnp.zeros_like, field))
        return jax.lax.scan(add, nothing, (places, wanted, given.features))[0]

    def _kept_features(self, group: _Group) -> Float[Array, "blocks features points"] | None:
        """The features of all places, by blocks; none where coordinates are drawn, or too many."""
        blocks, block = group.blocks(self._room)
        features = self.architecture.sizes(len(group.shapes[0]))[0]
        if self.batch is not None or blocks * block * features > KEPT:
            return None
        encoding = self.architecture.encoding
        return _features_of_all(encoding=encoding, shape=group.shapes[0], blocks=(blocks, block))

    def _features(
        self, group: _Group, index: Int[Array, " points"]
    ) -> Float[Array, "features points"]:
        return _features_at(index, encoding=self.architecture.encoding, shape=group.shapes[0])

    def _errors(
        self,
        field: Field,
        features: Float[Array, "*tensors features points"],
        target: Float[Array, "tensors points"],
        weight: Float[Array, "*points"],
    ) -> tuple[Array, Field]:
        def total(field: Field) -> tuple[Array, Array]:
            gap = self.architecture.values(field, features) - target
            errors = jnp.sum(jnp.square(gap) * weight, axis=-1)
            return jnp.sum(errors), errors

        (_, errors), gradient = jax.value_and_grad(total, has_aux=True)(field)
        return errors, gradient


@kept()
def _normalized(
    target: Float[Array, "..."], mean: Float[Array, ""], deviation: Float[Array, ""]
) -> Float[Array, " points"]:
    return jnp.ravel(target - mean) / deviation


@kept(static=("encoding", "shape", "blocks"))
def _features_of_all(
    *, encoding: Encoding | None, shape: Shape, blocks: tuple[int, int]
) -> Float[Array, "blocks features points"]:
    index = jnp.arange(math.prod(blocks)).reshape(blocks)
    return jax.lax.map(partial(_features_at, encoding=encoding, shape=shape), index)


def _features_at(
    index: Int[Array, " points"], *, encoding: Encoding | None, shape: Shape
) -> Float[Array, "features points"]:
    """What the first layer sees of places of a tensor; indices past its end stand for its last."""
    found = coordinates(jnp.minimum(index, math.prod(shape) - 1), shape)
    return found if encoding is None else encoding.features(found)
