"""What a foreign network is built from, and where its conversion is kept.

A recipe is plain data: the library, the name there, and everything else that the network depends
on. A conversion is kept in the user's cache folder under a hash of the recipe, the versions of the
libraries and the code that converts; beside it stands a small JSON file of facts, for whoever plans
a study. Nothing here needs numpy, so that planning can look.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from lab.runtime.errors import UnsuitableSetting
from lab.spec.catalog import cache_folder
from lab.spec.values import Value

#: What has to be installed for a library's networks, by the name that a recipe has for it.
PACKAGES = {
    "torchvision": ("torch", "torchvision"),
    "timm": ("torch", "timm"),
    "transformers": ("torch", "transformers"),
    "torch": ("torch",),
}
_RUNTIME = Path(__file__).parents[1]
#: Code of the bridge that a conversion does not depend on.
_ELSEWHERE = ("checkpoint", "example", "export", "names", "parity", "published", "rebuilt")


class Options(dict[str, Any]):
    """Arguments for a library's own constructor. Always holds: nobody changes them."""

    def __hash__(self) -> int:  # type: ignore[override] - fields of models are compared and hashed
        """Equal options are one."""
        return hash(frozenset(self.items()))


@dataclass(frozen=True)
class Recipe:
    """A network of a library.

    `name` is the library's, or `file.py:callable`. `classes` is the number of its answers, `size`
    that of its square images or None for the library's, `length` that of its texts, 0 for none.
    `task` and `config`, the JSON of a configuration, are those of transformers; `source` is the
    text of the file that a callable stands in.
    """

    library: str
    name: str
    classes: int
    size: int | None = None
    length: int = 0
    task: str = ""
    config: str = ""
    source: str = ""
    options: Options = field(default_factory=Options)

    def __str__(self) -> str:
        return f"{self.library} {self.name}"


def key(recipe: Recipe) -> str:
    """The hash that a conversion is kept under."""
    packages = {name: _version(name, recipe.library) for name in PACKAGES[recipe.library]}
    parts = {"recipe": asdict(recipe), "packages": packages, "code": _code()}
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def folder() -> Path:
    """Where conversions are kept."""
    return cache_folder() / "conversions"


def conversion_file(recipe: Recipe) -> Path:
    """Where a recipe's conversion is kept, once there is one."""
    return folder() / f"{key(recipe)}.safetensors"


def facts(recipe: Recipe) -> Mapping[str, Any] | None:
    """What is known of a network that was converted before: shapes and costs; else None."""
    try:
        path = conversion_file(recipe).with_suffix(".json")
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, UnsuitableSetting):  # none, a part of one, or no such library here
        return None


def options_of(value: Mapping[str, Value]) -> Options:
    """Options as a library wants them: whole numbers whole, and words true or false."""
    words = {"true": True, "false": False}
    made: dict[str, Any] = {}
    for name, one in value.items():
        if isinstance(one, float) and one.is_integer():
            made[name] = int(one)
        else:
            made[name] = words.get(one, one) if isinstance(one, str) else one
    return Options(made)


def _version(package: str, library: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError as error:
        raise UnsuitableSetting(
            f"`{library}(…)` needs {package}, which is not installed: install the extra `models`"
        ) from error


@cache
def _code() -> str:
    digest = hashlib.sha256()
    for path in _code_files():
        digest.update(f"{path.relative_to(_RUNTIME)}\0".encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def _code_files() -> Iterator[Path]:
    """What builds a network and makes a graph of it."""
    bridge = sorted((_RUNTIME / "bridge").glob("*.py"))
    yield from (path for path in bridge if not path.stem.startswith(_ELSEWHERE))
    yield _RUNTIME / "foreign" / "graph.py"
