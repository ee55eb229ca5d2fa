"""What every model offers: two pure functions over flat `{path: array}`.

What training, methods and checkpoints see are plain dictionaries keyed by dotted path, and what JAX
compiles is a function of these. Native networks are Flax NNX modules (`NativeModel`): a module is
taken apart once into its structure and its arrays. Networks made in torch are graphs of operators
(`lab.runtime.foreign`).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Self

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from lab.runtime.executables import Kept
from lab.runtime.patterns import NO_PARTS, Parts
from lab.runtime.recent import Recent
from lab.spec.declare import File

State = dict[str, Array]


class Model(ABC):
    """A network's definition. Final classes are components, one file each.

    Always holds: what it computes depends on the fields alone, not on `weights`; normalization of
    raw inputs is part of the network.
    """

    #: A checkpoint with the weights to start from, where a study names one.
    weights: File | None
    #: Whether what it computes is decided by code of libraries besides what `lab` says.
    is_of_libraries: ClassVar[bool] = False

    @property
    @abstractmethod
    def input_shape(self) -> tuple[int, ...]:
        """The shape of one example."""

    @abstractmethod
    def init(self, key: PRNGKeyArray) -> tuple[State, State]:
        """Parameters and buffers at the start, by dotted path."""

    @abstractmethod
    def apply(
        self,
        params: Mapping[str, Array],
        buffers: Mapping[str, Array],
        inputs: Shaped[Array, "batch ..."],
        *,
        train: bool,
        keys: PRNGKeyArray | None = None,
    ) -> tuple[Float[Array, "batch classes"], State]:
        """Logits, and the buffers as they are after this batch (the same ones unless `train`).

        `keys`, one for every example, are for dropout; without them nothing is dropped.
        """

    @abstractmethod
    def shapes(self) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
        """Shapes of the parameters and of the buffers, without drawing any."""

    @classmethod
    def example(cls) -> Self:
        """A small one, for tests of what every model promises."""
        return cls()

    def located(self, folder: Path) -> Self:
        """The definition with whole paths where it names files in a folder."""
        if self.weights is None:
            return self
        return replace(self, weights=str(folder / self.weights))  # pyright: ignore[reportArgumentType] - a dataclass

    def checkpoint(self) -> Path | None:
        """Where the weights to start from are, of a definition with whole paths; None to draw."""
        return None if self.weights is None else Path(self.weights)

    @property
    def aliases(self) -> Mapping[str, str]:
        """Other names of parameters that checkpoints may have, with those that they have here."""
        return {}

    @property
    def ignored(self) -> tuple[str, ...]:
        """Names of what checkpoints may hold besides, that is no weight."""
        return ()

    def settled(self, folder: Path) -> Self:
        """The definition as artifacts keep it: it names no file, in `folder` or elsewhere."""
        del folder
        return replace(self, weights=None)  # pyright: ignore[reportArgumentType] - a dataclass

    @property
    def loops_well_on_cpu(self) -> bool:
        """Whether a loop of steps inside one program costs nothing on a CPU: no convolutions."""
        return True

    @property
    def parts(self) -> Parts:
        """Patterns of the parameters of the first layer (`stem`) and of the last (`head`)."""
        return NO_PARTS

    @property
    def draws_in_training(self) -> bool:
        """Whether the network drops units: it is then called with a key for every example."""
        return False


class NativeModel(Model):
    """A network that is a Flax NNX module.

    Always holds: `build` depends on the fields alone, but for the values it draws from `rngs`.
    """

    @abstractmethod
    def build(self, rngs: nnx.Rngs) -> nnx.Module:
        """The network, its parameters drawn anew."""

    def init(self, key: PRNGKeyArray) -> tuple[State, State]:
        """Parameters and buffers at the start, by dotted path."""
        model = replace(self, weights=None)
        if isinstance(key, jax.core.Tracer):
            return _beginning(model)(key)
        params, buffers = _begun.of(key, lambda: _beginning(model)(key), model)
        return dict(params), dict(buffers)

    def apply(
        self,
        params: Mapping[str, Array],
        buffers: Mapping[str, Array],
        inputs: Shaped[Array, "batch ..."],
        *,
        train: bool,
        keys: PRNGKeyArray | None = None,
    ) -> tuple[Float[Array, "batch classes"], State]:
        """Logits, and the buffers as they are after this batch (the same ones unless `train`)."""
        structure, names, moving = _structure(self)
        network: Any = nnx.merge(
            structure, _state(params, names), _state(buffers, moving), copy=True
        )
        drawn = {"keys": keys} if self.draws_in_training and keys is not None else {}
        logits = network(inputs, train=train, **drawn)
        return logits.astype(jnp.float32), _flat(nnx.state(network, nnx.BatchStat))

    def shapes(self) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
        """Shapes of the parameters and of the buffers, without drawing any."""
        params, buffers = jax.eval_shape(self.init, jax.random.key(0))
        return (
            {path: array.shape for path, array in params.items()},
            {path: array.shape for path, array in buffers.items()},
        )


def _is_small(begun: tuple[State, State]) -> bool:
    return sum(array.nbytes for array in jax.tree.leaves(begun)) <= _SMALL_BYTES


#: A network is drawn once for the runs of one seed, where keeping it costs next to nothing.
_SMALL_BYTES = 2**22
_begun: Recent[tuple[State, State]] = Recent(4, keeps=_is_small)


@cache
def _beginning(model: NativeModel) -> Callable[[PRNGKeyArray], tuple[State, State]]:
    """One program for each network: building it anew for each run would cost more than a step."""

    def drawn(key: PRNGKeyArray) -> tuple[State, State]:
        network = model.build(nnx.Rngs(params=key))
        _, params, buffers = nnx.split(network, nnx.Param, nnx.BatchStat)
        return _flat(params), _flat(buffers)

    return Kept(drawn, about=model)


@cache
def _structure(model: NativeModel) -> tuple[Any, dict[str, Any], dict[str, Any]]:
    network = nnx.eval_shape(lambda: model.build(nnx.Rngs(params=0)))
    structure, params, buffers = nnx.split(network, nnx.Param, nnx.BatchStat)
    return structure, _variables(params), _variables(buffers)


def _variables(state: nnx.State) -> dict[str, Any]:
    return {".".join(map(str, keys)): (keys, leaf) for keys, leaf in nnx.to_flat_state(state)}


def _flat(state: nnx.State) -> State:
    return {path: leaf[...] for path, (_, leaf) in _variables(state).items()}


def _state(arrays: Mapping[str, Array], variables: Mapping[str, Any]) -> nnx.State:
    return nnx.from_flat_state(
        [(keys, leaf.replace(arrays[path])) for path, (keys, leaf) in variables.items()]
    )
