"""Numbers that are arguments of a compiled program, and what is left of a component without them.

A Python float closed over is baked into a program, and every point of a sweep would compile anew.
So a component comes apart into its traced numbers and a key of everything else: components with
equal keys share one program.
"""

import copy
import dataclasses
from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Array

#: Arrays of the host until a program takes them: making them costs nothing.
Numbers = dict[str, np.ndarray]


def numbers(component: Any, key: Hashable = None) -> Numbers:
    """The traced numbers of a component and of those inside it, by path.

    Those are the fields declared `traced`; of a schedule all numbers but durations. `key` is its
    `program_key`, where that is known.
    """
    places = _places(component, program_key(component) if key is None else key)
    return {path: np.array(_at(component, way), np.float32) for path, way in places}


def bind(component: Any, values: Mapping[str, Array]) -> Any:
    """The component with these in place of its traced numbers."""
    return _mapped(component, "", lambda path, _: values[path], traced=False)


#: From a value to one inside it: names of fields, labels and places.
_Way = tuple[Any, ...]


def _places(component: Any, key: Hashable) -> tuple[tuple[str, _Way], ...]:
    """Where the traced numbers are: alike in components of one program, of which there are many."""
    if key not in _known_places:
        _known_places[key] = tuple(_found(component, (), traced=False))
    return _known_places[key]


_known_places: dict[Hashable, tuple[tuple[str, _Way], ...]] = {}


def _at(component: Any, way: _Way) -> Any:
    value = component
    for step in way:
        value = value[step] if _kind(type(value)) != "component" else getattr(value, step)
    return value


def _found(value: Any, way: _Way, *, traced: bool) -> Iterator[tuple[str, _Way]]:
    kind = _kind(type(value))
    if kind == "component":
        for name, part, inner in _fields(value):
            yield from _found(part, (*way, name), traced=inner)
    elif kind == "mapping" and "duration" not in value:
        for label, part in value.items():
            yield from _found(part, (*way, label), traced=traced)
    elif kind == "sequence":
        for place, part in enumerate(value):
            yield from _found(part, (*way, place), traced=traced)
    elif traced and kind == "number":
        yield "".join(f".{step}" for step in way), way


def program_key(component: Any) -> Hashable:
    """Equal for components that differ in traced numbers only."""
    return _frozen(component, traced=False)


def _mapped(value: Any, path: str, change: Callable[[str, float], Any], *, traced: bool) -> Any:
    kind = _kind(type(value))
    if kind == "component":
        # Not built anew: an array is no number to a check of the fields' ranges.
        made = copy.copy(value)
        for name, part, inner in _fields(value):
            if inner or _kind(type(part)) not in _SINGLE:
                changed = _mapped(part, f"{path}.{name}", change, traced=inner)
                object.__setattr__(made, name, changed)
        return made
    if kind == "mapping" and "duration" not in value:
        return {k: _mapped(v, f"{path}.{k}", change, traced=traced) for k, v in value.items()}
    if kind == "sequence":
        parts = enumerate(value)
        return tuple(_mapped(v, f"{path}.{i}", change, traced=traced) for i, v in parts)
    return change(path, value) if traced and kind == "number" else value


def _frozen(value: Any, *, traced: bool) -> Hashable:
    kind = _kind(type(value))
    if kind == "component":
        return type(value), *(_frozen(part, traced=inner) for _, part, inner in _fields(value))
    if kind == "mapping":
        traced = traced and "duration" not in value
        return tuple((k, _frozen(v, traced=traced)) for k, v in sorted(value.items()))
    if kind == "sequence":
        return tuple(_frozen(part, traced=traced) for part in value)
    return "a number" if traced and kind == "number" else value


def _fields(component: Any) -> Iterator[tuple[str, Any, bool]]:
    for name, traced in _declared(type(component)):
        yield name, getattr(component, name), traced


@cache
def _declared(cls: type) -> tuple[tuple[str, bool], ...]:
    return tuple((one.name, one.metadata.get("traced", False)) for one in dataclasses.fields(cls))


#: Kinds of values that have no others inside.
_SINGLE = ("number", "other")


@cache
def _kind(cls: type) -> str:
    """What values of a class are to this module; asked thousands of times for a run."""
    if dataclasses.is_dataclass(cls):
        return "component"
    if issubclass(cls, Mapping):
        return "mapping"
    if issubclass(cls, tuple | list):
        return "sequence"
    is_number = issubclass(cls, int | float) and not issubclass(cls, bool)
    return "number" if is_number else "other"
