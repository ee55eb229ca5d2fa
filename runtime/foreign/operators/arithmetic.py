"""Sums, products, powers and functions of each element."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from lab.runtime.foreign.operators.common import as_float, paired


def add(x: Any, other: Any, alpha: float = 1) -> Array:
    """`x + alpha · other`."""
    x, other = paired(x, other)
    return jnp.add(x, other if alpha == 1 else other * alpha)


def subtract(x: Any, other: Any, alpha: float = 1) -> Array:
    """`x - alpha · other`."""
    x, other = paired(x, other)
    return jnp.subtract(x, other if alpha == 1 else other * alpha)


def subtract_from(x: Any, other: Any, alpha: float = 1) -> Array:
    """`other - alpha · x`."""
    return subtract(other, x, alpha)


def multiply(x: Any, other: Any) -> Array:
    """`x · other`."""
    return jnp.multiply(*paired(x, other))


def divide(x: Any, other: Any, rounding_mode: str | None = None) -> Array:
    """`x / other`, rounded down (`floor`) or towards zero (`trunc`) where that is asked."""
    x, other = paired(x, other)
    if rounding_mode == "floor":
        return jnp.floor_divide(x, other)
    if rounding_mode == "trunc":
        whole = jnp.issubdtype(jnp.result_type(x, other), jnp.integer)
        return _towards_zero(x, other) if whole else jnp.trunc(jnp.divide(x, other))
    return jnp.divide(x, other)


def _towards_zero(x: Any, other: Any) -> Array:
    x, other = jnp.broadcast_arrays(*map(jnp.asarray, (x, other)))
    dtype = jnp.result_type(x, other)
    return lax.div(x.astype(dtype), other.astype(dtype))


def remainder(x: Any, other: Any) -> Array:
    """What is left of a division, with the sign of `other`."""
    return jnp.remainder(*paired(x, other))


def power(x: Any, exponent: Any) -> Array:
    """`x ** exponent`."""
    if isinstance(exponent, int | float) and float(exponent).is_integer() and 0 < exponent <= 4:
        return lax.integer_pow(jnp.asarray(x), int(exponent))
    return jnp.power(*paired(x, exponent))


def clamp(x: Array, *bounds: Any, min: Any = None, max: Any = None) -> Array:
    """`x` within bounds, either of which may be absent; the type of `x` stays."""
    low, high = (*bounds, None, None)[:2] if bounds else (min, max)
    if low is not None:
        x = _of_kind(x, low)
        x = jnp.maximum(*paired(x, low))
    if high is not None:
        x = _of_kind(x, high)
        x = jnp.minimum(*paired(x, high))
    return x


def _of_kind(x: Array, bound: Any) -> Array:
    """Whole numbers become floats under a bound that is one."""
    return as_float(x) if isinstance(bound, float) else x


def clamp_min(x: Array, min: Any) -> Array:
    """`x`, and `min` where that is larger."""
    return clamp(x, min=min)


def clamp_max(x: Array, max: Any) -> Array:
    """`x`, and `max` where that is smaller."""
    return clamp(x, max=max)


def interpolate_linearly(x: Array, end: Array, weight: Any) -> Array:
    """`x + weight · (end - x)`."""
    return add(x, multiply(subtract(end, x), weight))


def add_product(x: Array, a: Array, b: Array, value: float = 1) -> Array:
    """`x + value · a · b`."""
    return add(x, multiply(a, b), value)


def add_quotient(x: Array, a: Array, b: Array, value: float = 1) -> Array:
    """`x + value · a / b`."""
    return add(x, divide(a, b), value)


def round_to(x: Array, decimals: int = 0) -> Array:
    """The nearest whole number, or the nearest with some decimals; halves go to the even one."""
    return jnp.round(x, decimals)


def _binary(function: Callable[..., Array]) -> Callable[..., Array]:
    def operator(x: Any, other: Any) -> Array:
        return function(*paired(x, other))

    return operator


def _of_floats(function: Callable[[Array], Array]) -> Callable[[Array], Array]:
    def operator(x: Array) -> Array:
        return function(as_float(x))

    return operator


_FUNCTIONS: dict[str, Callable[[Array], Array]] = {
    "acos": jnp.arccos,
    "asin": jnp.arcsin,
    "atan": jnp.arctan,
    "cos": jnp.cos,
    "cosh": jnp.cosh,
    "erf": jax.scipy.special.erf,
    "erfc": jax.scipy.special.erfc,
    "exp": jnp.exp,
    "exp2": jnp.exp2,
    "expm1": jnp.expm1,
    "log": jnp.log,
    "log10": jnp.log10,
    "log1p": jnp.log1p,
    "log2": jnp.log2,
    "reciprocal": jnp.reciprocal,
    "rsqrt": lax.rsqrt,
    "sigmoid": jax.nn.sigmoid,
    "sin": jnp.sin,
    "sinh": jnp.sinh,
    "sqrt": jnp.sqrt,
    "tan": jnp.tan,
    "tanh": jnp.tanh,
}

TABLE = {
    **{name: _of_floats(function) for name, function in _FUNCTIONS.items()},
    "abs": jnp.abs,
    "add.Scalar": add,
    "add.Tensor": add,
    "addcdiv": add_quotient,
    "addcmul": add_product,
    "atan2": _binary(jnp.arctan2),
    "ceil": jnp.ceil,
    "clamp": clamp,
    "clamp.Tensor": clamp,
    "clamp_max": clamp_max,
    "clamp_max.Tensor": clamp_max,
    "clamp_min": clamp_min,
    "clamp_min.Tensor": clamp_min,
    "div.Scalar": divide,
    "div.Scalar_mode": divide,
    "div.Tensor": divide,
    "div.Tensor_mode": divide,
    "floor": jnp.floor,
    "floor_divide": _binary(jnp.floor_divide),
    "fmod.Scalar": _binary(jnp.fmod),
    "fmod.Tensor": _binary(jnp.fmod),
    "lerp.Scalar": interpolate_linearly,
    "lerp.Tensor": interpolate_linearly,
    "maximum": _binary(jnp.maximum),
    "max.other": _binary(jnp.maximum),
    "minimum": _binary(jnp.minimum),
    "min.other": _binary(jnp.minimum),
    "mul.Scalar": multiply,
    "mul.Tensor": multiply,
    "neg": jnp.negative,
    "pow.Scalar": power,
    "pow.Tensor_Scalar": power,
    "pow.Tensor_Tensor": power,
    "remainder.Scalar": remainder,
    "remainder.Tensor": remainder,
    "round": round_to,
    "round.decimals": round_to,
    "rsub.Scalar": subtract_from,
    "rsub.Tensor": subtract_from,
    "sign": jnp.sign,
    "square": jnp.square,
    "sub.Scalar": subtract,
    "sub.Tensor": subtract,
    "trunc": jnp.trunc,
}
