"""Networks of transformers: `transformers("./minilm", task: "sequence-classification")`.

A name is one of three things. With a slash it is a folder as `save_pretrained` writes it, beside
the study, or, where there is none, a name on the hub. Without one it is a type of model (`bert`) in
the library's own configuration. Further arguments replace entries of the configuration. Code that
comes with a model is never run.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, Self

from lab.runtime import registry
from lab.runtime.errors import BadCheckpoint, MissingFile
from lab.runtime.foreign import conversions
from lab.runtime.foreign.model import ForeignModel
from lab.runtime.foreign.recipes import Options, Recipe, options_of
from lab.spec.declare import File, Pixels, component, parameter

CONFIG = "config.json"
#: What says how images are normalized.
PROCESSOR = "preprocessor_config.json"


@component(
    "transformers", kind="model", streams=("init",), facts="lab.runtime.facts.foreign:transformers"
)
class Transformers(ForeignModel):
    """A network of transformers; a folder or a name on the hub comes with its weights.

    Example:
        >>> Transformers(name="bert", options={"hidden_size": 32}).recipe.task
        'sequence-classification'
    """

    name: File = parameter(
        doc="a folder, a name on the hub, or a type of model",
        positional=True,
        known="transformers",
    )
    task: Literal["sequence-classification", "image-classification", "features"] = parameter(
        "sequence-classification", "what is asked of it: classes, or numbers where `classes` is 1"
    )
    classes: int = parameter(2, "classes to tell apart", low=1)
    length: int = parameter(128, "tokens of a text", low=1)
    size: Pixels | None = parameter(None, "side of its images; none for the usual one", low=1)
    pretrained: bool = parameter(True, "whether a folder's or the hub's weights are begun with")
    weights: File | None = parameter(
        None, "checkpoint to start from in place of those (.safetensors, .th, .pt, a folder)"
    )
    config: str = parameter("", "the whole configuration as JSON, as artifacts keep it")
    options: dict[str, Literal["true", "false"] | float] = parameter(
        {}, "entries of the configuration"
    )

    def __post_init__(self) -> None:
        object.__setattr__(self, "options", Options(self.options))

    @classmethod
    def example(cls) -> Self:
        """A small reader of texts."""
        options = {
            "hidden_size": 16,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "intermediate_size": 32,
            "vocab_size": 300,
            "max_position_embeddings": 16,
        }
        return cls(name="bert", length=8, classes=3, options=options)

    @property
    def recipe(self) -> Recipe:
        """What the network is built from: a type of model, or a whole configuration."""
        config = self.config or ("" if self._is_type else _config_in(self._folder))
        kind = json.loads(config)["model_type"] if config else self.name
        is_image = self.task == "image-classification"
        return Recipe(
            "transformers",
            kind,
            classes=self.classes,
            size=self.size,
            length=0 if is_image else self.length,
            task=self.task,
            config=config,
            options=options_of(self.options),
        )

    @property
    def _is_type(self) -> bool:
        return "/" not in self.name

    @property
    def _folder(self) -> Path:
        return Path(self.name) if Path(self.name).is_dir() else Path(_on_hub(self.name))

    @property
    def published(self) -> bool:
        """Whether there are weights to begin with besides a checkpoint."""
        return self.pretrained and not self._is_type

    def published_weights(self) -> Path:
        """The folder that they are in."""
        return self._folder

    def located(self, folder: Path) -> Self:
        """The definition with whole paths."""
        made = super().located(folder)
        is_folder = not self._is_type and (folder / self.name).is_dir()
        return registry.replace(made, name=str(folder / self.name)) if is_folder else made

    def settled(self, folder: Path) -> Self:
        """The definition as artifacts keep it: its whole configuration is a part of it."""
        recipe = self.located(folder).recipe
        made = super().settled(folder)
        return registry.replace(made, name=recipe.name, config=recipe.config)

    def unpublished(self) -> Self:
        """The same network with weights drawn anew."""
        return registry.replace(self, pretrained=False)


def _on_hub(name: str) -> str:
    if name.startswith((".", "/")) or name.count("/") != 1:
        raise MissingFile(
            f"there is no folder {name}: put one there with {CONFIG} and weights in it, as "
            "`save_pretrained` writes it"
        )
    return conversions.located(Recipe("transformers", name, classes=1))["path"]


def _config_in(folder: Path) -> str:
    path = folder / CONFIG
    try:
        facts = path.stat()
    except OSError:
        raise MissingFile(
            f"there is no {CONFIG} in {folder}: put one there, as `save_pretrained` writes it"
        ) from None
    return _read(folder, facts.st_mtime_ns)


@lru_cache
def _read(folder: Path, changed: int) -> str:
    """The configuration in its shortest form, with the normalization of images beside it."""
    del changed
    config = _object_in(folder / CONFIG)
    if not isinstance(config.get("model_type"), str):
        raise BadCheckpoint(f"{folder / CONFIG} names no `model_type`")
    processor = folder / PROCESSOR
    if processor.is_file():
        known = _object_in(processor)
        kept = {name: known[name] for name in ("image_mean", "image_std") if name in known}
        config["lab_processor"] = kept
    return json.dumps(config, sort_keys=True, separators=(",", ":"))


def _object_in(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise BadCheckpoint(f"{path} is no JSON: {error}") from error
    if not isinstance(found, dict):
        raise BadCheckpoint(f"{path} holds no JSON object")
    return found
