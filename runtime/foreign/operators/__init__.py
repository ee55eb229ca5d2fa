"""Operators of ATen in JAX: one file for each family, each with a table from name to function.

A name is that of ATen without its namespace and without `.default`: `conv2d`, `add.Tensor`. A
function takes the arrays that come first by position and whatever follows by the name that ATen's
schema gives it. Those in `RANDOM` are given `draws` besides. What a function answers has torch's
shape; its type is that of the weights where torch's would be float32.
"""

from collections.abc import Callable, Mapping
from typing import Any

from lab.runtime.foreign.operators import (
    activations,
    arithmetic,
    attention,
    comparisons,
    convolutions,
    indexing,
    making,
    normalizations,
    pooling,
    products,
    randomness,
    reductions,
    resampling,
    shapes,
    symbols,
)

Operator = Callable[..., Any]

#: Operators that draw random numbers.
RANDOM: Mapping[str, Operator] = {**randomness.TABLE, **attention.RANDOM}

OPERATORS: Mapping[str, Operator] = {
    **activations.TABLE,
    **arithmetic.TABLE,
    **comparisons.TABLE,
    **convolutions.TABLE,
    **indexing.TABLE,
    **making.TABLE,
    **normalizations.TABLE,
    **pooling.TABLE,
    **products.TABLE,
    **reductions.TABLE,
    **resampling.TABLE,
    **shapes.TABLE,
    **symbols.TABLE,
}


def is_known(name: str) -> bool:
    """Whether there is a function for an operator."""
    return name in OPERATORS or name in RANDOM
