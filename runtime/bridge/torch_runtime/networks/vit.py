"""A vision transformer (Dosovitskiy et al. 2021, arXiv 2010.11929), with timm's names."""

import torch
from torch import Tensor, nn
from torch.nn import functional

EPSILON = 1e-6
#: Hidden units of a block's perceptron, for each number of a token.
EXPANSION = 4
#: Numbers of a token that a head has, where nobody says how many heads there are.
HEAD = 64


class Patches(nn.Module):
    """Square patches, each mapped to a token."""

    def __init__(self, patch: int, channels: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(channels, width, patch, stride=patch)

    def forward(self, images: Tensor) -> Tensor:
        """The tokens (n, patches, width), row by row."""
        return self.proj(images).flatten(2).transpose(1, 2)


class Attention(nn.Module):
    """Every token looks at all others, in several heads."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """What the tokens found."""
        count, tokens, width = x.shape
        parts = self.qkv(x).reshape(count, tokens, 3, self.heads, width // self.heads)
        query, key, value = parts.permute(2, 0, 3, 1, 4).unbind(0)
        found = functional.scaled_dot_product_attention(query, key, value)
        return self.proj(found.transpose(1, 2).reshape(count, tokens, width))


class Perceptron(nn.Module):
    """Two maps around a GELU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, EXPANSION * width)
        self.fc2 = nn.Linear(EXPANSION * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """Each token on its own."""
        return self.fc2(functional.gelu(self.fc1(x)))


class Block(nn.Module):
    """Attention and a perceptron, each behind a normalization and beside a shortcut."""

    def __init__(self, width: int, heads: int, *, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=EPSILON)
        self.attn = Attention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=EPSILON)
        self.mlp = Perceptron(width)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        """The tokens after it."""
        x = x + self.drop(self.attn(self.norm1(x)))
        return x + self.drop(self.mlp(self.norm2(x)))


class ViT(nn.Module):
    """The whole network, from normalized images to logits."""

    def __init__(self, patches: Patches, blocks: list[Block], *, tokens: int, classes: int) -> None:
        super().__init__()
        width = patches.proj.out_channels
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, tokens, width))
        self.patch_embed = patches
        self.drop = nn.Dropout(blocks[0].drop.p)
        self.blocks = nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(width, eps=EPSILON)
        self.head = nn.Linear(width, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits of normalized images (n, channels, size, size)."""
        patches = self.patch_embed(images)
        token = self.cls_token.expand(patches.shape[0], -1, -1)
        x = self.drop(torch.cat([token, patches], 1) + self.pos_embed)
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)[:, 0])


def build(
    *,
    depth: int,
    width: int,
    heads: int | None,
    patch: int,
    size: int,
    channels: int,
    classes: int,
    dropout: float,
) -> nn.Module:
    """The network with new weights."""
    heads = heads or max(1, width // HEAD)
    blocks = [Block(width, heads, dropout=dropout) for _ in range(depth)]
    tokens = (size // patch) ** 2 + 1
    return ViT(Patches(patch, channels, width), blocks, tokens=tokens, classes=classes)
