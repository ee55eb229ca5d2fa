"""Norms of what is removed together: what a structured penalty adds up.

    norm of a unit = || all weights that make its channels ||_2

It is the group lasso of Wen et al. (2016, arXiv 1608.03665, section 3.1) with coupled groups: over
a residual stream these are the filters of every block that adds to it, with the slopes and biases
of the norms behind them. Weights that read a channel belong to the channels that they make.
"""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from lab.runtime.foreign.channels import Channels
from lab.runtime.reparameterization import Weights


def unit_norms(layers: Channels, weights: Weights) -> Float[Array, " units"]:
    """The Euclidean norm of every unit's weights, zero for fixed units.

    Its gradient at zero is zero. `weights` are those that count, by name; others of the network
    may be missing.
    """
    squares = jnp.zeros(layers.count)
    for name, axis in making(layers):
        if name in weights:
            units = layers.axes[name][axis]
            others = tuple(i for i in range(weights[name].ndim) if i != axis)
            found = jnp.sum(jnp.square(weights[name]), axis=others)
            squares = squares.at[np.where(units >= 0, units, layers.count)].add(found, mode="drop")
    removable = np.ones(layers.count, bool)
    removable[list(layers.fixed)] = False
    alive = removable & (squares > 0)
    return jnp.where(alive, jnp.sqrt(jnp.where(alive, squares, 1.0)), 0.0)


def making(layers: Channels) -> tuple[tuple[str, int], ...]:
    """The (parameter, axis) pairs whose entries make channels, in place of reading them."""
    reading = {(one.weight, one.inputs) for one in layers.exits}
    parameters = {one.target for one in layers.graph.of_kind("parameter")}
    return tuple(
        (name, axis)
        for name, axes in layers.axes.items()
        if name in parameters
        for axis in range(len(axes))
        if (name, axis) not in reading
    )
