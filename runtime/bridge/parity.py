"""How far a converted network is from the module it was made of.

What torch computes in float64 is the truth. In training nothing is dropped, on either side; the
loss is the cross-entropy of the first answer, taken as logits.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jaxtyping import Array

from lab.runtime.foreign.graph import Conversion
from lab.runtime.foreign.run import compute

#: Names under which layers keep the share that they drop.
_SHARES = (
    "p",
    "activation_dropout",
    "attention_dropout",
    "attn_drop",
    "attn_dropout",
    "drop_path",
    "drop_prob",
    "dropout",
    "dropout_p",
    "dropout_prob",
    "dropout_rate",
)


@dataclass(frozen=True)
class StepErrors:
    """Errors of one training step, relative to what float64 finds.

    `gradients` is the norm of the difference of all gradients over the norm of them all, and
    `torch_gradients` that of torch's own in float32: a ReLU at zero falls on either side in both.
    `torch_statistics` likewise: the variance of a few numbers behind fifty layers is uncertain.
    """

    loss: float
    statistics: float
    torch_statistics: float
    gradients: float
    torch_gradients: float


#: Operators whose slope jumps: float32 may fall on the other side of one than float64.
_KINKS = ("hard", "leaky_relu", "max_pool", "prelu", "relu")
#: What one unit on the other side does to all gradients, in the networks measured.
AFTER_A_KINK = 1e-3
#: An answer within this of float64 is the same answer: some hundred roundings of float32.
TOLERANCE = 1e-5
#: Gradients may be so many times as far from float64 as torch's own in float32 are.
TIMES_TORCH = 4


def allowed_of_gradients(conversion: Conversion, errors: StepErrors) -> float:
    """How far gradients may be from float64's in a network of these operators."""
    operators = {node.operator.lstrip("_") for node in conversion.training.nodes}
    jumps = any(operator.startswith(_KINKS) for operator in operators)
    return max(AFTER_A_KINK if jumps else TOLERANCE, TIMES_TORCH * errors.torch_gradients)


def weights(module: torch.nn.Module, conversion: Conversion) -> tuple[dict, dict]:
    """A module's parameters and buffers under the names of its conversion."""
    state = {name: _narrow(value) for name, value in module.state_dict().items()}
    return (
        {name: jnp.asarray(state[name]) for name in conversion.parameters},
        {name: jnp.asarray(state[name]) for name in conversion.buffers},
    )


def _narrow(value: torch.Tensor) -> np.ndarray:
    array = value.detach().cpu().numpy()
    return array.astype({"i": np.int32, "f": np.float32}.get(array.dtype.kind, array.dtype))


def evaluation_error(
    module: torch.nn.Module, conversion: Conversion, inputs: Mapping[str, torch.Tensor]
) -> float:
    """The largest difference of an answer, over the largest value of that answer."""
    params, buffers = weights(module, conversion)
    answer = _once(lambda *given: compute(conversion.evaluating, *given))
    found, _ = answer(params, buffers, arrays(inputs))
    with torch.no_grad():
        expected = answers(_exact(module).eval()(**_doubled(inputs)))
    assert_same_count(found, expected)
    return max(_error(a, b) for a, b in zip(found.values(), expected, strict=True))


def _once(function: Callable[..., Any]) -> Callable[..., Any]:
    """A program that runs once: the compiler takes the least trouble over it."""
    return jax.jit(function, compiler_options={"xla_backend_optimization_level": 0})


def assert_same_count(found: Mapping[str, Array], expected: list[torch.Tensor]) -> None:
    """Raises `ValueError` where a conversion answers another number of arrays."""
    if len(found) != len(expected):
        raise ValueError(f"it answers {len(found)} arrays, and torch {len(expected)}")


def step_errors(
    module: torch.nn.Module, conversion: Conversion, inputs: Mapping[str, torch.Tensor]
) -> StepErrors:
    """Errors of the loss, of the statistics moved, and of the gradients."""
    params, buffers = weights(module, conversion)
    labels = np.arange(len(next(iter(inputs.values()))))

    def loss(params: dict) -> tuple[Array, dict]:
        found, moved = compute(conversion.training, params, buffers, arrays(inputs))
        logits = next(iter(found.values()))
        logits = jnp.reshape(logits, (len(logits), -1)).astype(jnp.float32)
        chosen = jax.nn.log_softmax(logits)[labels, labels % logits.shape[1]]
        return -jnp.mean(chosen), moved

    (value, moved), gradients = _once(jax.value_and_grad(loss, has_aux=True))(params)
    exact = _torch_step(_exact(module), _doubled(inputs), labels)
    single = _torch_step(copy.deepcopy(module), inputs, labels)
    return StepErrors(
        loss=abs(float(value) - exact.loss) / abs(exact.loss),
        statistics=max((_error(moved[n], exact.state[n]) for n in buffers), default=0.0),
        torch_statistics=max(
            (_error(single.state[n], exact.state[n]) for n in buffers), default=0.0
        ),
        gradients=_distance({n: np.asarray(g) for n, g in gradients.items()}, exact.gradients),
        torch_gradients=_distance(single.gradients, exact.gradients),
    )


@dataclass(frozen=True)
class _Step:
    loss: float
    state: dict[str, torch.Tensor]
    gradients: dict[str, np.ndarray]


def _torch_step(
    module: torch.nn.Module, inputs: Mapping[str, torch.Tensor], labels: np.ndarray
) -> _Step:
    without_dropping(module.train())
    logits = answers(module(**inputs))[0]
    logits = logits.reshape(len(logits), -1)
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(labels) % logits.shape[1])
    loss.backward()
    gradients = {
        name: np.zeros(p.shape) if p.grad is None else p.grad.numpy()
        for name, p in module.named_parameters()
    }
    return _Step(loss.item(), module.state_dict(), gradients)


def _exact(module: torch.nn.Module) -> torch.nn.Module:
    return copy.deepcopy(module).double()


def without_dropping(module: torch.nn.Module) -> None:
    """Make every share that a module's layers drop zero, of attention too; it stays in training."""
    for part in module.modules():
        for name in _SHARES:
            if isinstance(getattr(part, name, None), float):
                setattr(part, name, 0.0)


def _doubled(inputs: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {n: v.double() if v.is_floating_point() else v for n, v in inputs.items()}


def arrays(inputs: Mapping[str, torch.Tensor]) -> dict[str, Array]:
    """Inputs for JAX."""
    return {name: jnp.asarray(_narrow(value)) for name, value in inputs.items()}


def answers(answer: Any) -> list[torch.Tensor]:
    """The arrays that a module answers, in the order of its conversion's outputs."""
    leaves = torch.utils._pytree.tree_leaves(answer)
    return [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]


def _error(found: Any, expected: Any) -> float:
    expected = np.asarray(expected.detach() if isinstance(expected, torch.Tensor) else expected)
    if expected.size == 0:
        return 0.0
    scale = np.abs(expected).max()
    return float(np.abs(np.asarray(found, np.float64) - expected).max() / max(scale, 1e-30))


def _distance(found: Mapping[str, np.ndarray], expected: Mapping[str, np.ndarray]) -> float:
    difference = sum(float(np.sum((found[n] - e) ** 2)) for n, e in expected.items())
    return (difference / sum(float(np.sum(e**2)) for e in expected.values())) ** 0.5


def randomized(module: torch.nn.Module, seed: int) -> torch.nn.Module:
    """The module with nothing left at a constant: norms, their statistics, zeroed layers.

    What starts as one number everywhere would hide whatever it multiplies.
    """
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            if parameter.numel() < 2 or parameter.std() == 0:
                parameter.add_(0.1 * torch.randn_like(parameter))
        for name, buffer in module.named_buffers():
            if name.endswith("running_mean"):
                buffer.normal_(0, 0.1)
            elif name.endswith("running_var"):
                buffer.uniform_(0.5, 1.5)
    return module
