"""CoDeQ: a quantizer whose dead zone and bit width are learned (Wenshøj et al. 2025, 2512.12981).

For each tensor, with absmax the 0.99 quantile of |w| and scalars t_dz and t_bit that start at 3,

    B = round((max_bits - min_bits) |tanh t_bit| + min_bits),   Q = 2^(B - 1) - 1
    d = 2 absmax (1 - |tanh t_dz|),   s = (absmax - d / 2) / (Q - 1/2) + 1e-8,   h = d / 2 - s / 2
    q = clip(round(sign(w) max(|w| - h, 0) / s), -Q, Q),   w_hat = s q + h sign(q)

so that w_hat = 0 exactly where |w| <= d / 2. Gradients go straight through the rounding, the
maximum and the clipping, outside its range too. Decay of t_dz widens the dead zone and decay of
t_bit lowers the bits; it is the optimizer's, decoupled, with a group for each label: an L2 term in
the loss would be another algorithm. As d nears 2 absmax the step s would vanish, so |tanh t_dz|
has a floor, with gradients as if it had none. Two bits at least: one has no level but zero.
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from lab.runtime import patterns
from lab.runtime.errors import UnsuitableSetting, UnsuitableWeights
from lab.runtime.patterns import NO_PARTS, Parts
from lab.runtime.reparameterization import (
    Packed,
    Reparameterization,
    Shapes,
    Split,
    Stream,
    Weights,
)
from lab.runtime.straight_through import straight_through
from lab.spec.declare import Bits, Share, component, parameter

#: What both scalars start from.
START = 3.0
#: Added to a step, so that a tensor of zeros has one.
SMALLEST = 1e-8


class Grid(NamedTuple):
    """Where a tensor's levels lie: w_hat = (q + offset sign(q)) step."""

    levels: Float[Array, "..."]
    step: Float[Array, ""]
    offset: Float[Array, ""]
    bits: Float[Array, ""]
    dead_zone: Float[Array, ""]
    absmax: Float[Array, ""]


@component(
    "codeq",
    kind="reparameterization",
    stage="train",
    facts="lab.runtime.facts.methods:codeq",
    curves=("bits", "zeros"),
)
class CoDeQ(Reparameterization):
    """Weights on a grid with a dead zone; its width and the bits of each tensor are trained.

    Example:
        >>> method = CoDeQ()
        >>> split = method.init({"w": jnp.array([[-1.0, 0.001, 1.0]])}, key=jax.random.key(0))
        >>> [round(float(w), 3) for w in method.materialize(split)["w"][0]]
        [-1.0, 0.0, 1.0]
    """

    min_bits: Bits = parameter(2, "least bits of a weight", low=2, high=16)
    max_bits: Bits = parameter(8, "most bits of a weight", low=2, high=16)
    quantile: float = parameter(0.99, "of |w| that the largest level stands for", above=0, high=1)
    widest: Share = parameter(0.95, "of the range that the dead zone may take", low=0, below=1)
    within: tuple[str, ...] = parameter(("**",), "patterns of the weights to take", name="in")
    exclude: tuple[Literal["norms", "biases", "stem", "head"] | str, ...] = parameter(
        (), "patterns and words of those to leave as they are", name="except"
    )
    min_size: int = parameter(0, "numbers that a weight has at least to be taken", low=0)

    bit_groups = ("theta_bit",)

    def choose(self, weights: Weights, parts: Parts = NO_PARTS) -> tuple[str, ...]:
        """Tensors that the patterns stand for and that are not left out."""
        return patterns.choose(
            weights, self.within, min_size=self.min_size, leave_out=self.exclude, parts=parts
        )

    def init(self, weights: Weights, *, key: PRNGKeyArray) -> Split:
        """The weights, and two scalars for each."""
        del key
        if self.min_bits > self.max_bits:
            raise UnsuitableSetting(
                f"`codeq` has from {self.min_bits} to {self.max_bits} bits: `min_bits` has to be "
                "the smaller one"
            )
        train: dict[str, Array] = {}
        for path, values in weights.items():
            if not jnp.issubdtype(values.dtype, jnp.floating):
                raise UnsuitableWeights(f"{path} is {values.dtype}; only floats can be quantized")
            train[path] = values
            train[f"{path}/theta_dz"] = jnp.full((), START, jnp.float32)
            train[f"{path}/theta_bit"] = jnp.full((), START, jnp.float32)
        return Split(train, {})

    def materialize(self, split: Split) -> dict[str, Array]:
        """Weights on their grids, gradients straight through."""
        made = {}
        for path in _paths(split.train):
            grid = self.grid(split, path)
            made[path] = _levels_as_weights(grid).astype(split.train[path].dtype)
        return made

    def labels(self, split: Split) -> dict[str, str]:
        """`theta_dz` and `theta_bit` for the scalars, `weights` for the rest."""
        return {name: _label(name) for name in split.train}

    def curves(self, split: Split) -> Mapping[str, float]:
        """Bits of a weight, and the share of weights that are zero, over all tensors."""
        grids = [self.grid(split, path) for path in _paths(split.train)]
        count = max(sum(grid.levels.size for grid in grids), 1)
        bits = sum(float(grid.bits) * grid.levels.size for grid in grids)
        zeros = sum(int(jnp.sum(grid.levels == 0)) for grid in grids)
        return {"bits": bits / count, "zeros": zeros / count}

    def pack(self, split: Split) -> Packed:
        """Levels in the tensor's bits; step and offset in float32."""
        made = {}
        for path in _paths(split.train):
            grid = self.grid(split, path)
            numbers = np.array([grid.step, grid.offset], np.float32)
            levels = np.asarray(grid.levels).astype(np.int16)
            made[path] = {
                "levels": Stream(levels, int(grid.bits)),
                "grid": Stream(numbers, 32),
            }
        return made

    def unpack(self, packed: Packed, shapes: Shapes) -> dict[str, np.ndarray]:
        """Levels put back on their grids."""
        made = {}
        for path, shape in shapes.items():
            step, offset = jnp.asarray(packed[path]["grid"].values)
            levels = jnp.asarray(packed[path]["levels"].values.astype(np.float32)).reshape(shape)
            made[path] = np.asarray((levels + offset * jnp.sign(levels)) * step)
        return made

    def grid(self, split: Split, path: str) -> Grid:
        """Levels of a tensor, whole numbers as floats, and what is needed to place them."""
        weights = split.train[path].astype(jnp.float32)
        absmax = _quantile_of_magnitude(weights, self.quantile)
        bits = self._bits(split.train[f"{path}/theta_bit"])
        top = 2.0 ** (bits - 1) - 1
        openness = jnp.abs(jnp.tanh(split.train[f"{path}/theta_dz"]))
        floor = jnp.full_like(openness, 1 - self.widest)
        dead_zone = 2 * absmax * (1 - straight_through(openness, jnp.maximum(openness, floor)))
        step = (absmax - dead_zone / 2) / (top - 0.5) + SMALLEST
        shift = dead_zone / 2 - step / 2
        # At zero either sign will do, but a sign of zero would keep a weight there for ever.
        sign = jnp.where(weights < 0, -1.0, 1.0)
        above = sign * weights - shift
        scaled = sign * straight_through(above, jnp.maximum(above, 0.0)) / step
        levels = straight_through(scaled, jnp.clip(jnp.round(scaled), -top, top))
        return Grid(levels, step, shift / step, bits, dead_zone, absmax)

    def _bits(self, theta: Float[Array, ""]) -> Float[Array, ""]:
        bits = (self.max_bits - self.min_bits) * jnp.abs(jnp.tanh(theta)) + self.min_bits
        return straight_through(bits, jnp.round(bits))


def _levels_as_weights(grid: Grid) -> Float[Array, "..."]:
    # A sum and then a product, which a compiler cannot fuse into another rounding: what is rebuilt
    # from a file is the same to the bit.
    return (grid.levels + grid.offset * jnp.sign(grid.levels)) * grid.step


def _quantile_of_magnitude(weights: Float[Array, "..."], quantile: float) -> Float[Array, ""]:
    if not weights.size:
        return jnp.zeros(())
    magnitudes = jnp.abs(jax.lax.stop_gradient(weights)).reshape(-1)
    return jnp.quantile(magnitudes, quantile)


def _paths(train: Weights) -> list[str]:
    return [name for name in train if _label(name) == "weights"]


def _label(name: str) -> str:
    ending = name.rpartition("/")[2]
    return ending if ending in ("theta_dz", "theta_bit") else "weights"
