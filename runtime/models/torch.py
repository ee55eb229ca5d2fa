"""Networks that a person's own Python makes in torch: `torch("nets.py:make")`.

The callable makes a torch module; what it takes is given as further arguments, and `classes` too
where it has such a parameter. Its file runs when a study runs, never to check or to plan. The
file's content is part of the key of a result, that of other files which it imports is not. An
artifact keeps the converted network itself, so that whoever reads it runs none of the file.
"""

import base64
import hashlib
import lzma
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, Self

from jaxtyping import PRNGKeyArray

from lab.runtime import registry
from lab.runtime.errors import MissingFile, UnsuitableSetting
from lab.runtime.foreign import graph
from lab.runtime.foreign.graph import Conversion
from lab.runtime.foreign.model import ForeignModel
from lab.runtime.foreign.recipes import Options, Recipe, options_of
from lab.runtime.model import State
from lab.spec.declare import File, Pixels, component, parameter

#: What converted networks are compressed with.
_LZMA = {"format": lzma.FORMAT_ALONE, "preset": 9}


@component("torch", kind="model", streams=("init",))
class Torch(ForeignModel):
    """A torch module made by a callable of your own, `file.py:callable`.

    It is given images `(n, channels, size, size)`, normalized by `mean` and `deviation`; or, where
    `length` is above zero, tokens, attention mask and token types `(n, length)`.

    Example:
        >>> Torch(name="nets.py:make", size=28, channels=1).name
        'nets.py:make'
    """

    name: File = parameter(doc="`file.py:callable`, beside the study", positional=True)
    classes: int = parameter(10, "classes to tell apart", low=1)
    size: Pixels = parameter(32, "side of its images", low=1)
    channels: int = parameter(3, "channels of its images", low=1)
    mean: tuple[float, ...] = parameter(
        (0.485, 0.456, 0.406), "what is taken off each channel, of intensities in 0 … 1"
    )
    deviation: tuple[float, ...] = parameter(
        (0.229, 0.224, 0.225), "what each channel is then divided by"
    )
    length: int = parameter(0, "tokens of a text; 0 for a network of images", low=0)
    weights: File | None = parameter(None, "checkpoint to start from (.safetensors, .th, .pt)")
    converted: str = parameter("", "the network itself, as artifacts keep it")
    options: dict[str, Literal["true", "false"] | float] = parameter(
        {}, "arguments of the callable"
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", Options(self.options))

    @classmethod
    def example(cls) -> Self:
        """A network of the usual layers, made by a callable that ships."""
        file = Path(__file__).parents[1] / "bridge" / "example.py"
        return cls(name=f"{file}:network", size=12, classes=5, options={"width": 8})

    @property
    def recipe(self) -> Recipe:
        """What the network is built from."""
        ours = {"channels": self.channels, "mean": self.mean, "deviation": self.deviation}
        return Recipe(
            "torch",
            self.name,
            classes=self.classes,
            size=self.size,
            length=self.length,
            source=self._source(),
            options=Options({**options_of(self.options), **ours}),
        )

    def _source(self) -> str:
        file, colon, _ = self.name.rpartition(":")
        if not colon:
            raise UnsuitableSetting(
                f'`torch` takes a file and what to call in it, as in "nets.py:make", and not '
                f"{self.name!r}"
            )
        try:
            return hashlib.sha256(Path(file).read_bytes()).hexdigest()
        except OSError as error:
            raise MissingFile(f"there is no Python file {file}: {error.strerror}") from error

    @property
    def conversion(self) -> Conversion:
        """The network's graphs; those of an artifact are a part of it."""
        return _unpacked(self.converted) if self.converted else super().conversion

    def init(self, key: PRNGKeyArray) -> tuple[State, State]:
        """Parameters and buffers at the start, as the module draws them."""
        if self.converted:
            raise UnsuitableSetting("a network without its Python file has no first weights")
        return super().init(key)

    def located(self, folder: Path) -> Self:
        """The definition with whole paths."""
        return registry.replace(super().located(folder), name=str(folder / self.name))

    def settled(self, folder: Path) -> Self:
        """The definition as artifacts keep it: the network is a part of it."""
        made = super().settled(folder)
        if self.converted:
            return made
        return registry.replace(
            made,
            name=f"converted:{self.name.rpartition(':')[2]}",
            converted=_packed(self.located(folder).conversion),
            options={},
        )


def _packed(made: Conversion) -> str:
    with TemporaryDirectory(prefix="lab-converted-") as folder:
        path = Path(folder) / "network"
        graph.save(made, path)
        return base64.b85encode(lzma.compress(path.read_bytes(), **_LZMA)).decode()


@lru_cache(8)
def _unpacked(text: str) -> Conversion:
    with TemporaryDirectory(prefix="lab-converted-") as folder:
        path = Path(folder) / "network"
        path.write_bytes(lzma.decompress(base64.b85decode(text)))
        return graph.load(path)
