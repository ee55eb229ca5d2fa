"""Rounding that a gradient goes straight through.

`straight_through(x, y)` has the value `y` and the derivative of `x` (Bengio et al. 2013,
arXiv 1308.3432, section 4). Written `x + stop_gradient(y - x)`, its value would be off by one
rounding.
"""

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lab.runtime.errors import UnsuitableWeights


@jax.custom_jvp
def straight_through(x: Float[Array, "..."], y: Float[Array, "..."]) -> Float[Array, "..."]:
    """`y`, with the derivative of `x`."""
    del x
    return y


@straight_through.defjvp
def _derivative(primals: tuple[Array, Array], tangents: tuple[Array, Array]) -> tuple[Array, Array]:
    return primals[1], tangents[0]


def shipped(values: Array | np.ndarray, dtype: str, *, of: str) -> np.ndarray:
    """The numbers `of` a weight as they are stored, on the host.

    Raises `UnsuitableWeights` where one is beyond the type's range.
    """
    with np.errstate(over="ignore"):
        made = np.asarray(values).astype(dtype)
    if not np.all(np.isfinite(made)):
        raise UnsuitableWeights(
            f"{of} holds a number that {dtype} cannot (its largest is {np.finfo(dtype).max}); "
            "store it as float32, or see why it is so large"
        )
    return made


def stored(x: Float[Array, "..."], dtype: str) -> Float[Array, "..."]:
    """`x` as it is after being stored in another floating type, straight through."""
    return straight_through(x, x.astype(jnp.dtype(dtype)).astype(x.dtype))
