"""Graphs of this package's own networks, through their torch twins.

A native network is drawn twice: as a Flax module, and as the torch module of the same names that
exports are made of. The second one has a graph of operators like any other torch module, and with
it a layer graph, a count of multiplications and narrower versions of itself.
"""

from collections.abc import Mapping
from typing import Any

from lab.runtime.bridge.export.networks import batch_of, network_of
from lab.runtime.bridge.exported import convert
from lab.runtime.foreign.graph import Conversion
from lab.runtime.model import NativeModel
from lab.spec.values import Value


def conversion_of(model: NativeModel, value: Mapping[str, Value]) -> Conversion:
    """A native network's graphs; `value` is the component that a study gave.

    Parameters and buffers have the model's own paths. The graphs take images as the twin does:
    normalized, channels in front. Raises `NotExportable` where the network has no twin.
    """
    network = network_of(model, value, value)
    examples: Mapping[str, Any] = batch_of(model, network).inputs
    return convert(network.made(), dict(examples), about=dict(network.about))
