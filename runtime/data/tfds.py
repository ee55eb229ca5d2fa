"""Sets of TensorFlow Datasets, read without TensorFlow (array_record, `data_source`).

A folder that was prepared is read; a builder of one's own, or a published one that needs no
TensorFlow, is prepared first. Preparing most published sets wants TensorFlow, which is no part of
this project: then the error says so. Examples are taken in the order of their keys in the file.
"""

from pathlib import Path
from typing import Literal

from lab.runtime.augmentation import Augmentation
from lab.runtime.columns.choosing import Choice
from lab.runtime.columns.pictured import ImageColumn, examples_of
from lab.runtime.dataset import Data, Dataset
from lab.runtime.errors import UnsuitableSetting
from lab.runtime.text.encoding import Reading
from lab.runtime.tfds_folders import builder_in, own_builder, rows
from lab.spec.declare import File, Pixels, component, parameter


@component("tfds", kind="data")
class Tfds(Data):
    """A set of TensorFlow Datasets: by name, a prepared folder, or a builder of one's own."""

    name: str | None = parameter(
        None, "as in `mnist`, `glue/sst2` or `mnist:3.0.1`; with its version it stays the same",
        positional=True,
    )  # fmt: skip
    folder: File | None = parameter(None, "a prepared folder, with dataset_info.json in it")
    builder: File | None = parameter(None, "a Python file with a builder's class")
    train: str = parameter("train", "name of the split that is trained on")
    test: str = parameter("test", "name of the split that is tested on")
    image: str | None = parameter(None, "feature that is the input, where it is an image")
    text: tuple[str, ...] = parameter((), "features that are the input, where they are texts")
    label: str = parameter("label", "feature of the labels")
    labels: Literal["classes", "numbers"] = parameter("classes", "what the labels are")
    size: Pixels | None = parameter(
        None, "side of the square that images are cut to; none where all have one size", low=1
    )
    validation: int = parameter(0, "training examples set aside, the same ones every time", low=0)
    augment: tuple[Augmentation, ...] = parameter((), "what is done to a training batch, in order")
    tokenizer: File | None = parameter(
        None, "tokenizer.json, vocab.txt or a folder of one; none builds one of the training texts"
    )
    length: int = parameter(128, "tokens of a text, cut or filled up", low=3)
    vocabulary: int = parameter(8192, "word pieces of a tokenizer that is built", low=100)

    def load(self) -> Dataset:
        """All examples of both splits, in memory."""
        made = self._builder()
        where = f"{made.info.full_name} of TensorFlow Datasets"
        train, test = (rows(made, name, where) for name in (self.train, self.test))
        choice = Choice(
            label=self.label,
            texts=self.text,
            reading=Reading(self.tokenizer, self.length, self.vocabulary),
            labels=self.labels,
        )
        image = ImageColumn(self.image, self.size) if self.image and not self.text else None
        return examples_of(
            train, test, choice, image=image, where=where, validation=self.validation
        )

    def _builder(self):
        given = [one for one in (self.name, self.folder, self.builder) if one is not None]
        if len(given) != 1:
            raise UnsuitableSetting(
                'name one set: as `tfds("mnist")`, `tfds(folder: "…")` or `tfds(builder: "…")`'
            )
        if self.builder is not None:
            return own_builder(Path(self.builder))
        return builder_in(name=self.name, folder=self.folder)
