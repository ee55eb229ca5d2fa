"""The facts of components that ship, found where their decorators say; nothing heavy is imported.

A person's own components are not run to make a plan, whatever their decorators name.
"""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lab.spec.signature import Catalog, Signature
from lab.spec.values import Value

if TYPE_CHECKING:
    from lab.compiler.facts import Asking

Facts = Callable[[Mapping[str, Value], "Asking"], Any]


def find(signature: Signature) -> Facts | None:
    """The function of a component's facts, None where there is none."""
    if signature.facts is None or not signature.module.startswith("lab."):
        return None
    return _function(signature.facts)


@cache
def _function(named: str) -> Facts:
    module, _, name = named.partition(":")
    return getattr(import_module(module), name)


def asking(catalog: Catalog) -> "Asking":
    """What facts are asked with."""
    from lab.compiler.facts import Asking

    return Asking(catalog, find)
