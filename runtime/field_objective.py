"""The fit of many fields at once: stacked, so that one matrix product serves them all.

With a batch, fields of tensors with equally many axes are stacked, and each step draws as many
coordinates of each tensor. Without one, fields of tensors of one shape are stacked, and a step goes
over all coordinates in blocks that stay in the cache, adding up gradients.
"""

import math
from collections.abc import Hashable
from dataclasses import dataclass
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lab.runtime.fields import Architecture, Field, coordinates, drawn, entries, field_at
from lab.runtime.objective import Objective
from lab.runtime.reparameterization import Split, Weights

#: Points of a block, all stacked fields together.
BLOCK = 1 << 13

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


@dataclass(frozen=True)
class FieldObjective(Objective):
    """Squared error of fields, normalized, on all coordinates or `batch` of each tensor."""

    architecture: Architecture
    shapes: tuple[tuple[str, Shape], ...]
    batch: int | None

    def begin(
        self, split: Split, target: Weights
    ) -> tuple[tuple[Field, ...], tuple[Float[Array, " points"], ...]]:
        """Stacked fields, and the normalized targets of each stack in one row."""
        fields, rows = [], []
        for group in self._groups():
            single = [
                field_at(path, split.train, hidden=self.architecture.layers) for path in group.paths
            ]
            fields.append(jax.tree.map(lambda *parts: jnp.stack(parts), *single))
            normalized = [
                jnp.ravel(target[path] - split.fixed[f"{path}/mean"])
                / split.fixed[f"{path}/spread"]
                for path in group.paths
            ]
            rows.append(jnp.concatenate(normalized))
        return tuple(fields), tuple(rows)

    def gradients(
        self,
        train: tuple[Field, ...],
        given: tuple[Float[Array, " points"], ...],
        *,
        key: PRNGKeyArray,
    ) -> tuple[Float[Array, " tensors"], tuple[Field, ...]]:
        """Errors on this step's coordinates, and the gradients of their sum."""
        errors: dict[str, Array] = {}
        gradients = []
        for place, (group, field, row) in enumerate(zip(self._groups(), train, given, strict=True)):
            if self.batch is None:
                found, gradient = self._over_all(group, field, row)
            else:
                here = jax.random.fold_in(key, place)
                found, gradient = self._over_some(group, field, row, here)
            errors |= dict(zip(group.paths, found, strict=True))
            gradients.append(gradient)
        return jnp.stack([errors[path] for path, _ in self.shapes]), tuple(gradients)

    def end(self, train: tuple[Field, ...], split: Split) -> Split:
        """Fields by the names of their tensors again."""
        made: dict[str, Array] = {}
        for group, stack in zip(self._groups(), train, strict=True):
            for place, path in enumerate(group.paths):
                made |= entries(path, jax.tree.map(lambda part, i=place: part[i], stack))
        return Split(made, split.fixed)

    def _groups(self) -> tuple[_Group, ...]:
        found: dict[Hashable, list[tuple[str, Shape]]] = {}
        for path, shape in self.shapes:
            alike = shape if self.batch is None else len(shape)
            found.setdefault(alike, []).append((path, shape))
        return tuple(_Group(*zip(*members, strict=True)) for members in found.values())

    def _over_some(
        self, group: _Group, field: Field, row: Array, key: PRNGKeyArray
    ) -> tuple[Array, Field]:
        assert self.batch is not None  # the caller has asked
        index = drawn(key, group.counts, self.batch)
        points = coordinates(index, group.shapes)
        target = row[index + np.int32(group.starts)[:, None]]
        weight = jnp.full((), 1 / self.batch, jnp.float32)
        return self._errors(field, points, target, weight)

    def _over_all(self, group: _Group, field: Field, row: Array) -> tuple[Array, Field]:
        tensors, count, shape = len(group.paths), int(group.counts[0]), group.shapes[0]
        blocks = max(1, round(count * tensors / BLOCK))
        block = -(-count // blocks)
        padding = blocks * block - count
        target = jnp.pad(row.reshape(tensors, count), ((0, 0), (0, padding)))
        target = jnp.swapaxes(target.reshape(tensors, blocks, block), 0, 1)
        index = jnp.arange(blocks * block).reshape(blocks, block)

        def add(
            total: tuple[Array, Field], part: tuple[Int[Array, " points"], Array]
        ) -> tuple[tuple[Array, Field], None]:
            where, wanted = part
            weight = (where < count).astype(jnp.float32) / np.float32(count)
            points = coordinates(jnp.minimum(where, count - 1), shape)
            found = self._errors(field, points, wanted, weight)
            return jax.tree.map(jnp.add, total, found), None

        nothing = (jnp.zeros(tensors), jax.tree.map(jnp.zeros_like, field))
        return jax.lax.scan(add, nothing, (index, target))[0]

    def _errors(
        self,
        field: Field,
        points: Float[Array, "*tensors axes points"],
        target: Float[Array, "tensors points"],
        weight: Float[Array, "*points"],
    ) -> tuple[Array, Field]:
        def total(field: Field) -> tuple[Array, Array]:
            gap = self.architecture.values(field, points) - target
            errors = jnp.sum(jnp.square(gap) * weight, axis=-1)
            return jnp.sum(errors), errors

        (_, errors), gradient = jax.value_and_grad(total, has_aux=True)(field)
        return errors, gradient
