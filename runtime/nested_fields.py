"""A fit of fields whose numbers go through another method.

Errors and gradients of the fields are those of the fast objective, which knows nothing of the inner
method; the chain rule takes the gradients back to the numbers that are trained.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import jax
from jaxtyping import Array, Float, PRNGKeyArray

from lab.runtime.field_objective import FieldObjective
from lab.runtime.objective import Objective, Tree
from lab.runtime.reparameterization import Split, Weights


class MadeOfNumbers(Protocol):
    """A method whose split makes the numbers of fields."""

    def numbers(self, split: Split) -> dict[str, Array]:
        """The numbers of the fields, after what they go through."""
        ...


@dataclass(frozen=True)
class NestedFields(Objective):
    """The objective `fields` on what `method` makes of its split. `method` is a component."""

    fields: FieldObjective
    method: Any

    def begin(self, split: Split, target: Weights) -> tuple[Tree, Tree]:
        """The trained numbers by name; what a step of the fields reads."""
        method: MadeOfNumbers = self.method
        plain = Split(method.numbers(split), split.fixed)
        _, given = self.fields.begin(plain, target)
        return split.train, {"given": given, "fixed": split.fixed}

    def gradients(
        self, train: Tree, given: Tree, *, key: PRNGKeyArray
    ) -> tuple[Float[Array, " tensors"], Tree]:
        """Errors of the fields, and gradients of the numbers behind them."""

        method: MadeOfNumbers = self.method

        def stacked(train: dict[str, Array]) -> Tree:
            return self.fields.stacked(method.numbers(Split(train, given["fixed"])))

        fields, back = jax.vjp(stacked, train)
        errors, gradients = self.fields.gradients(fields, given["given"], key=key)
        return errors, back(gradients)[0]

    def labels(self, train: Tree, given: Tree) -> Tree:
        """Those of the method behind the fields."""
        return self.method.labels(Split(train, given["fixed"]))

    def end(self, train: Tree, split: Split) -> Split:
        """Nothing to rearrange."""
        return Split(train, split.fixed)
