"""Global magnitude pruning: the smallest weights of all tensors together are zero.

    m = 1 where |w| is among the (1 - sparsity) n largest,   w_hat = m w

Han et al. 2015 (arXiv 1506.02626, section 3) per layer; one threshold for the whole network is the
"global" magnitude pruning of Blalock et al. 2020 (arXiv 2003.03033, section 2). The mask is fixed:
training through it moves the surviving weights only.
"""

from typing import Literal

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PRNGKeyArray

from lab.runtime import patterns
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
from lab.spec.declare import Share, component, parameter


@component(
    "prune",
    kind="reparameterization",
    stage="apply",
    facts="lab.runtime.facts.methods:prune",
    curves=(),
)
class Prune(Reparameterization):
    """Weights with the smallest `sparsity` of them set to zero; ships a mask and the others.

    Example:
        >>> import jax, jax.numpy as jnp
        >>> method = Prune(sparsity=0.5)
        >>> split = method.init({"w": jnp.array([[1.0, -4.0, 2.0, 3.0]])}, key=jax.random.key(0))
        >>> method.materialize(split)["w"].tolist()
        [[0.0, -4.0, 0.0, 3.0]]
    """

    sparsity: Share = parameter(0.8, "share of the weights that are zero", low=0, high=1)
    storage: Literal["float32", "float16"] = parameter("float32", "how survivors are stored")
    within: tuple[str, ...] = parameter(("**",), "patterns of the weights to take", name="in")
    exclude: tuple[Literal["norms", "biases", "stem", "head"] | str, ...] = parameter(
        (), "patterns and words of those to leave as they are", name="except", legacy=()
    )
    min_size: int = parameter(0, "numbers that a weight has at least to be taken", low=0)

    def choose(self, weights: Weights, parts: Parts = NO_PARTS) -> tuple[str, ...]:
        """Tensors that the patterns stand for."""
        return patterns.choose(
            weights, self.within, min_size=self.min_size, leave_out=self.exclude, parts=parts
        )

    def init(self, weights: Weights, *, key: PRNGKeyArray) -> Split:
        """The weights to train, and the mask."""
        del key
        magnitudes = [np.abs(np.asarray(values)).reshape(-1) for values in weights.values()]
        everything = np.concatenate([*magnitudes, np.zeros(0, np.float32)])
        # A stable order, so that equal weights are removed in the order in which they stand.
        order = np.argsort(everything, kind="stable")
        kept = np.ones(everything.size, bool)
        kept[order[: round(self.sparsity * everything.size)]] = False
        ends = np.cumsum([part.size for part in magnitudes])[:-1]
        parts = zip(weights.items(), np.split(kept, ends), strict=True) if weights else ()
        masks = {path: jnp.asarray(part.reshape(values.shape)) for (path, values), part in parts}
        return Split(train=dict(weights), fixed=masks)

    def materialize(self, split: Split) -> dict[str, Array]:
        """The weights behind the mask."""
        return {
            path: jnp.where(split.fixed[path], values, jnp.zeros((), values.dtype))
            for path, values in split.train.items()
        }

    def rounded(self, split: Split) -> Split:
        """Survivors as they are stored."""
        train = {path: stored(values, self.storage) for path, values in split.train.items()}
        return Split(train, split.fixed)

    def pack(self, split: Split) -> Packed:
        """A bit for each weight, and the survivors in order."""
        bits = 32 if self.storage == "float32" else 16
        made = {}
        for path, values in split.train.items():
            mask = np.asarray(split.fixed[path])
            survivors = shipped(np.asarray(values)[mask], self.storage, of=path)
            made[path] = {"mask": Stream(mask, 1), "survivors": Stream(survivors, bits)}
        return made

    def unpack(self, packed: Packed, shapes: Shapes) -> dict[str, np.ndarray]:
        """Survivors put back where the mask is set."""
        made = {}
        for path, shape in shapes.items():
            values = np.zeros(shape, np.float32)
            values[packed[path]["mask"].values] = packed[path]["survivors"].values
            made[path] = values
        return made
