"""LoRA: a model that stays as it is, and small adapters beside its weights (Hu et al. 2021).

    w_hat = w0 + scale · b a,   scale = alpha / rank  (or alpha / sqrt(rank): rsLoRA)

with a (rank × inputs) uniform in ±1/sqrt(inputs) and b (outputs × rank) zero, so that step 0 is the
base model (arXiv 2106.09685, section 4.1; Kalajdzievski 2023, arXiv 2312.03732, for rsLoRA). A
convolution is a matrix from its patches: inputs are channels times places of the kernel. The model
with its adapters *is* the merged one; `then plain` ships it merged.

Whatever is neither a target nor the head is kept as it is; the head is trained in full. Dropout
acts on an adapter's inputs, one draw a step for the whole batch: a column of `a` is left out.
"""

import zlib
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from lab.runtime import patterns
from lab.runtime.errors import UnsuitableWeights
from lab.runtime.nested import Nested
from lab.runtime.patterns import NO_PARTS, Parts
from lab.runtime.reparameterization import (
    Packed,
    Reparameterization,
    Shapes,
    Split,
    Stream,
    Weights,
)
from lab.spec.declare import Share, component, parameter

BASE = "base:"
DOWN, UP = "/lora_a", "/lora_b"


@component(
    "lora",
    kind="reparameterization",
    stage="train",
    streams=("init",),
    facts="lab.runtime.facts.methods:lora",
    curves=(),
)
class LoRA(Reparameterization):
    """Low-rank adapters beside weights that stay; ships both.

    Example:
        >>> method = LoRA(rank=2)
        >>> split = method.init({"w": jnp.ones((4, 3))}, key=jax.random.key(0))
        >>> {name: part.shape for name, part in split.train.items()}
        {'w/lora_a': (2, 3), 'w/lora_b': (4, 2)}
    """

    rank: int = parameter(8, "rows of an adapter's first matrix", low=1)
    alpha: float = parameter(16.0, "what the adapter is scaled with, over the rank", above=0)
    scaling: Literal["standard", "rank_stabilized"] = parameter(
        "standard", "alpha over the rank, or over its root"
    )
    dropout: Share = parameter(0.0, "share of an adapter's inputs dropped", low=0, below=1)
    targets: tuple[str, ...] = parameter(("**",), "patterns of the weights that get an adapter")
    train: tuple[Literal["norms", "biases", "stem", "head"] | str, ...] = parameter(
        ("head",), "patterns and words of what is trained in full, where the model has it"
    )
    through: Reparameterization | None = parameter(None, "for the adapters' own numbers")

    def choose(self, weights: Weights, parts: Parts = NO_PARTS) -> tuple[str, ...]:
        """Everything but what is trained in full."""
        words = [word for word in self.train if word != "head" or "head" in parts]
        whole = set(patterns.named(weights, words, parts))
        left = {path: values for path, values in weights.items() if path not in whole}
        self._targets(left)
        return tuple(left)

    def init(self, weights: Weights, *, key: PRNGKeyArray) -> Split:
        """Adapters that change nothing yet, and the base."""
        adapters: dict[str, Array] = {}
        for path in self._targets(weights):
            outputs, inputs = _matrix(weights[path].shape)
            own = jax.random.fold_in(key, zlib.crc32(path.encode()))
            bound = max(inputs, 1) ** -0.5
            first = jax.random.uniform(own, (self.rank, inputs), minval=-bound, maxval=bound)
            adapters[path + DOWN] = first
            adapters[path + UP] = jnp.zeros((outputs, self.rank))
        split = Nested(self.through).init(adapters, key=key)
        return Split(split.train, {**split.fixed, **{f"{BASE}{p}": w for p, w in weights.items()}})

    def materialize(self, split: Split) -> dict[str, Array]:
        """The merged weights."""
        return self._merged(split, Nested(self.through).numbers(split))

    def while_training(self, split: Split, *, key: PRNGKeyArray) -> dict[str, Array]:
        """The merged weights with some inputs of the adapters left out."""
        drop, inner = jax.random.split(key)
        adapters = Nested(self.through).numbers_while_training(split, key=inner)
        if self.dropout:
            for place, name in enumerate(n for n in adapters if n.endswith(DOWN)):
                first = adapters[name]
                own = jax.random.fold_in(drop, place)
                kept = jax.random.bernoulli(own, 1 - self.dropout, (1, first.shape[1]))
                adapters[name] = first * kept / (1 - self.dropout)
        return self._merged(split, adapters)

    def labels(self, split: Split) -> dict[str, str]:
        """`lora_a` and `lora_b`, and the labels of what they go through."""
        nested = Nested(self.through)
        own = {name: name.rpartition("/")[2] for name in nested.own(split)}
        return nested.labels(split, own)

    def penalty(self, split: Split) -> Array | float:
        """That of what the adapters go through."""
        return Nested(self.through).penalty(split)

    def rounded(self, split: Split) -> Split:
        """The adapters as they are shipped."""
        nested = Nested(self.through)
        return nested.rounded(split, nested.own(split))

    def pack(self, split: Split) -> Packed:
        """The base and the adapters in float32, or the adapters as their own method ships them."""
        nested = Nested(self.through)
        base = {path: {"base": _whole(values)} for path, values in _base(split).items()}
        own = {name: {"adapter": _whole(values)} for name, values in nested.own(split).items()}
        return {**base, **own, **nested.pack(split)}

    def unpack(self, packed: Packed, shapes: Shapes) -> dict[str, np.ndarray]:
        """The merged weights."""
        base = {path: jnp.asarray(packed[path]["base"].values) for path in shapes}
        sizes: dict[str, tuple[int, ...]] = {}
        for path in self._targets(base):
            outputs, inputs = _matrix(base[path].shape)
            sizes |= {path + DOWN: (self.rank, inputs), path + UP: (outputs, self.rank)}
        adapters = {
            name: jnp.asarray(packed[name]["adapter"].values) for name in sizes if name in packed
        } | Nested(self.through).unpack(packed, sizes)
        fixed = {f"{BASE}{path}": values for path, values in base.items()}
        made = self._merged(Split({}, fixed), adapters)
        return {path: np.asarray(values) for path, values in made.items()}

    @property
    def scale(self) -> float:
        """What an adapter is multiplied with."""
        return self.alpha / (self.rank if self.scaling == "standard" else self.rank**0.5)

    def _targets(self, weights: Weights) -> tuple[str, ...]:
        chosen = patterns.choose(weights, self.targets)
        for path in chosen:
            if not jnp.issubdtype(weights[path].dtype, jnp.floating):
                raise UnsuitableWeights(f"{path} is {weights[path].dtype}; an adapter needs floats")
        return chosen

    def _merged(self, split: Split, adapters: Weights) -> dict[str, Array]:
        made = _base(split)
        for path, values in list(made.items()):
            if path + DOWN in adapters:
                change: Float[Array, "outputs inputs"] = jnp.matmul(
                    adapters[path + UP], adapters[path + DOWN], precision="highest"
                )
                made[path] = values + (self.scale * change).reshape(values.shape)
        return made


def _base(split: Split) -> dict[str, Array]:
    return {n.removeprefix(BASE): v for n, v in split.fixed.items() if n.startswith(BASE)}


def _matrix(shape: tuple[int, ...]) -> tuple[int, int]:
    return shape[0], int(np.prod(shape[1:], dtype=np.int64))


def _whole(values: Array) -> Stream:
    return Stream(np.asarray(values), 32)
