"""Physically pruned torch modules: networks without some channels, as plain modules.

    smaller = without_dead(module, {"x": images})
    smaller.module(images)     # the same logits

The narrower module is rebuilt from the narrower graph, so that a forward method that counts on its
widths (heads, groups, views) is none in the way. Names in its `state_dict` are those of the whole
module; tied weights have the name they are kept under.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from lab.runtime.bridge.exported import convert
from lab.runtime.bridge.rebuilt import rebuilt
from lab.runtime.foreign.channels import Channels, channels
from lab.runtime.foreign.dead import liveness
from lab.runtime.foreign.dead import without_dead as live_part
from lab.runtime.foreign.graph import Conversion
from lab.runtime.foreign.macs import macs
from lab.runtime.foreign.shrink import Shrunk, shrink


@dataclass(frozen=True, eq=False)
class Smaller:
    """A narrower module, ready to evaluate, and what it has less of.

    `channels` and `left` count removable units, `macs_before` and `macs` multiplications of one
    example. `reasons` says, by unit, why constants that say nothing stayed.
    """

    module: nn.Module
    shrunk: Shrunk
    channels: int
    left: int
    macs_before: int
    macs: int
    reasons: Mapping[int, str]


def without_dead(module: nn.Module, inputs: Mapping[str, Any]) -> Smaller:
    """The module without channels that change no logit. `inputs` are examples, by keyword.

    Raises `Unconvertible` where the module is none that a graph can be made of.
    """
    conversion = convert(module, inputs, about={})
    layers = channels(conversion.evaluating)
    params, buffers = state_of(module, conversion)
    found = liveness(layers, params, buffers)
    shrunk = live_part(layers, params, buffers)
    return _smaller(layers, shrunk, found.needed, reasons=found.reasons)


def without(module: nn.Module, inputs: Mapping[str, Any], keep: np.ndarray) -> Smaller:
    """The module with those units alone for which `keep`, by number in its layer graph, holds."""
    conversion = convert(module, inputs, about={})
    layers = channels(conversion.evaluating)
    return _smaller(layers, shrink(layers, *state_of(module, conversion), keep), keep, reasons={})


def state_of(
    module: nn.Module, conversion: Conversion
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Parameters and buffers of a module, under the names that its conversion has."""
    found = {
        **dict(module.named_buffers(remove_duplicate=False)),
        **dict(module.named_parameters(remove_duplicate=False)),
    }
    return tuple(  # pyright: ignore[reportReturnType] - two of them
        {name: _array(found[name]) for name in names}
        for names in (conversion.parameters, conversion.buffers)
    )


def _array(values: torch.Tensor) -> np.ndarray:
    return values.detach().cpu().numpy()


def _smaller(
    layers: Channels, shrunk: Shrunk, keep: np.ndarray, *, reasons: Mapping[int, str]
) -> Smaller:
    removable = [unit for group in layers.removable() for unit in group.units]
    return Smaller(
        module=rebuilt(shrunk.graph, shrunk.params, shrunk.buffers),
        shrunk=shrunk,
        channels=len(removable),
        left=int(np.asarray(keep, bool)[removable].sum()),
        macs_before=macs(layers.graph),
        macs=macs(shrunk.graph),
        reasons=reasons,
    )
