"""Numbers that are arguments of a compiled program, and what is left of a component without them.

A Python float closed over is baked into a program, and every point of a sweep would compile anew.
So a component comes apart into its traced numbers and a key of everything else: components with
equal keys share one program.
"""

import dataclasses
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

Numbers = dict[str, Array]
_Visit = Callable[[str, float], Any]


def numbers(component: Any) -> Numbers:
    """The traced numbers of a component and of those inside it, by path.

    Those are the fields declared `traced`; of a schedule all numbers but durations.
    """
    found: Numbers = {}

    def keep(path: str, value: float) -> float:
        found[path] = jnp.full((), value, jnp.float32)
        return value

    _walk(component, "", keep)
    return found


def bind(component: Any, values: Mapping[str, Array]) -> Any:
    """The component with these in place of its traced numbers."""
    return _walk(component, "", lambda path, _: values[path])


def program_key(component: Any) -> Hashable:
    """Equal for components that differ in traced numbers only."""
    return _frozen(_walk(component, "", lambda path, _: path))


def _walk(value: Any, path: str, visit: _Visit, *, traced: bool = False) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = [f for f in dataclasses.fields(value) if f.init]
        return dataclasses.replace(
            value,
            **{
                f.name: _walk(
                    getattr(value, f.name),
                    f"{path}.{f.name}",
                    visit,
                    traced=f.metadata.get("traced", False),
                )
                for f in fields
            },
        )
    if isinstance(value, Mapping):
        if "duration" in value:
            return value
        return {k: _walk(v, f"{path}.{k}", visit, traced=traced) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return tuple(_walk(v, f"{path}.{i}", visit, traced=traced) for i, v in enumerate(value))
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return visit(path, value) if traced and is_number else value


def _frozen(value: Any) -> Hashable:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = dataclasses.fields(value)
        return (type(value), *(_frozen(getattr(value, f.name)) for f in fields))
    if isinstance(value, Mapping):
        return tuple((k, _frozen(v)) for k, v in sorted(value.items()))
    if isinstance(value, tuple | list):
        return tuple(map(_frozen, value))
    return value
