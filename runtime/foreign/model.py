"""Networks made in torch, as models: their conversion runs in JAX, and torch stays elsewhere.

Weights are drawn by the library's own initialization, in a helper process, from a seed that the key
gives. Images are taken as data sources yield them and normalized as the network's authors did;
texts are tokens, attention mask and token types, bound to the network's inputs by name.
"""

from abc import abstractmethod
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Self

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from lab.runtime.errors import UnsuitableSetting
from lab.runtime.foreign import conversions
from lab.runtime.foreign.graph import Conversion
from lab.runtime.foreign.operators import RANDOM
from lab.runtime.foreign.recipes import Recipe
from lab.runtime.foreign.run import compute
from lab.runtime.inputs import Images, prepared
from lab.runtime.model import Model, State
from lab.runtime.patterns import Parts

#: Tokens, attention mask, token types.
PLANES = 3


class ForeignModel(Model):
    """A network that a torch library builds. Final classes are components, one file each."""

    classes: int
    is_of_libraries = True

    @property
    @abstractmethod
    def recipe(self) -> Recipe:
        """What the network is built from."""

    @property
    def conversion(self) -> Conversion:
        """The network's graphs, converted where they were not yet."""
        return conversions.conversion(self.recipe)

    @property
    def about(self) -> Mapping[str, Any]:
        """What whoever built the network knows of it."""
        return self.conversion.about

    @property
    def input_shape(self) -> tuple[int, ...]:
        """A square image of the network's size, or a text of its length."""
        about = self.about
        if about["takes"] == "texts":
            return (PLANES, about["length"])
        return (about["size"], about["size"], about["channels"])

    def init(self, key: PRNGKeyArray) -> tuple[State, State]:
        """Parameters and buffers at the start, as the library draws them."""
        found = self._drawn(_seed(key))
        made = self.conversion
        return (
            {name: found[name] for name in made.parameters},
            {name: found[name] for name in made.buffers},
        )

    def _drawn(self, seed: int) -> Mapping[str, Array]:
        return conversions.drawn(self.recipe, seed)

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
        made = self.conversion
        graph = made.training if train else made.evaluating
        answers, moved = compute(
            graph, params, buffers, self._bound(inputs), keys=keys if train else None
        )
        (answer,) = answers.values()
        return answer.astype(jnp.float32), moved

    def _bound(self, inputs: Array) -> dict[str, Array]:
        """The network's inputs by name."""
        about = self.about
        if about["takes"] == "texts":
            _refuse_unlike(inputs, self.input_shape)
            planes = ((name, place) for place, name in enumerate(about["planes"]) if name)
            return {name: inputs[:, place] for name, place in planes}
        wanted = Images(about["size"], about["channels"], about["mean"], about["deviation"])
        (name,) = about["inputs"]
        return {name: jnp.transpose(prepared(inputs, wanted), (0, 3, 1, 2))}

    def shapes(self) -> tuple[dict[str, tuple[int, ...]], dict[str, tuple[int, ...]]]:
        """Shapes of the parameters and of the buffers."""
        return dict(self.conversion.parameters), dict(self.conversion.buffers)

    @property
    def aliases(self) -> Mapping[str, str]:
        """Other names of tied weights, with those that they are kept under."""
        return self.conversion.aliases

    @property
    def ignored(self) -> tuple[str, ...]:
        """Names that torch keeps beside weights and that are part of the network here."""
        return tuple(self.about["fixed"])

    @property
    def published(self) -> bool:
        """Whether it begins with weights that somebody published."""
        return False

    def published_weights(self) -> Path:
        """Where those are. Raises `NoNetwork`, saying what to put where."""
        return Path(conversions.located(self.recipe)["path"])

    def checkpoint(self) -> Path | None:
        """Where the weights to start from are; None to draw them."""
        if self.weights is None and self.published:
            return self.published_weights()
        return super().checkpoint()

    @property
    def parts(self) -> Parts:
        """The first layer that is called and the last, or what the library says they are."""
        return {"stem": tuple(self.about["stem"]), "head": tuple(self.about["head"])}

    @property
    def draws_in_training(self) -> bool:
        """Whether units are dropped."""
        return any(node.operator in RANDOM for node in self.conversion.training.nodes)

    @property
    def loops_well_on_cpu(self) -> bool:
        """Whether there is no convolution left in its program."""
        return _is_without_convolutions(self)

    def settled(self, folder: Path) -> Self:
        """The definition as artifacts keep it: it names no file, and no published weights."""
        made = super().settled(folder)
        return made.unpublished()

    def unpublished(self) -> Self:
        """The same network with weights drawn anew."""
        return self


@lru_cache(64)
def _is_without_convolutions(model: ForeignModel) -> bool:
    """From its program, since some convolutions are matrix products there."""
    given = (*model.shapes(), (1, *model.input_shape))
    kinds = (jnp.float32, jnp.float32, jnp.int32 if len(model.input_shape) == 2 else jnp.uint8)
    params, buffers, inputs = (
        jax.tree.map(lambda shape, of=kind: jax.ShapeDtypeStruct(shape, of), one, is_leaf=_is_shape)
        for one, kind in zip(given, kinds, strict=True)
    )
    program = jax.make_jaxpr(lambda p, b, x: model.apply(p, b, x, train=False)[0])
    return "conv_general_dilated" not in str(program(params, buffers, inputs))


def _is_shape(given: Any) -> bool:
    return isinstance(given, tuple)


def _seed(key: PRNGKeyArray) -> int:
    """A seed for torch: 63 bits of a key's own."""
    high, low = (int(one) for one in jax.random.bits(key, (2,), jnp.uint32))
    return (high << 32 | low) >> 1


def _refuse_unlike(inputs: Array, shape: tuple[int, ...]) -> None:
    if inputs.shape[1:] != shape:
        raise UnsuitableSetting(
            f"the network takes texts of {shape[1]} tokens, as `length:` says, and an example of "
            f"the data has the shape {tuple(inputs.shape[1:])}"
        )
