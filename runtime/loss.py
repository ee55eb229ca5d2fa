"""What every loss offers, and their sums: a number for each example, and one of the weights.

A study writes `task + (0 for 50% then 1e-4) * distill(from: teacher)`: a sum of terms, each a loss
with a weight that may be a schedule. An arm that a loss names is an input of the stage; the loss
keeps the role it has there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lab.runtime import registry
from lab.runtime.clock import Clock
from lab.runtime.errors import UnsuitableSetting
from lab.runtime.reparameterization import Weights

Logits = Float[Array, "batch classes"]
#: Classes, or the shares of all classes where examples are mixed, or numbers that are to be found.
Targets = Int[Array, " batch"] | Float[Array, "batch classes"] | Float[Array, " batch"]


class Loss:
    """What is minimized. Final classes are components, one file each.

    A loss of examples overrides `per_example`, a loss of weights `of_weights`; the other is zero.
    """

    @property
    def teacher(self) -> str | None:
        """The role of the arm whose logits it wants, where it wants any."""
        return None

    @property
    def needs_start(self) -> bool:
        """Whether it compares weights with those that the stage began with."""
        return False

    def per_example(
        self, logits: Logits, targets: Targets, *, teacher: Logits | None = None
    ) -> Float[Array, " batch"]:
        """The loss of every example. Traceable."""
        del targets, teacher
        return jnp.zeros(len(logits))

    def of_weights(self, weights: Weights, *, start: Weights) -> Float[Array, ""]:
        """The loss of the weights that the network computes with. Traceable."""
        del weights, start
        return jnp.zeros(())


@dataclass(frozen=True)
class Term:
    """A loss and its weight, a schedule's value."""

    weight: Any = field(metadata={"traced": True})
    loss: Loss


@dataclass(frozen=True)
class Terms:
    """A sum of losses. Always holds: there is one term at least."""

    terms: tuple[Term, ...]

    @property
    def teachers(self) -> tuple[str, ...]:
        """Roles of the arms whose logits are wanted, each once."""
        wanted = (term.loss.teacher for term in self.terms)
        return tuple(dict.fromkeys(role for role in wanted if role is not None))

    @property
    def needs_start(self) -> bool:
        """Whether a term compares weights with those at the start."""
        return any(term.loss.needs_start for term in self.terms)

    def per_example(
        self,
        logits: Logits,
        targets: Targets,
        *,
        teachers: Mapping[str, Logits],
        clock: Clock,
    ) -> Float[Array, " batch"]:
        """The loss of every example now."""
        total = jnp.zeros(len(logits))
        for term in self.terms:
            teacher = None if term.loss.teacher is None else teachers[term.loss.teacher]
            found = term.loss.per_example(logits, targets, teacher=teacher)
            total = total + clock.value(term.weight) * found
        return total

    def of_weights(self, weights: Weights, *, start: Weights, clock: Clock) -> Float[Array, ""]:
        """The loss of the weights now."""
        total = jnp.zeros(())
        for term in self.terms:
            found = term.loss.of_weights(weights, start=start)
            total = total + clock.value(term.weight) * found
        return total


def terms_of(value: Any) -> Terms:
    """The terms of a loss: a component, or a resolved value with sums, products and schedules.

    Example:
        >>> from lab.runtime.losses.task import Task
        >>> [term.weight for term in terms_of(Task()).terms]
        [1.0]
    """
    return Terms(tuple(_terms(value)))


def _terms(value: Any) -> list[Term]:
    if isinstance(value, Loss):
        return [Term(1.0, value)]
    if isinstance(value, Mapping) and value.get("kind") == "loss":
        return [Term(1.0, registry.instantiate(value))]
    if isinstance(value, Mapping) and value.get("schedule") == "sum":
        return [term for part in value["of"] for term in _terms(part)]
    if isinstance(value, Mapping) and value.get("schedule") == "product":
        return _scaled(value["of"])
    raise UnsuitableSetting(f"{value!r} is no loss: a loss is a sum of losses with weights")


def _scaled(factors: list[Any]) -> list[Term]:
    losses = [one for one in factors if _holds_loss(one)]
    if len(losses) != 1:
        raise UnsuitableSetting(
            "a term of a loss is one loss times weights; a product of losses has no meaning here"
        )
    weights = [one for one in factors if one is not losses[0]]
    return [
        Term({"schedule": "product", "of": [*weights, term.weight]}, term.loss)
        for term in _terms(losses[0])
    ]


def _holds_loss(value: Any) -> bool:
    if isinstance(value, Loss):
        return True
    if not isinstance(value, Mapping):
        return False
    return value.get("kind") == "loss" or any(
        _holds_loss(part) for part in value.get("of", ()) if isinstance(part, Mapping | Loss)
    )
