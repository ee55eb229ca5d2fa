"""Tables of positions, fitted to images of another size.

A transformer's embeddings of positions are a grid of patches, behind a few tokens that stand for no
place; a window's biases are a grid of offsets. A grid of another side is interpolated, as is usual
when a network is trained on at another resolution (Dosovitskiy et al. 2021, arXiv 2010.11929,
section 3.2): by cubics (Keys 1981), with a filter as wide as the reduction.
"""

from math import isqrt

import jax
import jax.numpy as jnp
import numpy as np

#: Parts of the names of tables of positions, and of tables of biases.
_POSITIONS = ("pos_embed", "position_embedding")
_BIASES = ("relative_position_bias_table",)
#: Tokens that may stand before the grid.
_TOKENS = (1, 0, 2, 5)


def interpolated(name: str, values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray | None:
    """A table of positions in another shape; None where it is no such table.

    Example:
        >>> interpolated("pos_embed", np.ones((1, 17, 8)), (1, 5, 8)).shape
        (1, 5, 8)
    """
    if values.ndim != len(shape) or values.ndim not in (2, 3) or values.shape[-1] != shape[-1]:
        return None
    if values.ndim == 3 and (values.shape[0], shape[0]) != (1, 1):
        return None
    rows, new = values.shape[-2], shape[-2]
    tokens = _TOKENS if any(part in name for part in _POSITIONS) else ()
    tokens = (0,) if any(part in name for part in _BIASES) else tokens
    for count in tokens:
        if _is_square(rows - count) and _is_square(new - count):
            table = values.reshape(rows, values.shape[-1])
            return _of_side(table, count, isqrt(new - count)).reshape(shape)
    return None


def _is_square(count: int) -> bool:
    return count > 0 and isqrt(count) ** 2 == count


def _of_side(table: np.ndarray, tokens: int, side: int) -> np.ndarray:
    old, width = isqrt(len(table) - tokens), table.shape[1]
    grid = jnp.asarray(table[tokens:], jnp.float32).reshape(old, old, width)
    made = jax.image.resize(grid, (side, side, width), "cubic")
    return np.concatenate([table[:tokens], np.asarray(made).reshape(side * side, width)])
