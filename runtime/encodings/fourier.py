"""Fourier features of coordinates (Mildenhall et al. 2020, arXiv 2003.08934, section 5.1).

    gamma(c) = (sin(2^k pi c), cos(2^k pi c))   for every axis, k = 0 … bands - 1

They have period 2, which is why coordinates are the centers of cells: c = -1 and c = 1 would be one
point.
"""

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Float

from lab.runtime.encoding import Encoding
from lab.runtime.sine import cosine, sine
from lab.spec.declare import component, parameter


@component("fourier", kind="encoding", facts="lab.runtime.facts.methods:fourier")
class Fourier(Encoding):
    """Sines and cosines of each coordinate at `bands` octaves.

    Example:
        >>> (Fourier(bands=2).features(jnp.array([[0.5]])) + 1).round(3).ravel().tolist()
        [2.0, 1.0, 1.0, 0.0]
    """

    bands: int = parameter(4, "octaves", low=1, positional=True)

    def count(self, axes: int) -> int:
        """Two for each axis and octave."""
        return 2 * self.bands * axes

    def features(
        self, coordinates: Float[Array, "*tensors axes points"]
    ) -> Float[Array, "*tensors features points"]:
        """Sines of all axes and octaves, then cosines."""
        *tensors, axes, _ = coordinates.shape
        octaves = np.pi * 2.0 ** np.arange(self.bands)
        turn = np.kron(np.eye(axes), octaves[:, None]).astype(np.float32)
        # A product with a constant matrix, exact as it adds zeros only: XLA would compute the
        # coordinates anew for each of the angles if these were products of numbers.
        stacked = jnp.broadcast_to(turn, (*tensors, *turn.shape))
        angles = jnp.matmul(stacked, coordinates, precision=lax.Precision.HIGHEST)
        return jnp.concatenate([sine(angles), cosine(angles)], axis=-2)
