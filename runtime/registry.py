"""From resolved values to components, and back.

The catalog says in which module a component stands; nothing else keeps a list of them.
"""

import dataclasses
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from lab.runtime.errors import MissingFile
from lab.spec.catalog import builtin_catalog, catalog_of
from lab.spec.signature import Catalog, ParameterInfo, Signature
from lab.spec.units import Duration
from lab.spec.values import Value

#: The files of a person's own components that are in use, one entry.
_IN_USE: list[tuple[str, ...]] = [()]


def use(files: Sequence[str]) -> None:
    """Know the components of a person's own files beside those that ship, from now on."""
    _IN_USE[0] = tuple(files)


def catalog() -> Catalog:
    """The components that ship with `lab`, and those of the files in use."""
    return _catalog(_IN_USE[0])


@cache
def _catalog(files: tuple[str, ...]) -> Catalog:
    own = builtin_catalog()
    return catalog_of(map(Path, files), builtin=own) if files else own


def component_class(signature: Signature) -> type:
    """The class behind a signature; imports its module, and so runs a person's own file."""
    if signature.module.startswith("lab."):
        return getattr(import_module(signature.module), signature.qualname)
    return getattr(_own_module(signature.file), signature.qualname)


@cache
def _own_module(file: str) -> ModuleType:
    spec = spec_from_file_location(f"lab_component_{Path(file).stem}", file)
    if spec is None or spec.loader is None:
        raise MissingFile(f"{file} cannot be imported: it is no Python file")
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def instantiate(value: Value, *, folder: Path = Path()) -> Any:
    """The component, duration or plain value that a resolved value stands for.

    Args:
        value: see `lab.spec.values`. Schedules stay values: `lab.runtime.schedules` lowers them.
        folder: where relative file names start.
    """
    if isinstance(value, list):
        return tuple(instantiate(item, folder=folder) for item in value)
    if not isinstance(value, dict):
        return value
    if "duration" in value:
        return Duration(value["duration"], value["unit"])
    if "file" in value:
        return str(folder / value["file"])
    if "component" not in value:
        return value
    signature = catalog().signatures[value["kind"], value["component"]]
    return component_class(signature)(**fields_of(signature, value["args"], folder=folder))


def fields_of(signature: Signature, args: Mapping[str, Value], *, folder: Path) -> dict[str, Any]:
    """Arguments of a component as its Python fields.

    Arms of a stage or measurement are its inputs, and left out; elsewhere an arm is the role of
    the input that it is.
    """
    found: dict[str, Any] = {}
    for info in signature.parameters:
        if info.name not in args:
            continue
        value = args[info.name]
        if _is_input(value):
            found[info.field] = value["input"]
        elif info.type.name != "arm":
            found[info.field] = _field(info, value, folder)
    return found


def _field(info: ParameterInfo, value: Value, folder: Path) -> Any:
    if info.type.name == "schedule":  # see `instantiate`
        return value
    if info.type.mapping and isinstance(value, Mapping):
        return {label: instantiate(one, folder=folder) for label, one in value.items()}
    return instantiate(value, folder=folder)


def _is_input(value: Value) -> bool:
    return isinstance(value, dict) and len(value) == 1 and "input" in value


def value_of(instance: Any) -> Value:
    """The resolved value of a component instance: the inverse of `instantiate`."""
    if isinstance(instance, Duration):
        return {"duration": instance.amount, "unit": instance.unit}
    if isinstance(instance, tuple):
        return [value_of(item) for item in instance]
    about = getattr(type(instance), "component", None)
    if about is None:
        return instance
    signature = catalog().signatures[about["kind"], about["name"]]
    args = {p.name: _value_of_field(p, getattr(instance, p.field)) for p in signature.parameters}
    return {"component": about["name"], "kind": about["kind"], "args": args}


def _value_of_field(info: ParameterInfo, field: Any) -> Value:
    if info.type.name == "file" and isinstance(field, str):
        return field if info.known is not None and "/" not in field else {"file": field}
    if info.type.name == "arm" and isinstance(field, str):
        return {"input": field}
    if info.type.mapping and isinstance(field, Mapping):
        return {label: value_of(one) for label, one in field.items()}
    return value_of(field)


def with_arguments(value: Mapping[str, Value], **arguments: Value) -> dict[str, Value]:
    """A component's value with some of its arguments replaced."""
    return {**value, "args": {**value["args"], **arguments}}


def replace(instance: Any, **fields: Any) -> Any:
    """A component with some of its fields replaced."""
    return dataclasses.replace(instance, **fields)
