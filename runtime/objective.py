"""What a fit minimizes: how far materialized weights are from a target, one error per tensor.

    e_t = mean over the tensor's weights of ((w - target) / sigma_t)²,   R²_t = 1 - e_t

Errors are normalized by each tensor's own spread, so that all tensors weigh alike and a field per
tensor is fitted as if it were alone. `WholeWeights` is right for every reparameterization; a method
that knows a faster way (`Sampled`) offers it.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from lab.runtime.errors import UnsuitableSetting
from lab.runtime.reparameterization import Reparameterization, Split, Weights

Tree = Any


class Objective(ABC):
    """Errors and gradients in the layout that a loop of steps wants.

    Final classes are frozen dataclasses whose traced numbers may be tracers.
    """

    @abstractmethod
    def begin(self, split: Split, target: Weights) -> tuple[Tree, Tree]:
        """What is optimized, and what a step reads besides."""

    @abstractmethod
    def gradients(
        self, train: Tree, given: Tree, *, key: PRNGKeyArray
    ) -> tuple[Float[Array, " tensors"], Tree]:
        """Errors of the tensors in the order of the target, and the gradients of their sum."""

    def labels(self, train: Tree, given: Tree) -> Tree:
        """The optimizer group of everything that is optimized, in its layout."""
        del given
        return jax.tree.map(lambda _: "weights", train)

    @abstractmethod
    def end(self, train: Tree, split: Split) -> Split:
        """The split with the optimized numbers put back."""


class Sampled(Reparameterization):
    """A method that can be fitted to some weights at a time."""

    @abstractmethod
    def objective(self, shapes: dict[str, tuple[int, ...]], batch: int | None) -> Objective:
        """The objective on `batch` weights of each tensor and step, or on all."""


@dataclass(frozen=True)
class WholeWeights(Objective):
    """All weights in every step."""

    through: Reparameterization

    def begin(self, split: Split, target: Weights) -> tuple[Tree, Tree]:
        """Nothing to rearrange."""
        return split.train, {"fixed": split.fixed, "target": dict(target)}

    def gradients(
        self, train: Tree, given: Tree, *, key: PRNGKeyArray
    ) -> tuple[Float[Array, " tensors"], Tree]:
        """Errors of everything that `materialize` makes."""
        del key

        def total(train: Tree) -> tuple[Array, Array]:
            made = self.through.materialize(Split(train, given["fixed"]))
            target: Weights = given["target"]
            errors = jnp.stack([relative_error(made[path], w) for path, w in target.items()])
            return jnp.sum(errors), errors

        (_, errors), gradients = jax.value_and_grad(total, has_aux=True)(train)
        return errors, gradients

    def labels(self, train: Tree, given: Tree) -> Tree:
        """Those of the reparameterization."""
        return self.through.labels(Split(train, given["fixed"]))

    def end(self, train: Tree, split: Split) -> Split:
        """Nothing to rearrange."""
        return Split(train, split.fixed)


def objective_of(through: Reparameterization, target: Weights, *, batch: int | None) -> Objective:
    """The way to fit a reparameterization to a target."""
    if isinstance(through, Sampled):
        return through.objective({path: w.shape for path, w in target.items()}, batch)
    if batch is not None:
        name = getattr(type(through), "component", {}).get("name", type(through).__name__)
        raise UnsuitableSetting(
            f"`{name}` makes all weights at once, so there is no `batch` of them; leave it out"
        )
    return WholeWeights(through)


def spread(weights: Float[Array, "..."]) -> Float[Array, ""]:
    """The standard deviation, or 1 for a constant tensor, whose errors then stay as they are."""
    found = jnp.std(weights)
    return jnp.where(found > 0, found, jnp.ones_like(found))


def relative_error(made: Float[Array, "..."], target: Float[Array, "..."]) -> Float[Array, ""]:
    """The mean squared error over the target's variance."""
    return jnp.mean(jnp.square((made - target) / spread(target)))
