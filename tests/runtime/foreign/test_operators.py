"""Every operator against torch: values, shapes, types, and gradients against float64."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

torch = pytest.importorskip("torch")

import operator_cases as plain  # noqa: E402
import operator_cases_of_axes as axes  # noqa: E402

from lab.runtime.bridge.constants import narrow_name  # noqa: E402
from lab.runtime.bridge.reading import named_arguments  # noqa: E402
from lab.runtime.foreign.operators import OPERATORS, RANDOM  # noqa: E402
from lab.runtime.foreign.operators.randomness import Draws  # noqa: E402

CASES = {
    **plain.ELEMENTS,
    **plain.ACTIVATIONS,
    **plain.MAKING,
    **axes.SHAPES,
    **axes.INDEXING,
    **axes.REDUCTIONS,
    **axes.LAYERS,
    **axes.CONVOLUTIONS,
    **axes.IMAGES,
}
#: What draws, what is about sizes and what answers anything at all have tests of their own.
ELSEWHERE = {
    "bernoulli.p",
    "dropout",
    "feature_dropout",
    "native_dropout",
    "empty.memory_format",
    "empty_like",
    "new_empty",
    "_native_batch_norm_legit",
    "getitem",
    "sym_size",
    *(name for name in OPERATORS if name.startswith("symbol.")),
}
#: Sums of a few dozen products, in float32 and in another order.
TOLERANCE = 2e-5
#: Of several answers, those that a graph may use.
FIRST_ONLY = {
    "_native_batch_norm_legit_no_training",
    *(name for name in OPERATORS if "max_pool" in name and "with_indices" in name),
    *(f"adaptive_max_pool{n}d" for n in (1, 2, 3)),
}


def test_every_operator_has_a_case():
    assert set(CASES) | ELSEWHERE == set(OPERATORS) | set(RANDOM)


EACH = [(name, place) for name, cases in sorted(CASES.items()) for place in range(len(cases))]


@pytest.mark.parametrize(("name", "place"), EACH)
def test_an_operator_answers_as_torch_does(name: str, place: int):
    args, kwargs = CASES[name][place]
    expected = _answers(torchs(name)(*args, **kwargs), name)
    leaves, weights, gradients = _torch_gradients(name, args, kwargs)

    def weighed(values: list) -> tuple[Any, tuple]:
        found = _answers(_called(name, _filled(args, iter(values)), kwargs), name)
        floats = [one for one in found if jnp.issubdtype(one.dtype, jnp.floating)]
        return sum((one * w).sum() for one, w in zip(floats, weights, strict=False)), found

    with jax.numpy_rank_promotion("allow" if name.startswith("conv") else "raise"):
        if gradients:
            (_, found), slopes = _quick(jax.value_and_grad(weighed, has_aux=True), leaves)
        else:
            (_, found), slopes = _quick(weighed, leaves), []
    assert len(found) == len(expected)
    for one, other in zip(found, expected, strict=True):
        assert one.shape == tuple(other.shape)
        assert str(one.dtype) == narrow_name(other.dtype)
        _assert_near(one, other.detach())
    for one, other in zip(slopes, gradients, strict=True):
        if not isinstance(other, str):
            _assert_near(one, torch.zeros(one.shape) if other is None else other)


def _quick(function: Any, leaves: list) -> Any:
    """Compiled without effort: each program runs once."""
    given = [jnp.asarray(one.detach().numpy(), jnp.float32) for one in leaves]
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})(given)


def _torch_gradients(name: str, args: tuple, kwargs: dict) -> tuple[list, list, list]:
    """Arrays of floats among the arguments, weights of the answers, gradients of their sum."""
    exact = [_exact(one) for one in args]
    leaves = _flat(exact)
    for statistic in exact[3:5] if "_norm" in name and len(exact) > 5 else ():
        if isinstance(statistic, torch.Tensor):
            statistic.requires_grad_(False)
    answers = _answers(torchs(name)(*exact, **kwargs), name) if leaves else ()
    answers = [one for one in answers if one.requires_grad]
    if not answers:
        return leaves, [], []
    weights = [np.linspace(-1, 1, one.numel()).reshape(one.shape) for one in answers]
    total = sum((one * torch.from_numpy(w)).sum() for one, w in zip(answers, weights, strict=True))
    wanted = [one for one in leaves if one.requires_grad]
    found = iter(torch.autograd.grad(total, wanted, allow_unused=True))
    gradients = [next(found) if one.requires_grad else "none" for one in leaves]
    return leaves, [w.astype(np.float32) for w in weights], gradients


def torchs(name: str) -> Any:
    packet, _, overload = name.partition(".")
    return getattr(getattr(torch.ops.aten, packet), overload or "default")


def _answers(found: Any, name: str) -> tuple:
    found = tuple(found) if isinstance(found, (list, tuple)) else (found,)
    return found[:1] if name in FIRST_ONLY else found


def _for_jax(value: Any) -> Any:
    if isinstance(value, torch.Tensor):
        return jnp.asarray(value.detach().numpy(), narrow_name(value.dtype))
    if isinstance(value, dict):
        return {name: _for_jax(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_for_jax(one) for one in value]
    return narrow_name(value) if isinstance(value, torch.dtype) else value


def _called(name: str, args: list, kwargs: dict) -> Any:
    leading, named = named_arguments(torchs(name)._schema, tuple(args), kwargs)
    drawing = {"draws": Draws(None)} if name in RANDOM else {}
    function = RANDOM[name] if name in RANDOM else OPERATORS[name]
    return function(*_for_jax(leading), **_for_jax(named), **drawing)


def _exact(value: Any) -> Any:
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        return value.double().requires_grad_()
    return [_exact(one) for one in value] if isinstance(value, list) else value


def _flat(value: Any) -> list:
    if isinstance(value, torch.Tensor):
        return [value] if value.is_floating_point() else []
    return [leaf for one in value for leaf in _flat(one)] if isinstance(value, list) else []


def _filled(value: Any, arrays: Any) -> Any:
    if isinstance(value, torch.Tensor) and value.is_floating_point():
        return next(arrays)
    return [_filled(one, arrays) for one in value] if isinstance(value, (list, tuple)) else value


def _assert_near(found: Any, expected: Any) -> None:
    expected = expected.numpy()
    scale = max(np.abs(np.nan_to_num(expected)).max(initial=0), 1)
    np.testing.assert_allclose(found, expected, rtol=TOLERANCE, atol=TOLERANCE * scale)
