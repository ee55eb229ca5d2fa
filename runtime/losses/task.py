"""Cross-entropy with the labels, smoothed or not (Szegedy et al. 2016, arXiv 1512.00567, sec. 7).

loss = - sum_k q_k log softmax(logits)_k,   q = (1 - smoothing) onehot(label) + smoothing / K

Where labels are numbers, it is the squared error of the only logit; there is nothing to smooth.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from lab.runtime.loss import Logits, Loss, Targets
from lab.spec.declare import Share, component, parameter


@component("task", kind="loss", facts="lab.runtime.facts.training:nothing_more", curves=())
class Task(Loss):
    """Cross-entropy, or the squared error where labels are numbers.

    Example:
        >>> loss = Task().per_example(jnp.zeros((1, 2)), jnp.zeros(1, jnp.int32))
        >>> round(float(loss[0]), 4)
        0.6931
    """

    label_smoothing: Share = parameter(
        0.0, "share of the target spread over all classes", low=0, below=1, traced=True
    )

    def per_example(
        self, logits: Logits, targets: Targets, *, teacher: Logits | None = None
    ) -> Float[Array, " batch"]:
        """The cross-entropy of every example, or its squared error."""
        del teacher
        if targets.ndim == 1 and jnp.issubdtype(targets.dtype, jnp.floating):
            return jnp.square(logits[:, 0] - targets)
        surprise = -jax.nn.log_softmax(logits)
        if targets.ndim == 1:
            own = jnp.take_along_axis(surprise, targets[:, None], axis=1)[:, 0]
        else:
            own = jnp.sum(surprise * targets, axis=1)
        spread = jnp.mean(surprise, axis=1)
        return own + self.label_smoothing * (spread - own)
