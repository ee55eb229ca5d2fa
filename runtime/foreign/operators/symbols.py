"""Arithmetic with sizes: whole numbers and truth values, known when a graph is run."""

import math
import operator
from collections.abc import Sequence
from typing import Any

from jaxtyping import Array

Number = int | float | bool


def size(x: Array, dim: int) -> int:
    """The size of an axis."""
    return x.shape[dim]


def item(parts: Sequence[Any], place: int) -> Any:
    """One of several results."""
    return parts[place]


def either(condition: bool, then: Number, otherwise: Number) -> Number:
    """One number or the other."""
    return then if condition else otherwise


_NAMED = {
    "add": operator.add,
    "and_": operator.and_,
    "ceil": math.ceil,
    "eq": operator.eq,
    "floor": math.floor,
    "floordiv": operator.floordiv,
    "ge": operator.ge,
    "gt": operator.gt,
    "le": operator.le,
    "lt": operator.lt,
    "mod": operator.mod,
    "mul": operator.mul,
    "ne": operator.ne,
    "neg": operator.neg,
    "or_": operator.or_,
    "pow": operator.pow,
    "sub": operator.sub,
    "sym_float": float,
    "sym_int": int,
    "sym_ite": either,
    "sym_max": max,
    "sym_min": min,
    "sym_not": operator.not_,
    "truediv": operator.truediv,
    "trunc": math.trunc,
}

TABLE = {
    "getitem": item,
    "sym_size": size,
    **{f"symbol.{name}": function for name, function in _NAMED.items()},
}
