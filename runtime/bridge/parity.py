"""How far a converted network is from the module it was made of.

What torch computes in float64 is the truth. In training nothing is dropped, on either side; the
loss is the cross-entropy of the first answer, taken as logits.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import torch
from jaxtyping import Array

from lab.runtime.foreign.graph import Conversion, Graph, Node
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
    "drop_rate",
    "dropout",
    "dropout_p",
    "dropout_prob",
    "dropout_rate",
)


#: An answer within this of float64 is the same answer: some hundred roundings of float32.
TOLERANCE = 1e-5
#: The same function, computed in float64 on both sides, but for what torch itself rounds to float32
#: whatever type it is given: the sixth in the derivative of `hardsigmoid`, the variance of T5's
#: norms. Two roundings of float32; where neither is, errors are below 1e-9.
EXACT = 2.0**-22
#: A step may be so many times as far from float64 as torch's own in float32 is.
TIMES_TORCH = 4
#: Some roundings of float32. What they do to weights, arithmetic in float32 does to results.
ROUNDINGS = 2.0**-20
#: How often weights are rounded, to see whether a unit falls on the other side of its kink.
DRAWS = 3


class Distance(NamedTuple):
    """How far a training step is from another, relative to the other.

    `gradients` is the norm of the difference of all gradients over the norm of them all, `loss`
    and `statistics` (buffers that the step moves) the largest difference over the largest value.
    """

    loss: float
    statistics: float
    gradients: float


@dataclass(frozen=True)
class StepErrors:
    """Distances of one training step from torch's in float64.

    `found` is the conversion's in float32, and `same` in float64: whether it is the same function.
    `torch` is torch's own in float32. `rounded` is torch's in float64 of weights that are
    `ROUNDINGS` off, the largest of `DRAWS`: what float32 can be asked for. Behind a ReLU, gradients
    jump; behind fifty layers, the variance of a few numbers is uncertain.
    """

    found: Distance
    same: Distance
    torch: Distance
    rounded: Distance

    @property
    def allowed(self) -> Distance:
        """How far the step in float32 may be."""
        both = zip(self.torch, self.rounded, strict=True)
        return Distance(*(max(TOLERANCE, TIMES_TORCH * own, by) for own, by in both))

    @property
    def is_torchs(self) -> bool:
        """Whether the conversion is the same function, and as exact as float32 allows."""
        near = all(a <= b for a, b in zip(self.found, self.allowed, strict=True))
        return near and max(self.same) <= EXACT


def weights(module: torch.nn.Module, conversion: Conversion) -> tuple[dict, dict]:
    """A module's parameters and buffers under the names of its conversion."""
    state = {name: _narrow(value) for name, value in module.state_dict().items()}
    return (
        {name: jnp.asarray(state[name]) for name in conversion.parameters},
        {name: jnp.asarray(state[name]) for name in conversion.buffers},
    )


def _narrow(value: torch.Tensor) -> np.ndarray:
    array = value.detach().cpu().numpy()
    return array.astype(np.int32) if array.dtype.kind == "i" else array


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
    exact = _torch_step(_exact(module), _doubled(inputs))
    single = _torch_step(copy.deepcopy(module), inputs)
    rounded = [_torch_step(_rounded(module, seed), _doubled(inputs)) for seed in range(DRAWS)]
    return StepErrors(
        found=_distance(_step(module, conversion, inputs), exact),
        same=_distance(_step_in_float64(module, conversion, inputs), exact),
        torch=_distance(single, exact),
        rounded=Distance(*map(max, zip(*(_distance(one, exact) for one in rounded), strict=True))),
    )


def same_step(
    module: torch.nn.Module, conversion: Conversion, inputs: Mapping[str, torch.Tensor]
) -> Distance:
    """How far a step is from torch's, with both computed in float64: `EXACT` where it is the same.

    What float32 makes of it, `step_errors` says, in twice the time.
    """
    exact = _torch_step(_exact(module), _doubled(inputs))
    return _distance(_step_in_float64(module, conversion, inputs), exact)


def widened(conversion: Conversion) -> Conversion:
    """A conversion whose graphs compute in float64 wherever they computed in float32."""
    return replace(
        conversion,
        evaluating=_widened(conversion.evaluating),
        training=_widened(conversion.training),
    )


def _widened(graph: Graph) -> Graph:
    def wide(said: Any) -> Any:
        if isinstance(said, Mapping):
            return {"dtype": "float64"} if said == {"dtype": "float32"} else said
        return [wide(one) for one in said] if isinstance(said, (list, tuple)) else said

    def node(one: Node) -> Node:
        kwargs = {name: wide(value) for name, value in one.kwargs.items()}
        return replace(one, args=tuple(wide(one.args)), kwargs=kwargs)

    constants = {
        name: values.astype(np.float64) if values.dtype == np.float32 else values
        for name, values in graph.constants.items()
    }
    return replace(graph, nodes=tuple(map(node, graph.nodes)), constants=constants)


@dataclass(frozen=True)
class _Step:
    loss: float
    statistics: Mapping[str, np.ndarray]
    gradients: Mapping[str, np.ndarray]


def _step(
    module: torch.nn.Module, conversion: Conversion, inputs: Mapping[str, torch.Tensor]
) -> _Step:
    """A step of the conversion, in the type of the module."""
    params, buffers = weights(module, conversion)
    labels = np.arange(len(next(iter(inputs.values()))))

    def loss(params: dict) -> tuple[Array, dict]:
        found, moved = compute(conversion.training, params, buffers, arrays(inputs))
        logits = next(iter(found.values()))
        logits = jnp.reshape(logits, (len(logits), -1))
        chosen = jax.nn.log_softmax(logits)[labels, labels % logits.shape[1]]
        return -jnp.mean(chosen), moved

    (value, moved), gradients = _once(jax.value_and_grad(loss, has_aux=True))(params)
    numpy = {name: np.asarray(value) for name, value in moved.items()}
    return _Step(float(value), numpy, {n: np.asarray(g) for n, g in gradients.items()})


def _step_in_float64(
    module: torch.nn.Module, conversion: Conversion, inputs: Mapping[str, torch.Tensor]
) -> _Step:
    with jax.enable_x64(True):
        return _step(_exact(module), widened(conversion), _doubled(inputs))


def _torch_step(module: torch.nn.Module, inputs: Mapping[str, torch.Tensor]) -> _Step:
    without_dropping(module.train())
    logits = answers(module(**inputs))[0]
    logits = logits.reshape(len(logits), -1)
    labels = torch.arange(len(logits)) % logits.shape[1]
    loss = torch.nn.functional.cross_entropy(logits, labels)
    loss.backward()
    gradients = {
        name: np.zeros(p.shape) if p.grad is None else p.grad.numpy()
        for name, p in module.named_parameters()
    }
    buffers = module.named_buffers(remove_duplicate=False)
    statistics = {name: buffer.numpy() for name, buffer in buffers}
    return _Step(loss.item(), statistics, gradients)


def _rounded(module: torch.nn.Module, seed: int) -> torch.nn.Module:
    """The module in float64, every weight some roundings of float32 off."""
    draws = torch.Generator().manual_seed(seed)
    rounded = _exact(module)
    with torch.no_grad():
        for parameter in rounded.parameters():
            signs = torch.randint(0, 2, parameter.shape, generator=draws) * 2 - 1
            parameter.mul_(1 + ROUNDINGS * signs)
    return rounded


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


def _distance(found: _Step, exact: _Step) -> Distance:
    gone = sum(
        float(np.sum((found.gradients[name] - value) ** 2))
        for name, value in exact.gradients.items()
    )
    size = sum(float(np.sum(value**2)) for value in exact.gradients.values())
    moved = [
        _error(value, exact.statistics[name])
        for name, value in found.statistics.items()
        if value.dtype.kind == "f"
    ]
    return Distance(
        loss=abs(found.loss - exact.loss) / abs(exact.loss),
        statistics=max(moved, default=0.0),
        gradients=(gone / size) ** 0.5,
    )


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
