"""What measurements cost: examples run forward once, or weights made and counted."""

from collections.abc import Mapping
from typing import cast

from lab.compiler.facts import FLOAT_BYTES, Asking, Cost, Source
from lab.runtime.facts.stages import RECORD_BYTES
from lab.runtime.portions import portion
from lab.spec.values import Value


def scored(arguments: Mapping[str, Value], asking: Asking) -> Cost:
    """A split run forward through a model rebuilt from its file."""
    made = asking.made("of")
    source = cast(Source, asking.of(arguments["data"]))
    examples = source.of(cast(str, arguments["on"]))
    network, method = made.network, made.method
    batch = portion(source.example_bytes)
    return Cost(
        macs=examples * network.macs + (method.macs if method else 0),
        elements=examples * network.activations,
        calls=-(-examples // batch),
        memory=2 * network.state_bytes
        + FLOAT_BYTES * min(batch, examples) * network.activations
        + source.total_bytes,
        disk=RECORD_BYTES + 3 * examples,
        kind=network.kind,
    )


def read(arguments: Mapping[str, Value], asking: Asking) -> Cost:
    """Numbers read and counted."""
    del arguments
    made = asking.made("of")
    return Cost(elements=made.network.parameters, memory=made.kept_bytes, disk=RECORD_BYTES)
