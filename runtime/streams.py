"""Random streams: one key for each purpose, equal in every arm of a replicate.

A stream is `fold_in(fold_in(fold_in(PRNG(seed), component), occurrence), stream)`, where
`occurrence` counts the stages of the same component earlier in the pipeline. So replicate *k* of
two arms draws the same batches wherever they do the same thing, and two `finetune` stages of one
arm do not repeat each other. Nothing depends on where a run stands among others.
"""

import hashlib
from collections.abc import Callable, Sequence

import jax
from jaxtyping import PRNGKeyArray


def streams(
    component: str, occurrence: int, seed: int, vary: Sequence[str]
) -> Callable[[str], PRNGKeyArray]:
    """The keys of a stage's streams.

    Args:
        component: the stage's name. `occurrence`: how many of these came before it in the pipeline.
        seed: the replicate's. `vary`: streams that differ between replicates; empty means all, the
            others are those of seed 0.
    """

    def stream(name: str) -> PRNGKeyArray:
        here = seed if not vary or name in vary else 0
        key = jax.random.fold_in(jax.random.key(here), _number(component))
        return jax.random.fold_in(jax.random.fold_in(key, occurrence), _number(name))

    return stream


def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
