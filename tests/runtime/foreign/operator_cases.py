"""Arguments for every operator, as torch takes them: lists of (args, keyword args) by name.

`x(…)` is an array of normal numbers of that shape, `positive(…)` one of numbers in 0.2 … 1.8,
`whole(…, below=n)` one of whole numbers, `truth(…)` one of truth values.
"""

from zlib import crc32

import torch

Case = tuple[tuple, dict]


def _generator(shape: tuple[int, ...], kind: str) -> torch.Generator:
    return torch.Generator().manual_seed(crc32(f"{kind}{shape}".encode()))


def x(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=_generator(shape, "x"))


def y(*shape: int) -> torch.Tensor:
    return torch.randn(shape, generator=_generator(shape, "y"))


def positive(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=_generator(shape, "positive")) * 1.6 + 0.2


def share(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=_generator(shape, "share")) * 1.8 - 0.9


def whole(*shape: int, below: int = 5) -> torch.Tensor:
    return torch.randint(below, shape, generator=_generator(shape, "whole"))


def truth(*shape: int) -> torch.Tensor:
    return whole(*shape, below=2).bool()


def case(*args: object, **kwargs: object) -> Case:
    return args, kwargs


_PLAIN = case(x(3, 4))
_FUNCTIONS = (
    "abs",
    "atan",
    "ceil",
    "cos",
    "cosh",
    "erf",
    "erfc",
    "exp",
    "exp2",
    "expm1",
    "floor",
    "neg",
    "round",
    "sigmoid",
    "sign",
    "sin",
    "sinh",
    "square",
    "tan",
    "tanh",
    "trunc",
    "alias",
    "clone",
    "contiguous",
    "detach",
    "elu",
    "celu",
    "gelu",
    "hardshrink",
    "hardsigmoid",
    "hardswish",
    "hardtanh",
    "leaky_relu",
    "log_sigmoid",
    "mish",
    "relu",
    "relu6",
    "selu",
    "silu",
    "softplus",
    "softshrink",
    "isfinite",
    "isinf",
    "isnan",
    "lift_fresh_copy",
)
_OF_POSITIVE = ["log", "log10", "log1p", "log2", "reciprocal", "rsqrt", "sqrt"]
_COMPARISONS = ["eq", "ge", "gt", "le", "lt", "ne"]
_BITS = ["bitwise_and", "bitwise_or", "bitwise_xor", "__and__", "__or__", "__xor__"]

ELEMENTS: dict[str, list[Case]] = {
    **{name: [_PLAIN] for name in _FUNCTIONS},
    **{name: [case(positive(3, 4))] for name in _OF_POSITIVE},
    **{f"{name}.Scalar": [case(whole(3, 4), 2)] for name in _COMPARISONS},
    **{f"{name}.Tensor": [case(whole(3, 4), whole(4))] for name in _COMPARISONS},
    **{f"{name}.Scalar": [case(whole(3, 4), 3)] for name in _BITS},
    **{f"{name}.Tensor": [case(truth(3, 4), truth(4))] for name in _BITS},
    "acos": [case(share(3, 4))],
    "asin": [case(share(3, 4))],
    "add.Scalar": [case(x(3, 4), 2.5), case(whole(3), 2)],
    "add.Tensor": [case(x(3, 4), y(4)), case(x(3, 4), y(3, 4), alpha=0.5), case(x(3), whole(3))],
    "addcdiv": [case(x(3, 4), y(3, 4), positive(4), value=0.3)],
    "addcmul": [case(x(3, 4), y(3, 4), positive(4), value=0.3)],
    "atan2": [case(x(3, 4), y(4))],
    "bitwise_not": [case(truth(3, 4)), case(whole(3))],
    "clamp": [case(x(3, 4), -0.5, 0.5), case(x(3, 4), None, 0.1), case(x(3, 4), min=0.2)],
    "clamp.Tensor": [case(x(3, 4), y(4) - 1, y(4) + 1), case(x(3, 4), None, y(4))],
    "clamp_max": [case(x(3, 4), 0.5), case(whole(3), 2)],
    "clamp_max.Tensor": [case(x(3, 4), y(4))],
    "clamp_min": [case(x(3, 4), 0.5)],
    "clamp_min.Tensor": [case(x(3, 4), y(4))],
    "div.Scalar": [case(x(3, 4), 3), case(whole(3), 2)],
    "div.Scalar_mode": [case(x(3, 4), 0.3, rounding_mode="floor")],
    "div.Tensor": [case(x(3, 4), positive(4)), case(whole(3), whole(3) + 1)],
    "div.Tensor_mode": [
        case(x(3, 4), positive(4), rounding_mode="floor"),
        case(x(3, 4), positive(4), rounding_mode="trunc"),
        case(whole(6) - 3, torch.tensor(2), rounding_mode="trunc"),
        case(whole(6) - 3, torch.tensor(2), rounding_mode="floor"),
    ],
    "floor_divide": [case(whole(6) - 3, torch.tensor(2))],
    "fmod.Scalar": [case(x(3, 4), 0.4)],
    "fmod.Tensor": [case(x(3, 4), positive(4))],
    "lerp.Scalar": [case(x(3, 4), y(3, 4), 0.3)],
    "lerp.Tensor": [case(x(3, 4), y(3, 4), share(3, 4))],
    "maximum": [case(x(3, 4), y(4))],
    "max.other": [case(x(3, 4), y(4))],
    "minimum": [case(x(3, 4), y(4))],
    "min.other": [case(x(3, 4), y(4))],
    "mul.Scalar": [case(x(3, 4), 2)],
    "mul.Tensor": [case(x(3, 4), y(4)), case(x(3, 4), truth(4)), case(x(3, 4), y())],
    "pow.Scalar": [case(2.0, x(3, 4))],
    "pow.Tensor_Scalar": [
        case(x(3, 4), 2),
        case(x(3, 4), 3.0),
        case(positive(3, 4), 0.3),
        case(positive(3, 4), -0.5),
        case(whole(4), 2),
    ],
    "pow.Tensor_Tensor": [case(positive(3, 4), x(4))],
    "remainder.Scalar": [case(x(3, 4), 0.4), case(whole(6) - 3, 2)],
    "remainder.Tensor": [case(x(3, 4), positive(4))],
    "round.decimals": [case(x(3, 4), decimals=1)],
    "rsub.Scalar": [case(x(3, 4), 1.0), case(x(3, 4), 1, 2)],
    "rsub.Tensor": [case(x(3, 4), y(4))],
    "sub.Scalar": [case(x(3, 4), 1.5)],
    "sub.Tensor": [case(x(3, 4), y(4), alpha=2)],
    "logical_and": [case(truth(3, 4), truth(4))],
    "logical_not": [case(truth(3, 4)), case(whole(4))],
    "logical_or": [case(truth(3, 4), truth(4))],
    "logical_xor": [case(truth(3, 4), truth(4))],
    "masked_fill.Scalar": [case(x(2, 3, 4), truth(3, 4), -1e9), case(whole(4), truth(4), 7)],
    "masked_fill.Tensor": [case(x(3, 4), truth(4), torch.tensor(2.0))],
    "where.Scalar": [case(truth(3, 4), 1.0, 0.0)],
    "where.ScalarOther": [case(truth(3, 4), x(3, 4), -1.0)],
    "where.ScalarSelf": [case(truth(3, 4), 2.0, x(3, 4))],
    "where.self": [case(truth(3, 1), x(3, 4), y(4)), case(truth(4), x(3, 4), y())],
}

ACTIVATIONS: dict[str, list[Case]] = {
    "_log_softmax": [case(x(3, 4), 1, False)],
    "_softmax": [case(x(3, 4), 0, False)],
    "celu": [case(x(3, 4), 0.7)],
    "elu": [case(x(3, 4)), case(x(3, 4), 0.7, 1.2, 0.9)],
    "gelu": [case(x(3, 4)), case(x(3, 4), approximate="tanh"), case(x(3, 4) * 4)],
    "glu": [case(x(3, 4)), case(x(4, 3), 0)],
    "hardtanh": [case(x(3, 4), 0.0, 6.0)],
    "leaky_relu": [case(x(3, 4), 0.2)],
    "log_softmax.int": [case(x(3, 4), -1)],
    "prelu": [case(x(2, 3, 4), positive(3)), case(x(3, 4), positive(1))],
    "softmax.int": [case(x(3, 4), -1), case(x(3, 4), 0, torch.float32)],
    "softplus": [case(x(3, 4) * 20), case(x(3, 4), 2.0, 1.0)],
    "threshold": [case(x(3, 4), 0.1, -2.0)],
}

MAKING: dict[str, list[Case]] = {
    "arange": [case(5), case(5, dtype=torch.float32)],
    "arange.start": [case(2, 7)],
    "arange.start_step": [case(1, 9, 3), case(0.0, 1.0, 0.25)],
    "eye": [case(3)],
    "fill.Scalar": [case(x(3, 4), 2.0), case(whole(3), 1)],
    "fill.Tensor": [case(x(3, 4), torch.tensor(2.0))],
    "full": [case([2, 3], 1.5), case([2], 3), case([2], True), case([2], 1, dtype=torch.float32)],
    "full_like": [case(x(3, 4), 2), case(x(3), 2, dtype=torch.int64)],
    "linspace": [case(0.0, 1.0, 5)],
    "new_full": [case(x(3), [2, 2], 1.5)],
    "new_ones": [case(x(3), [2, 2]), case(x(3), [2], dtype=torch.bool)],
    "new_zeros": [case(whole(3), [2, 2])],
    "ones": [case([2, 3]), case([2], dtype=torch.int64)],
    "ones_like": [case(whole(3)), case(x(3), dtype=torch.bool)],
    "scalar_tensor": [case(2.5), case(2, dtype=torch.int64)],
    "tril": [case(x(4, 4)), case(x(2, 3, 4), 1)],
    "triu": [case(x(4, 4)), case(x(2, 3, 4), -1)],
    "zero": [case(x(3))],
    "zeros": [case([2, 3])],
    "zeros_like": [case(x(3))],
}
