"""Numbers, bits and multiplications of reparameterizations.

Each is given shapes of weights and chooses among them as `lab.runtime.patterns` does. What is
shipped is added up here as `pack` would: `tests/runtime/test_facts.py` compares the two.
"""

from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import cast

from lab.compiler.facts import (
    FLOAT_BYTES,
    Asking,
    Method,
    Network,
    Shape,
    UnknownError,
    count,
    size,
)
from lab.runtime.facts.values import integer, named, number, taken, words
from lab.spec.values import Value

_FLOAT = 32
_STORED = {"float16": 16, "float32": 32}
#: Numbers computed at a place for each sine: the argument, its reduction, the polynomial's parts.
_OF_A_SINE = 8
#: The same for a weight on a grid with a learned dead zone, whose tensor is sorted besides.
_OF_A_GRID = 20


def plain(arguments: Mapping[str, Value], asking: Asking) -> Callable[[Network], Method]:
    """Weights as they are."""
    del asking

    def of(network: Network) -> Method:
        chosen = taken(arguments, network)
        numbers = count(chosen.values())
        return Method(chosen, numbers, 0, numbers * _FLOAT, macs=0, activations=0)

    return of


def quantize(arguments: Mapping[str, Value], asking: Asking) -> Callable[[Network], Method]:
    """Levels of so many bits, and scales for each channel or tensor."""
    del asking

    def of(network: Network) -> Method:
        chosen = taken(arguments, network)
        numbers = count(chosen.values())
        per_channel = arguments.get("per") == "channel"
        scales = sum(shape[0] if per_channel else 1 for shape in chosen.values())
        levels = sum(_whole_bytes(size(one), integer(arguments, "bits")) for one in chosen.values())
        bits = 8 * levels + scales * _STORED[cast(str, arguments["scales"])]
        return Method(chosen, numbers, 0, bits, macs=0, activations=4 * numbers)

    return of


def prune(arguments: Mapping[str, Value], asking: Asking) -> Callable[[Network], Method]:
    """A bit for each weight, and those that are left."""
    del asking

    def of(network: Network) -> Method:
        chosen = taken(arguments, network)
        numbers = count(chosen.values())
        left = numbers - round(number(arguments, "sparsity") * numbers)
        masks = sum(_whole_bytes(size(one), 1) for one in chosen.values())
        bits = 8 * masks + left * _STORED[cast(str, arguments["storage"])]
        return Method(chosen, numbers, numbers, bits, macs=0, activations=2 * numbers)

    return of


def field_sizes(features: int, *, width: int, layers: int) -> tuple[int, ...]:
    """Numbers before and after each layer of a field."""
    return (features, *[width] * layers, 1)


def inwf(arguments: Mapping[str, Value], asking: Asking) -> Callable[[Network], Method]:
    """A field for every tensor: its numbers, and its multiplications at every place."""
    _refuse_nested(arguments, "inwf")
    encoding = arguments.get("encoding")
    features = _axes if encoding is None else asking.of(encoding)
    width, layers = integer(arguments, "width"), integer(arguments, "layers")
    bits = _STORED[cast(str, arguments["storage"])]

    def sizes(shape: Shape) -> tuple[int, ...]:
        return field_sizes(features(len(shape)), width=width, layers=layers)

    def of(network: Network) -> Method:
        chosen = taken(arguments, network)
        numbers = {path: _numbers(sizes(shape)) for path, shape in chosen.items()}
        place = {path: _macs(sizes(shape)) for path, shape in chosen.items()}
        total = sum(numbers.values())
        of_a_place = width * layers * (_OF_A_SINE if arguments.get("activation") == "sine" else 2)
        return Method(
            chosen,
            total,
            2 * FLOAT_BYTES * len(chosen),
            total * bits + 2 * _FLOAT * len(chosen),
            macs=sum(place[path] * size(shape) for path, shape in chosen.items()),
            activations=of_a_place * count(chosen.values()),
            kind="field",
            place_macs=place,
            place_activations=of_a_place,
        )

    return of


def codeq(arguments: Mapping[str, Value], asking: Asking) -> Callable[[Network], Method]:
    """Levels in the most bits that a tensor may have, which is where it starts, and two scalars."""
    del asking

    def of(network: Network) -> Method:
        chosen = taken(arguments, network)
        numbers, tensors = count(chosen.values()), len(chosen)
        most = integer(arguments, "max_bits")
        levels = sum(_whole_bytes(size(one), most) for one in chosen.values())
        bits = 8 * levels + 2 * _FLOAT * tensors
        return Method(
            chosen, numbers + 2 * tensors, 0, bits, macs=0, activations=_OF_A_GRID * numbers
        )

    return of


def lora(arguments: Mapping[str, Value], asking: Asking) -> Callable[[Network], Method]:
    """Everything but what is trained in full stays; tensors among it get two thin matrices."""
    del asking
    _refuse_nested(arguments, "lora")
    rank = integer(arguments, "rank")

    def of(network: Network) -> Method:
        whole = named(words(arguments, "train"), network)
        kept = {path: shape for path, shape in network.weights.items() if path not in whole}
        asked = named(words(arguments, "targets"), network)
        targets = [one for path, one in kept.items() if path in asked and len(one) >= 2]
        adapters = sum(rank * (shape[0] + size(shape[1:])) for shape in targets)
        base = count(kept.values())
        return Method(
            kept,
            adapters,
            FLOAT_BYTES * base,
            _FLOAT * (base + adapters),
            macs=rank * count(targets),
            activations=2 * base,
        )

    return of


def _refuse_nested(arguments: Mapping[str, Value], name: str) -> None:
    """Numbers of a method that go through another are not counted."""
    if arguments.get("through") is not None:
        raise UnknownError(f"{name}(through: …)")


def fourier(arguments: Mapping[str, Value], asking: Asking) -> Callable[[int], int]:
    """Features of a coordinate with so many axes: two for each axis and octave."""
    del asking
    bands = integer(arguments, "bands")
    return lambda axes: 2 * bands * axes


def _axes(axes: int) -> int:
    return axes


def _numbers(sizes: tuple[int, ...]) -> int:
    return sum(before * after + after for before, after in pairwise(sizes))


def _macs(sizes: tuple[int, ...]) -> int:
    return sum(before * after for before, after in pairwise(sizes))


def _whole_bytes(values: int, bits: int) -> int:
    return -(-values * bits // 8)
