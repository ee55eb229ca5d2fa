"""The parts of a key by name, and the stored result that has most of them in common with one."""

from collections.abc import Iterator, Mapping
from typing import cast

from lab.compiler.stored import Described, Stored
from lab.spec.values import Value


def nearest(one: Described, stored: Stored) -> Described | None:
    """The stored result of the same component that has most parts in common with one."""
    alike = (other for other in stored.values() if _is_alike(one, other))
    return max(alike, key=lambda other: (_common(one, other), other.key), default=None)


def _is_alike(one: Described, other: Described) -> bool:
    return other.key != one.key and other.component == one.component and other.role == one.role


def _common(one: Described, other: Described) -> tuple[int, int, int]:
    """How many parts two keys have in common; at equal numbers the same label counts."""
    here, there = dict(parts(one)), dict(parts(other))
    same = sum(there.get(name) == value for name, value in here.items())
    return same - len(there.keys() - here.keys()), one.label == other.label, -len(there)


def parts(one: Described) -> Iterator[tuple[str, Value]]:
    """The parts of a key by name: `code`, `argument …`, `input …`, `seed`, `vary`."""
    yield "code", one.version
    for name, value in one.arguments.items():
        yield from _flat(f"argument {name}", value)
    yield from ((f"input {role}", key) for role, key in one.inputs.items())
    yield "seed", one.seed
    yield "vary", list(one.vary)


def _flat(name: str, value: Value) -> Iterator[tuple[str, Value]]:
    """An argument by its own arguments: `argument by`, `argument by.lr`."""
    if not isinstance(value, dict) or "component" not in value:
        yield name, value
        return
    yield name, value["component"]
    for inner, one in cast(Mapping[str, Value], value["args"]).items():
        yield from _flat(f"{name}.{inner}", one)
