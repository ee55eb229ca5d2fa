"""How a weight is computed from what its method ships, one file for each method.

A decoder's file has the name of its method and one function,

    def decoder(weight: Weight) -> nn.Module | Tensor

that gives a module which computes the weight when called without arguments, or the weight itself
where nothing is to be computed. A module keeps the numbers that it needs as submodules (`Stored`).
"""

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from ..reading import BadExport, Streams
from ..stored import Stored

#: Before the places of a nested method's numbers.
MARK = "through:"
_NAME = re.compile(r"[a-z_][a-z0-9_]*")


@dataclass(frozen=True)
class Weight:
    """What a decoder is given.

    `streams` are all that the method shipped, by place and field; those at `path` are the weight's
    own. `arguments` are the method's, as the study has them, defaults filled in.
    """

    path: str
    shape: tuple[int, ...]
    streams: Streams
    arguments: Mapping[str, Any]

    @property
    def own(self) -> Mapping[str, Stored]:
        """The weight's own numbers, by field."""
        return self.streams[self.path]

    def inner(self, name: str, shape: tuple[int, ...]) -> nn.Module | Tensor | None:
        """A number of this method that goes through another one; None where it does not."""
        method = self.arguments.get("through")
        within = {
            place.removeprefix(MARK): fields
            for place, fields in self.streams.items()
            if place.startswith(MARK)
        }
        if method is None or name not in within:
            return None
        return decoder_of(method["component"])(Weight(name, shape, within, method["args"]))


Decoder = Callable[[Weight], "nn.Module | Tensor"]


def decoder_of(method: str) -> Decoder:
    """The decoder of a method. Raises `BadExport` where there is none here."""
    if not _NAME.fullmatch(method):
        raise BadExport(f"`{method}` is no name of a method")
    try:
        module = import_module(f".{method}", __name__)
    except ModuleNotFoundError as error:
        raise BadExport(f"there is no decoder for weights made by `{method}`") from error
    return module.decoder


def learn(method: str, path: str | Path) -> None:
    """Know the decoder of a method whose file stands elsewhere, in this process."""
    if not _NAME.fullmatch(method):
        raise BadExport(f"`{method}` is no name of a method")
    name = f"{__name__}.{method}"
    spec = spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise BadExport(f"{path} is no Python file")
    module = module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
