"""The parts of a key by name, how two keys differ, and the stored result that is most like one."""

from collections.abc import Callable, Iterator, Mapping
from typing import cast

from lab.compiler.stored import Described, Stored
from lab.compiler.tracing import Steps
from lab.spec.records import record
from lab.spec.signature import Catalog, Signature
from lab.spec.values import Value

#: A result by its key, None where nobody knows it.
Find = Callable[[str], Described | None]


@record
class Part:
    """A part of a key. `steps` lead to an argument, `kind` is the name of its type."""

    name: str
    value: Value
    steps: Steps = ()
    kind: str = ""


@record
class Unlike:
    """A part that two keys do not have in common; None where one has no such part."""

    here: Part | None
    there: Part | None
    #: The inputs on the way to it, and the result of the first key that it is a part of.
    inputs: tuple[str, ...]
    of: Described


def parts(one: Described, catalog: Catalog) -> Iterator[Part]:
    """Every part of a key but the code of its arguments and its inputs' inputs."""
    yield Part("code", one.version)
    signature = catalog.get(one.role, one.component)
    for name, value in one.arguments.items():
        yield from _argument((name,), name, value, signature=signature, catalog=catalog)
    yield from (Part(f"input {role}", key) for role, key in one.inputs.items())
    yield Part("seed", one.seed)
    yield Part("vary", list(one.vary))


def _argument(
    steps: Steps, name: str, value: Value, *, signature: Signature | None, catalog: Catalog
) -> Iterator[Part]:
    """An argument by its own arguments: `by`, `by.lr`."""
    info = None if signature is None else signature.parameter(str(steps[-1]))
    kind = "" if info is None else info.type.name
    if not isinstance(value, dict) or "component" not in value:
        yield Part(f"argument {name}", value, steps, kind)
        return
    component = cast(str, value["component"])
    yield Part(f"argument {name}", component, steps, kind)
    inner = catalog.get(cast(str, value["kind"]), component)
    for own, one in cast(Mapping[str, Value], value["args"]).items():
        way = (*steps, "args", own)
        yield from _argument(way, f"{name}.{own}", one, signature=inner, catalog=catalog)


def differences(
    one: Described, other: Described, *, find: Find, catalog: Catalog
) -> Iterator[Unlike]:
    """What two keys do not have in common; of inputs that are known, what these do not."""
    here = {part.name: part for part in parts(one, catalog)}
    there = {part.name: part for part in parts(other, catalog)}
    for name in dict.fromkeys((*here, *there)):
        left, right = here.get(name), there.get(name)
        if left is not None and right is not None:
            if left.value == right.value:
                continue
            if name.startswith("input "):
                yield from _of_inputs(left, right, one, find=find, catalog=catalog)
                continue
        yield Unlike(left, right, (), one)


def _of_inputs(
    here: Part, there: Part, of: Described, *, find: Find, catalog: Catalog
) -> Iterator[Unlike]:
    role = here.name.removeprefix("input ")
    left, right = find(str(here.value)), find(str(there.value))
    if left is None or right is None or left.component != right.component:
        yield Unlike(here, there, (), of)
        return
    for one in differences(left, right, find=find, catalog=catalog):
        yield Unlike(one.here, one.there, (role, *one.inputs), one.of)


def nearest(one: Described, stored: Stored, *, find: Find, catalog: Catalog) -> Described | None:
    """The stored result of the same component that has most parts in common with one.

    Where several have as many, the inputs decide, and then the label.
    """
    here = {part.name: part.value for part in parts(one, catalog)}
    near: list[tuple[int, Described]] = []
    for other in stored.values():
        if other.key != one.key and (other.component, other.role) == (one.component, one.role):
            there = {part.name: part.value for part in parts(other, catalog)}
            apart = sum(here.get(name) != there.get(name) for name in here.keys() | there.keys())
            near.append((apart, other))
    least = min((apart for apart, _ in near), default=0)
    alike = [other for apart, other in near if apart == least]

    def distance(other: Described) -> tuple[int, bool, str]:
        apart = sum(1 for _ in differences(one, other, find=find, catalog=catalog))
        return apart, other.label != one.label, other.key

    return min(alike, key=distance, default=None)
