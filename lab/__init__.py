"""A typed language for machine-learning experiments, compiled to runs."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lab.cli.export import export_model as export

__all__ = ["__version__", "export"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """`lab.export`, which brings in what it needs when it is asked for and not before."""
    if name == "export":
        from lab.cli.export import export_model

        return export_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
