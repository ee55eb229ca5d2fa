"""Implicit neural weight fields: each weight tensor is a small network of its own coordinates.

    W[i, j, …] = sigma · f(gamma(c(i, j, …))) + mu

`f` is a SIREN (`lab.runtime.fields`) or another small network, `gamma` an encoding, `mu` and
`sigma` the tensor's mean and standard deviation. What is shipped are the numbers of `f`, and `mu`
and `sigma`. The idea is that of NeRN (Ashkenazi et al. 2023, arXiv 2212.13554), with a field per
tensor in place of one for the network. A trained tensor is nearly noise to a coordinate map: expect
R² of about 1.5 p / n from a field of p numbers for n weights.

With `through`, the matrices of a field go through another method, which is trained with the field:
`inwf(through: codeq())` ships a quantized field.
"""

import math
import zlib
from collections.abc import Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lab.runtime import patterns
from lab.runtime.encoding import Encoding
from lab.runtime.encodings.fourier import Fourier
from lab.runtime.errors import UnsuitableWeights
from lab.runtime.executables import kept
from lab.runtime.field_objective import FieldObjective
from lab.runtime.fields import Architecture, Field, Layer, coordinates, entries, field_at
from lab.runtime.nested import Nested
from lab.runtime.nested_fields import NestedFields
from lab.runtime.objective import Objective, Sampled, spread
from lab.runtime.patterns import NO_PARTS, Parts
from lab.runtime.reparameterization import (
    Packed,
    Reparameterization,
    Shapes,
    Split,
    Stream,
    Weights,
)
from lab.runtime.straight_through import shipped, stored
from lab.spec.declare import component, parameter

#: Points of a tensor that are evaluated at once; the memory of a layer is this times the width.
BLOCK = 1 << 16


@component(
    "inwf",
    kind="reparameterization",
    stage="fit",
    streams=("init",),
    facts="lab.runtime.facts.methods:inwf",
    curves=(),
)
class INWF(Sampled):
    """A field for every weight tensor, fitted to it; ships the fields' numbers.

    Example:
        >>> method = INWF(width=8, layers=1)
        >>> split = method.init({"w": jnp.ones((4, 3)).at[0].set(2)}, key=jax.random.key(0))
        >>> method.materialize(split)["w"].shape
        (4, 3)
    """

    width: int = parameter(256, "numbers in a hidden layer", low=1)
    layers: int = parameter(2, "hidden layers", low=1)
    w0: float = parameter(30.0, "frequency of the sine", above=0, traced=True)
    activation: Literal["sine", "relu", "gelu"] = parameter("sine", "what follows a hidden layer")
    encoding: Encoding | None = parameter(
        Fourier(bands=4), "features of a coordinate; none for the coordinate itself"
    )
    through: Reparameterization | None = parameter(None, "for the matrices of a field", legacy=None)
    storage: Literal["float16", "float32"] = parameter("float16", "how numbers are shipped")
    within: tuple[str, ...] = parameter(("**",), "patterns of the weights to take", name="in")
    exclude: tuple[Literal["norms", "biases", "stem", "head"] | str, ...] = parameter(
        (), "patterns and words of those to leave as they are", name="except", legacy=()
    )
    min_size: int = parameter(10000, "numbers that a weight has at least to be taken", low=0)

    def choose(self, weights: Weights, parts: Parts = NO_PARTS) -> tuple[str, ...]:
        """Tensors that the patterns stand for and that are large enough for a field to pay."""
        return patterns.choose(
            weights, self.within, min_size=self.min_size, leave_out=self.exclude, parts=parts
        )

    def init(self, weights: Weights, *, key: PRNGKeyArray) -> Split:
        """Fields with random numbers; means, spreads and shapes of their tensors."""
        numbers: dict[str, Array] = {}
        fixed: dict[str, Array] = {}
        for path, values in weights.items():
            if not values.ndim or not values.size:
                raise UnsuitableWeights(
                    f"{path} has shape {tuple(values.shape)}: a field needs an axis and a weight"
                )
            # By its name, so that a start does not depend on which other tensors are taken.
            own = jax.random.fold_in(key, zlib.crc32(path.encode()))
            numbers |= entries(path, self.architecture.start(values.ndim, key=own))
            fixed[f"{path}/mean"], fixed[f"{path}/spread"] = _normal(values)
            # An array of no numbers that says a shape, where a split has room for arrays alone.
            fixed[f"{path}/shape"] = jax.device_put(np.zeros((0, *values.shape), values.dtype))
        split = self._nested.init(numbers, key=key)
        return Split(split.train, {**split.fixed, **fixed})

    def materialize(self, split: Split) -> dict[str, Array]:
        """The fields at every place of their tensors."""
        return self._weights(split, self._nested.numbers(split))

    def while_training(self, split: Split, *, key: PRNGKeyArray) -> dict[str, Array]:
        """The same, from numbers as the inner method has them in a step."""
        return self._weights(split, self._nested.numbers_while_training(split, key=key))

    def labels(self, split: Split) -> dict[str, str]:
        """`weights`, and the labels of what they go through."""
        return self._nested.labels(split, dict.fromkeys(self._nested.own(split), "weights"))

    def penalty(self, split: Split) -> Array | float:
        """That of what the numbers go through."""
        return self._nested.penalty(split)

    def rounded(self, split: Split) -> Split:
        """Numbers as they are stored."""
        return self._nested.rounded(split, _stored(self._nested.own(split), storage=self.storage))

    def pack(self, split: Split) -> Packed:
        """The numbers of a field in one stream, and its mean and spread in float32."""
        made = {}
        own = self._nested.own(split)
        for path, like in self._shapes(split).items():
            names = self._sizes({path: like.shape[1:]})
            parts = [np.ravel(own[name]) for name in names if name in own]
            numbers = np.concatenate([*parts, np.zeros(0, np.float32)])
            normal = [split.fixed[f"{path}/mean"], split.fixed[f"{path}/spread"]]
            made[path] = {
                "field": Stream(shipped(numbers, self.storage, of=path), _BITS[self.storage]),
                "normal": Stream(np.asarray(normal, np.float32), 32),
            }
        return {**made, **self._nested.pack(split)}

    def unpack(self, packed: Packed, shapes: Shapes) -> dict[str, np.ndarray]:
        """The fields evaluated again."""
        numbers = self._nested.unpack(packed, self._sizes(shapes))
        fixed: dict[str, Array] = {}
        for path, shape in shapes.items():
            row = jnp.asarray(packed[path]["field"].values.astype(np.float32))
            for name, size in self._sizes({path: shape}).items():
                if name not in numbers:
                    numbers[name] = row[: math.prod(size)].reshape(size)
                    row = row[math.prod(size) :]
            mean, deviation = jnp.asarray(packed[path]["normal"].values)
            fixed |= {f"{path}/mean": mean, f"{path}/spread": deviation}
            fixed[f"{path}/shape"] = jnp.zeros((0, *shape), jnp.float32)
        made = self._weights(Split({}, fixed), numbers)
        return {path: np.asarray(values) for path, values in made.items()}

    def objective(self, shapes: dict[str, tuple[int, ...]], batch: int | None) -> Objective:
        """A fit of all fields at once, on some or all of the coordinates."""
        fields = FieldObjective(
            architecture=self.architecture, shapes=tuple(shapes.items()), batch=batch
        )
        return fields if self.through is None else NestedFields(fields=fields, method=self)

    def numbers(self, split: Split) -> dict[str, Array]:
        """The numbers of the fields, after what they go through."""
        return self._nested.numbers(split)

    @property
    def architecture(self) -> Architecture:
        """The shape of the fields."""
        return Architecture(
            width=self.width,
            layers=self.layers,
            activation=self.activation,
            encoding=self.encoding,
            w0=self.w0,
        )

    @property
    def _nested(self) -> Nested:
        return Nested(self.through)

    def _shapes(self, split: Split) -> dict[str, Array]:
        """The arrays that say shapes, by the path of the tensor."""
        ending, fixed = "/shape", self._nested.fixed(split)
        return {n.removesuffix(ending): a for n, a in fixed.items() if n.endswith(ending)}

    def _sizes(self, shapes: Shapes) -> dict[str, tuple[int, ...]]:
        """Shapes of the numbers of fields, by name."""
        made: dict[str, tuple[int, ...]] = {}
        for path, shape in shapes.items():
            pairs = pairwise(self.architecture.sizes(len(shape)))
            layers = tuple(Layer((out, fan_in), (out,)) for fan_in, out in pairs)
            made |= entries(path, layers)
        return made

    def _weights(self, split: Split, numbers: Mapping[str, Array]) -> dict[str, Array]:
        made = {}
        for path, like in self._shapes(split).items():
            weight = _everywhere(
                field_at(path, numbers, hidden=self.layers),
                (split.fixed[f"{path}/mean"], split.fixed[f"{path}/spread"]),
                jnp.asarray(self.w0, jnp.float32),
                architecture=replace(self.architecture, w0=0.0),
                shape=like.shape[1:],
            )
            made[path] = weight.astype(like.dtype)
        return made


_BITS = {"float16": 16, "float32": 32}


@kept()
def _normal(values: Float[Array, "..."]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """What a tensor's field is shifted and scaled by."""
    return jnp.mean(values), spread(values)


@kept(static=("storage",))
def _stored(numbers: dict[str, Array], *, storage: str) -> dict[str, Array]:
    return {name: stored(values, storage) for name, values in numbers.items()}


@kept(static=("architecture", "shape"))
def _everywhere(
    field: Field,
    normal: tuple[Float[Array, ""], Float[Array, ""]],
    w0: Float[Array, ""],
    *,
    architecture: Architecture,
    shape: tuple[int, ...],
) -> Float[Array, "*shape"]:
    """The weights of a tensor."""
    mean, deviation = normal
    values = _row(field, replace(architecture, w0=w0), shape)
    return (values * deviation + mean).reshape(shape)


def _row(field: Field, architecture: Architecture, shape: tuple[int, ...]) -> Array:
    """The field at every place of a tensor, in row-major order."""

    def values(index: Int[Array, " points"]) -> Float[Array, " points"]:
        return architecture.values(field, architecture.features(coordinates(index, shape)))

    count = math.prod(shape)
    if count <= BLOCK:
        return values(jnp.arange(count))
    blocks = -(-count // BLOCK)
    index = jnp.minimum(jnp.arange(blocks * BLOCK), count - 1).reshape(blocks, BLOCK)
    return jax.lax.map(values, index).reshape(-1)[:count]
