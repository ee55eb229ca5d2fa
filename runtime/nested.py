"""A method whose own numbers go through another: the fields of `inwf(through: codeq())`.

The outer method hands its numbers to the inner one as if they were weights. What the inner one does
not choose (biases, vectors) stays with the outer one. In a split, the inner method's numbers stand
behind a mark, so that both have names of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from lab.runtime.reparameterization import Packed, Reparameterization, Shapes, Split, Weights

#: Before the name of an inner method's number.
MARK = "through:"


T = TypeVar("T")


@dataclass(frozen=True)
class Nested:
    """The numbers of an outer method, all of its own or some of them through an inner method."""

    through: Reparameterization | None

    def init(self, numbers: Weights, *, key: PRNGKeyArray) -> Split:
        """The split to start from. Raises `UnsuitableWeights` where the inner method takes none."""
        if self.through is None:
            return Split(dict(numbers), {})
        chosen = self.through.choose(numbers)
        inner = self.through.init({name: numbers[name] for name in chosen}, key=key)
        rest = {name: values for name, values in numbers.items() if name not in chosen}
        return Split(rest | _marked(inner.train), _marked(inner.fixed))

    def numbers(self, split: Split) -> dict[str, Array]:
        """The outer method's numbers, and whatever else is trained that is not the inner one's."""
        own = _own(split.train)
        return own if self.through is None else own | self.through.materialize(_inner(split))

    def numbers_while_training(self, split: Split, *, key: PRNGKeyArray) -> dict[str, Array]:
        """The same as one step of training sees them."""
        if self.through is None:
            return _own(split.train)
        return _own(split.train) | self.through.while_training(_inner(split), key=key)

    def fixed(self, split: Split) -> dict[str, Array]:
        """What the outer method keeps fixed."""
        return _own(split.fixed)

    def labels(self, split: Split, own: Mapping[str, str]) -> dict[str, str]:
        """The inner method's labels for its numbers, `own` for the others."""
        if self.through is None:
            return dict(own)
        return {**own, **_marked(self.through.labels(_inner(split)))}

    def penalty(self, split: Split) -> Array | float:
        """The inner method's."""
        return 0.0 if self.through is None else self.through.penalty(_inner(split))

    def rounded(self, split: Split, own: Mapping[str, Array]) -> Split:
        """The split as it is shipped; `own` are the outer method's numbers, rounded by it."""
        if self.through is None:
            return Split(dict(own), split.fixed)
        inner = self.through.rounded(_inner(split))
        return Split({**own, **_marked(inner.train)}, {**split.fixed, **_marked(inner.fixed)})

    def own(self, split: Split) -> dict[str, Array]:
        """What is trained without the inner method."""
        return _own(split.train)

    def pack(self, split: Split) -> Packed:
        """What the inner method ships."""
        if self.through is None:
            return {}
        shipped = self.through.pack(_inner(split))
        return {f"{MARK}{path}": parts for path, parts in shipped.items()}

    def unpack(self, packed: Packed, shapes: Shapes) -> dict[str, Array]:
        """The numbers that the inner method shipped, of these shapes where it took them."""
        if self.through is None:
            return {}
        inner = {p.removeprefix(MARK): s for p, s in packed.items() if p.startswith(MARK)}
        like = {name: jnp.zeros(shape) for name, shape in shapes.items()}
        taken = {name: tuple(like[name].shape) for name in self.through.choose(like)}
        made: dict[str, np.ndarray] = self.through.unpack(inner, taken)
        return {name: jnp.asarray(values) for name, values in made.items()}


def _marked(named: Mapping[str, T]) -> dict[str, T]:
    return {f"{MARK}{name}": value for name, value in named.items()}


def _own(named: Mapping[str, Array]) -> dict[str, Array]:
    return {name: values for name, values in named.items() if not name.startswith(MARK)}


def _inner(split: Split) -> Split:
    parts = [
        {name.removeprefix(MARK): v for name, v in part.items() if name.startswith(MARK)}
        for part in split
    ]
    return Split(*parts)
