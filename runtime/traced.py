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


def numbers(component: Any) -> Numbers:
    """The traced numbers of a component and of those inside it, by path.

    Those are the fields declared `traced`; of a schedule all numbers but durations.
    """
    found: Numbers = {}

    def keep(path: str, value: float) -> float:
        found[path] = np.full((), value, np.float32)
        return value

    _mapped(component, "", keep, traced=False)
    return found


def bind(component: Any, values: Mapping[str, Array]) -> Any:
    """The component with these in place of its traced numbers."""
    return _mapped(component, "", lambda path, _: values[path], traced=False)


def program_key(component: Any) -> Hashable:
    """Equal for components that differ in traced numbers only."""
    return _frozen(component, traced=False)


def _mapped(value: Any, path: str, change: Callable[[str, float], Any], *, traced: bool) -> Any:
    if _is_component(value):
        # Not built anew: an array is no number to a check of the fields' ranges.
        made = copy.copy(value)
        for name, part, inner in _fields(value):
            changed = _mapped(part, f"{path}.{name}", change, traced=inner)
            object.__setattr__(made, name, changed)
        return made
    if isinstance(value, Mapping) and "duration" not in value:
        return {k: _mapped(v, f"{path}.{k}", change, traced=traced) for k, v in value.items()}
    if isinstance(value, tuple | list):
        parts = enumerate(value)
        return tuple(_mapped(v, f"{path}.{i}", change, traced=traced) for i, v in parts)
    return change(path, value) if traced and _is_number(value) else value


def _frozen(value: Any, *, traced: bool) -> Hashable:
    if _is_component(value):
        return type(value), *(_frozen(part, traced=inner) for _, part, inner in _fields(value))
    if isinstance(value, Mapping):
        traced = traced and "duration" not in value
        return tuple((k, _frozen(v, traced=traced)) for k, v in sorted(value.items()))
    if isinstance(value, tuple | list):
        return tuple(_frozen(part, traced=traced) for part in value)
    return "a number" if traced and _is_number(value) else value


def _fields(component: Any) -> Iterator[tuple[str, Any, bool]]:
    for name, traced in _declared(type(component)):
        yield name, getattr(component, name), traced


@cache
def _declared(cls: type) -> tuple[tuple[str, bool], ...]:
    return tuple((one.name, one.metadata.get("traced", False)) for one in dataclasses.fields(cls))


#: Asked thousands of times for a run.
@cache
def _is_class_of_components(cls: type) -> bool:
    return dataclasses.is_dataclass(cls)


def _is_component(value: Any) -> bool:
    return _is_class_of_components(type(value))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
