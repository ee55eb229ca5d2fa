"""A vision transformer (Dosovitskiy et al. 2021, arXiv 2010.11929, section 3.1), in Flax NNX.

    z_0 = [class token; E patches] + positions
    z'  = z + MSA(LN(z)),   z = z' + MLP(LN(z')),   logits = W LN(z)[class token] + b

MSA is softmax(q kᵀ / sqrt(size of a head)) v over several heads, MLP two linear maps around a GELU,
the first four times as wide. Paths and layouts are those of timm's `VisionTransformer`
(`blocks.0.attn.qkv.weight`), so that weights of one load into the other. First values have timm's
deviation, 0.02, and biases are zero.

Patches are cut by reshaping and mapped by a matrix: the convolution that other programs write there
has a stride as wide as its kernel.
"""

import jax
import jax.numpy as jnp
from flax import nnx
from jaxtyping import Array, Float, PRNGKeyArray, Shaped

from lab.runtime.errors import UnsuitableSetting
from lab.runtime.inputs import Images, prepared
from lab.runtime.model import NativeModel
from lab.runtime.models.resnet20 import DEVIATION, MEAN
from lab.runtime.patterns import Parts
from lab.spec.declare import File, Pixels, Share, component, parameter

EPSILON = 1e-6
#: Hidden units of a block's perceptron, for each number of a token.
EXPANSION = 4
#: Numbers of a token that a head has, where a study does not say how many heads there are.
HEAD = 64
FIRST_DEVIATION = 0.02


def first_weights(key: PRNGKeyArray, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Of deviation 0.02; uniform, as in `lab.runtime.layers`, for a program that compiles fast."""
    bound = FIRST_DEVIATION * 3**0.5
    return jax.random.uniform(key, shape, minval=-bound, maxval=bound)


class Map(nnx.Module):
    """`x Wᵀ + b` over the last axis."""

    def __init__(self, inputs: int, outputs: int, *, rngs: nnx.Rngs) -> None:
        self.weight = nnx.Param(first_weights(rngs.params(), (outputs, inputs)))
        self.bias = nnx.Param(jnp.zeros(outputs))

    def __call__(self, x: Float[Array, "... i"]) -> Float[Array, "... o"]:
        """The mapped features."""
        weight = self.weight[...]
        return x.astype(weight.dtype) @ weight.T + self.bias[...].astype(weight.dtype)


class LayerNorm(nnx.Module):
    """Normalization of each token (Ba et al. 2016, arXiv 1607.06450), in float32."""

    def __init__(self, width: int) -> None:
        self.weight = nnx.Param(jnp.ones(width))
        self.bias = nnx.Param(jnp.zeros(width))

    def __call__(self, x: Float[Array, "... d"]) -> Float[Array, "... d"]:
        """The normalized tokens."""
        exact = x.astype(jnp.float32)
        centered = exact - jnp.mean(exact, axis=-1, keepdims=True)
        variance = jnp.mean(jnp.square(centered), axis=-1, keepdims=True)
        scaled = centered * jax.lax.rsqrt(variance + EPSILON) * self.weight[...]
        return (scaled + self.bias[...]).astype(x.dtype)


class Patches(nnx.Module):
    """Square patches, each mapped to a token."""

    def __init__(self, patch: int, channels: int, width: int, *, rngs: nnx.Rngs) -> None:
        self.patch = patch
        self.proj = Kernel((width, channels, patch, patch), rngs=rngs)

    def __call__(self, images: Float[Array, "n h w c"]) -> Float[Array, "n patches d"]:
        """The tokens, row by row."""
        count, height, _, channels = images.shape
        side, patch = height // self.patch, self.patch
        cut = images.reshape(count, side, patch, side, patch, channels)
        flat = cut.transpose(0, 1, 3, 5, 2, 4).reshape(count, side * side, -1)
        return self.proj(flat)


class Kernel(nnx.Module):
    """A map of flat patches whose weights have the shape of a convolution's kernel."""

    def __init__(self, shape: tuple[int, ...], *, rngs: nnx.Rngs) -> None:
        self.weight = nnx.Param(first_weights(rngs.params(), shape))
        self.bias = nnx.Param(jnp.zeros(shape[0]))

    def __call__(self, flat: Float[Array, "n patches k"]) -> Float[Array, "n patches d"]:
        """The mapped patches."""
        weight = self.weight[...]
        matrix = weight.reshape(weight.shape[0], -1)
        return flat.astype(weight.dtype) @ matrix.T + self.bias[...].astype(weight.dtype)


class Attention(nnx.Module):
    """Every token looks at all others, in several heads."""

    def __init__(self, width: int, heads: int, *, rngs: nnx.Rngs) -> None:
        self.heads = heads
        self.qkv = Map(width, 3 * width, rngs=rngs)
        self.proj = Map(width, width, rngs=rngs)

    def __call__(self, x: Float[Array, "n t d"]) -> Float[Array, "n t d"]:
        """What the tokens found."""
        count, tokens, width = x.shape
        size = width // self.heads
        parts = self.qkv(x).reshape(count, tokens, 3, self.heads, size)
        query, key, value = (parts[:, :, place].transpose(0, 2, 1, 3) for place in range(3))
        scores = (query * size**-0.5) @ key.swapaxes(-1, -2)
        shares = jax.nn.softmax(scores.astype(jnp.float32), axis=-1).astype(x.dtype)
        found = (shares @ value).transpose(0, 2, 1, 3).reshape(count, tokens, width)
        return self.proj(found)


class Perceptron(nnx.Module):
    """Two maps around a GELU."""

    def __init__(self, width: int, *, rngs: nnx.Rngs) -> None:
        self.fc1 = Map(width, EXPANSION * width, rngs=rngs)
        self.fc2 = Map(EXPANSION * width, width, rngs=rngs)

    def __call__(self, x: Float[Array, "n t d"]) -> Float[Array, "n t d"]:
        """Each token on its own."""
        return self.fc2(jax.nn.gelu(self.fc1(x), approximate=False))


class Block(nnx.Module):
    """Attention and a perceptron, each behind a normalization and beside a shortcut."""

    def __init__(self, width: int, heads: int, *, rngs: nnx.Rngs) -> None:
        self.norm1 = LayerNorm(width)
        self.attn = Attention(width, heads, rngs=rngs)
        self.norm2 = LayerNorm(width)
        self.mlp = Perceptron(width, rngs=rngs)

    def __call__(self, x: Float[Array, "n t d"], drop: "Dropping") -> Float[Array, "n t d"]:
        """The tokens after it."""
        x = x + drop(self.attn(self.norm1(x)))
        return x + drop(self.mlp(self.norm2(x)))


class Dropping:
    """Zeros in training: every example's own draw, another at each place; nothing without keys."""

    def __init__(self, share: float, keys: PRNGKeyArray | None) -> None:
        self.share, self.keys, self.place = share, keys, 0

    def __call__(self, x: Float[Array, "n t d"]) -> Float[Array, "n t d"]:
        """The numbers that are kept, scaled up by what is lost."""
        if self.keys is None or self.share == 0:
            return x
        place, self.place = self.place, self.place + 1

        def kept(key: PRNGKeyArray) -> Array:
            drawn = jax.random.fold_in(key, place)
            return jax.random.bernoulli(drawn, 1 - self.share, x.shape[1:])

        return x * (jax.vmap(kept)(self.keys) / (1 - self.share)).astype(x.dtype)


class Network(nnx.Module):
    """The whole network, from images to logits."""

    def __init__(self, about: "ViT", rngs: nnx.Rngs) -> None:
        width, heads = about.width, about.all_heads
        self.images = Images(about.size, about.channels, about.mean, about.deviation)
        self.dropout = about.dropout
        self.cls_token = nnx.Param(first_weights(rngs.params(), (1, 1, width)))
        self.pos_embed = nnx.Param(first_weights(rngs.params(), (1, about.tokens, width)))
        self.patch_embed = Patches(about.patch, about.channels, width, rngs=rngs)
        self.blocks = nnx.List([Block(width, heads, rngs=rngs) for _ in range(about.depth)])
        self.norm = LayerNorm(width)
        self.head = Map(width, about.classes, rngs=rngs)

    def __call__(
        self,
        images: Shaped[Array, "n h w c"],
        *,
        train: bool,
        keys: PRNGKeyArray | None = None,
    ) -> Float[Array, "n k"]:
        """Logits of raw images."""
        patches = self.patch_embed(prepared(images, self.images))
        token = jnp.broadcast_to(self.cls_token[...], (len(patches), 1, patches.shape[-1]))
        x = jnp.concatenate([token.astype(patches.dtype), patches], axis=1)
        drop = Dropping(self.dropout, keys if train else None)
        x = drop(x + self.pos_embed[...].astype(x.dtype))
        for block in self.blocks:
            x = block(x, drop)
        return self.head(self.norm(x)[:, 0])


@component("vit", kind="model", streams=("init",), facts="lab.runtime.facts.models:vit")
class ViT(NativeModel):
    """A vision transformer of `depth` blocks; images of another size are resized to `size`.

    Example:
        >>> shapes, _ = ViT(depth=1, width=64, classes=7).shapes()
        >>> shapes["blocks.0.attn.qkv.weight"], shapes["head.weight"]
        ((192, 64), (7, 64))
    """

    depth: int = parameter(6, "blocks", low=1)
    width: int = parameter(192, "numbers of a token", low=1)
    heads: int | None = parameter(None, "heads of attention; none for one of 64 numbers", low=1)
    patch: Pixels = parameter(4, "side of a patch", low=1)
    size: Pixels = parameter(32, "side of its images", low=1)
    channels: int = parameter(3, "channels of its images", low=1)
    classes: int = parameter(10, "classes to tell apart", low=2)
    dropout: Share = parameter(0.0, "share of numbers dropped in training", low=0, below=1)
    weights: File | None = parameter(None, "checkpoint to start from (.safetensors, .th, .pt)")

    @property
    def all_heads(self) -> int:
        """Heads of attention. Raises `UnsuitableSetting` where they do not divide a token."""
        heads = self.heads or max(1, self.width // HEAD)
        if self.width % heads:
            raise UnsuitableSetting(f"`vit`: a token of {self.width} has no {heads} equal heads")
        return heads

    @property
    def tokens(self) -> int:
        """Patches and the class token. Raises `UnsuitableSetting` where patches do not fit."""
        if self.size % self.patch:
            raise UnsuitableSetting(
                f"`vit`: an image of {self.size} pixels has no whole patches of {self.patch}"
            )
        return (self.size // self.patch) ** 2 + 1

    @property
    def mean(self) -> tuple[float, ...]:
        """Of each channel."""
        return MEAN if self.channels == len(MEAN) else (0.5,) * self.channels

    @property
    def deviation(self) -> tuple[float, ...]:
        """Of each channel."""
        return DEVIATION if self.channels == len(DEVIATION) else (0.5,) * self.channels

    @property
    def input_shape(self) -> tuple[int, ...]:
        """A square image."""
        return (self.size, self.size, self.channels)

    @property
    def parts(self) -> Parts:
        """The map of patches, and the classifier."""
        return {"stem": ("patch_embed.*.*",), "head": ("head.*",)}

    @property
    def draws_in_training(self) -> bool:
        """Whether numbers are dropped."""
        return self.dropout > 0

    @classmethod
    def example(cls) -> "ViT":
        """A small one."""
        return cls(depth=2, width=16, heads=2, size=16, dropout=0.1)

    def build(self, rngs: nnx.Rngs) -> nnx.Module:
        """The network, its parameters drawn anew."""
        return Network(self, rngs)
