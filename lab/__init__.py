"""A typed language for machine-learning experiments, compiled to runs."""

from typing import Any

__version__ = "0.1.0"
#: Functions for programs, by the module that has each: brought in when asked for and not before.
_FUNCTIONS = {"export": ("lab.cli.export", "export_model")}


def __getattr__(name: str) -> Any:
    """`lab.export`, which exports a model for people without `lab`."""
    from importlib import import_module

    if name not in _FUNCTIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, function = _FUNCTIONS[name]
    return getattr(import_module(module), function)
