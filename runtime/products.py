"""Which of XLA's kernels compute a program's products of matrices, on a processor.

XLA's own choice (YNNPACK) takes longer over large products than oneDNN, which it carries too. But
a program with oneDNN's cannot be written out, and has to be compiled in each process that wants it.
So oneDNN is for programs that are mostly large products, and so many that compiling is soon paid
for (`docs/decisions/0025-large-products-are-onednns.md`).
"""

import math
import platform
from collections.abc import Iterator, Mapping
from typing import Any

import jax

#: From so many multiplications on a product is large (of one matrix, where many are multiplied at
#: once), and from so many in its large products on it pays for a program.
LARGE, MANY = 1 << 25, 1 << 33
#: Reductions stay with YNNPACK.
ONEDNN: Mapping[str, bool | str] = {
    "xla_cpu_use_onednn": True,
    "xla_cpu_experimental_onednn_fusion_type": "LIBRARY_FUSION_TYPE_INDIVIDUAL_DOT",
    "xla_cpu_experimental_ynn_fusion_type": "LIBRARY_FUSION_TYPE_REDUCE",
}


def options(jaxpr: Any) -> dict[str, bool | str]:
    """XLA's options for a program, none where its own choice is kept.

    Args:
        jaxpr: the program, closed.
    """
    if jax.default_backend() != "cpu" or platform.machine() not in ("x86_64", "AMD64"):
        return {}
    large = sum(all_of_them for one, all_of_them in _products(jaxpr.jaxpr) if one >= LARGE)
    return dict(ONEDNN) if large >= MANY else {}


def _products(jaxpr: Any) -> Iterator[tuple[int, int]]:
    """The multiplications of each product in float32: of one matrix, and of all in it."""
    for equation in jaxpr.eqns:
        if equation.primitive.name == "dot_general":
            if all(one.aval.dtype == "float32" for one in equation.invars):
                yield _multiplications(equation)
        else:
            for inside in jax.tree.leaves(list(equation.params.values()), is_leaf=_is_program):
                if _is_program(inside):
                    yield from _products(getattr(inside, "jaxpr", inside))


def _is_program(value: Any) -> bool:
    return hasattr(value, "eqns")


def _multiplications(equation: Any) -> tuple[int, int]:
    (contracted, _), (batched, _) = equation.params["dimension_numbers"]
    shape = equation.invars[0].aval.shape
    many = math.prod(equation.outvars[0].aval.shape) * math.prod(shape[axis] for axis in contracted)
    return many // max(1, math.prod(shape[axis] for axis in batched)), many
