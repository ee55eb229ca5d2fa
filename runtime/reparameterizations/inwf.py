"""Implicit neural weight fields: each weight tensor is a small network of its own coordinates.

    W[i, j, …] = sigma · f(gamma(c(i, j, …))) + mu

`f` is a SIREN (`lab.runtime.fields`) or another small network, `gamma` an encoding, `mu` and
`sigma` the tensor's mean and standard deviation. What is shipped are the numbers of `f`, and `mu`
and `sigma`. The idea is that of NeRN (Ashkenazi et al. 2023, arXiv 2212.13554), with a field per
tensor in place of one for the network. A trained tensor is nearly noise to a coordinate map: expect
R² of about 1.5 p / n from a field of p numbers for n weights.
"""

import math
import zlib
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from lab.runtime import patterns
from lab.runtime.encoding import Encoding
from lab.runtime.encodings.fourier import Fourier
from lab.runtime.errors import UnsuitableWeights
from lab.runtime.field_objective import FieldObjective
from lab.runtime.fields import Architecture, Field, coordinates, cut, entries, field_at
from lab.runtime.objective import Objective, Sampled, spread
from lab.runtime.reparameterization import Packed, Shapes, Split, Stream, Weights
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
    storage: Literal["float16", "float32"] = parameter("float16", "how numbers are shipped")
    within: tuple[str, ...] = parameter(("**",), "patterns of the weights to take", name="in")
    min_size: int = parameter(10000, "numbers that a weight has at least to be taken", low=0)

    def choose(self, weights: Weights) -> tuple[str, ...]:
        """Tensors that the patterns stand for and that are large enough for a field to pay."""
        return patterns.choose(weights, self.within, min_size=self.min_size)

    def init(self, weights: Weights, *, key: PRNGKeyArray) -> Split:
        """Fields with random numbers; means, spreads and shapes of their tensors."""
        train: dict[str, Array] = {}
        fixed: dict[str, Array] = {}
        for path, values in weights.items():
            if not values.ndim or not values.size:
                raise UnsuitableWeights(
                    f"{path} has shape {tuple(values.shape)}: a field needs an axis and a weight"
                )
            # By its name, so that a start does not depend on which other tensors are taken.
            own = jax.random.fold_in(key, zlib.crc32(path.encode()))
            train |= entries(path, self.architecture.start(values.ndim, key=own))
            fixed[f"{path}/mean"] = jnp.mean(values)
            fixed[f"{path}/spread"] = spread(values)
            # An array of no numbers that says a shape, where a split has room for arrays alone.
            fixed[f"{path}/shape"] = jnp.zeros((0, *values.shape), values.dtype)
        return Split(train, fixed)

    def materialize(self, split: Split) -> dict[str, Array]:
        """The fields at every place of their tensors."""
        return {
            path: self._weight(split, path, like) for path, like in _shapes(split.fixed).items()
        }

    def rounded(self, split: Split) -> Split:
        """Numbers as they are stored."""
        return Split({n: stored(v, self.storage) for n, v in split.train.items()}, split.fixed)

    def pack(self, split: Split) -> Packed:
        """All numbers of a field in one stream, and its mean and spread in float32."""
        made = {}
        for path in _shapes(split.fixed):
            field = entries(path, field_at(path, split.train, hidden=self.layers))
            numbers = np.concatenate([np.ravel(values) for values in field.values()])
            normal = [split.fixed[f"{path}/mean"], split.fixed[f"{path}/spread"]]
            made[path] = {
                "field": Stream(shipped(numbers, self.storage, of=path), _BITS[self.storage]),
                "normal": Stream(np.asarray(normal, np.float32), 32),
            }
        return made

    def unpack(self, packed: Packed, shapes: Shapes) -> dict[str, np.ndarray]:
        """The fields evaluated again."""
        train: dict[str, Array] = {}
        fixed: dict[str, Array] = {}
        for path, shape in shapes.items():
            numbers = packed[path]["field"].values.astype(np.float32)
            train |= entries(path, cut(numbers, self.architecture.sizes(len(shape))))
            mean, deviation = jnp.asarray(packed[path]["normal"].values)
            fixed |= {f"{path}/mean": mean, f"{path}/spread": deviation}
            fixed[f"{path}/shape"] = jnp.zeros((0, *shape), jnp.float32)
        made = self.materialize(Split(train, fixed))
        return {path: np.asarray(values) for path, values in made.items()}

    def objective(self, shapes: dict[str, tuple[int, ...]], batch: int | None) -> Objective:
        """A fit of all fields at once, on some or all of the coordinates."""
        return FieldObjective(
            architecture=self.architecture, shapes=tuple(shapes.items()), batch=batch
        )

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

    def _weight(self, split: Split, path: str, like: Array) -> Array:
        shape = like.shape[1:]
        values = _everywhere(
            field_at(path, split.train, hidden=self.layers),
            jnp.asarray(self.w0, jnp.float32),
            architecture=replace(self.architecture, w0=0.0),
            shape=shape,
        )
        made = values * split.fixed[f"{path}/spread"] + split.fixed[f"{path}/mean"]
        return made.reshape(shape).astype(like.dtype)


_BITS = {"float16": 16, "float32": 32}


def _shapes(fixed: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays that say shapes, by the path of the tensor."""
    ending = "/shape"
    return {name.removesuffix(ending): a for name, a in fixed.items() if name.endswith(ending)}


@partial(jax.jit, static_argnames=("architecture", "shape"))
def _everywhere(
    field: Field, w0: Float[Array, ""], *, architecture: Architecture, shape: tuple[int, ...]
) -> Float[Array, " points"]:
    """The field at every place of a tensor, in row-major order."""
    traced = replace(architecture, w0=w0)

    def values(index: Int[Array, " points"]) -> Float[Array, " points"]:
        return traced.values(field, traced.features(coordinates(index, shape)))

    count = math.prod(shape)
    if count <= BLOCK:
        return values(jnp.arange(count))
    blocks = -(-count // BLOCK)
    index = jnp.minimum(jnp.arange(blocks * BLOCK), count - 1).reshape(blocks, BLOCK)
    return jax.lax.map(values, index).reshape(-1)[:count]
