"""Random streams: one key for each purpose, equal in every arm of a replicate.

A stream is `fold_in(fold_in(fold_in(PRNG(seed), component), occurrence), stream)`, where
`occurrence` counts the stages of the same component earlier in the pipeline. So replicate *k* of
two arms draws the same batches wherever they do the same thing, and two `finetune` stages of one
arm do not repeat each other. Nothing depends on where a run stands among others.
"""

import hashlib
from collections.abc import Callable, Sequence
from functools import cache, lru_cache

import jax
import numpy as np
from jaxtyping import Array, Int32, PRNGKeyArray, UInt32

from lab.runtime.executables import kept

#: Seeds below this are one number of a program.
_SMALL = 2**31
#: Keys that are kept: runs of one seed come one after another.
_KEPT = 256


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
        return _at(here, (_number(component), occurrence, _number(name)))

    return stream


@lru_cache(_KEPT)
def _at(seed: int, path: tuple[int, int, int]) -> PRNGKeyArray:
    """The key at the end of a path. Runs that differ in other things than the seed share it."""
    numbers = np.array(path, np.uint32)
    if 0 <= seed < _SMALL:
        return _small(np.int32(seed), numbers)
    return _key(jax.random.key(seed), numbers)


@kept()
def _small(seed: Int32[Array, ""], path: UInt32[Array, "3"]) -> PRNGKeyArray:
    """The same in one program, where a seed fits into it."""
    return _key(jax.random.key(seed), path)


@kept()
def _key(key: PRNGKeyArray, path: UInt32[Array, "3"]) -> PRNGKeyArray:
    for number in path:
        key = jax.random.fold_in(key, number)
    return key


@cache
def _number(name: str) -> int:
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big")
