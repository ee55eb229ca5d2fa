"""Cross-entropy with the labels, smoothed or not (Szegedy et al. 2016, arXiv 1512.00567, sec. 7).

loss = - sum_k q_k log softmax(logits)_k,   q = (1 - smoothing) onehot(label) + smoothing / K
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from lab.runtime.loss import Loss
from lab.spec.declare import Share, component, parameter


@component("task", kind="loss", facts="lab.runtime.facts.training:nothing_more")
class Task(Loss):
    """Cross-entropy.

    Example:
        >>> loss = Task().per_example(jnp.zeros((1, 2)), jnp.zeros(1, jnp.int32))
        >>> round(float(loss[0]), 4)
        0.6931
    """

    label_smoothing: Share = parameter(
        0.0, "share of the target spread over all classes", low=0, below=1, traced=True
    )

    def per_example(
        self, logits: Float[Array, "batch classes"], labels: Int[Array, " batch"]
    ) -> Float[Array, " batch"]:
        """The cross-entropy of every example."""
        surprise = -jax.nn.log_softmax(logits)
        own = jnp.take_along_axis(surprise, labels[:, None], axis=1)[:, 0]
        spread = jnp.mean(surprise, axis=1)
        return own + self.label_smoothing * (spread - own)
