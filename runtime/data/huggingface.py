"""Sets of the Hugging Face hub, through the `datasets` library, and files in its formats.

`lab.runtime.huggingface` says where files come from and how they are checked. A hub's set may
change under its name: give the `revision` (a commit) where results are to stand.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from lab.runtime.augmentation import Augmentation
from lab.runtime.columns.choosing import Choice, in_two
from lab.runtime.columns.pictured import ImageColumn, examples_of
from lab.runtime.columns.reading import Columns
from lab.runtime.dataset import Data, Dataset
from lab.runtime.errors import BadData, UnsuitableSetting
from lab.runtime.huggingface import fetched_set, opened
from lab.runtime.text.encoding import Reading
from lab.spec.declare import File, Pixels, Share, component, parameter


@component("huggingface", kind="data")
class HuggingFace(Data):
    """A set of the Hugging Face hub by its name, or a folder of its files or of `save_to_disk`."""

    name: str | None = parameter(None, "as the hub calls it: `owner/name`", positional=True)
    revision: str = parameter("main", "branch, tag or commit of the set on the hub")
    folder: File | None = parameter(None, "a local folder in place of a name")
    subset: str | None = parameter(None, "folder of one configuration among the set's files")
    train: str = parameter("train", "name of the split that is trained on")
    test_split: str | None = parameter(
        None, "name of the test split; none takes `test` or `validation`, or else a share"
    )
    test: Share = parameter(
        0.2, "of the examples, set aside where there is no test split", above=0, below=1
    )
    image: str | None = parameter(None, "column that is the input, where it is an image")
    text: tuple[str, ...] = parameter((), "column of the texts, or both columns of pairs of them")
    label: str = parameter("label", "column of the labels")
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
        splits = opened(self._place(), self.subset)
        train, test = self._split(splits)
        choice = Choice(
            label=self.label,
            texts=self.text,
            reading=Reading(self.tokenizer, self.length, self.vocabulary),
            labels=self.labels,
        )
        image = ImageColumn(self.image, self.size) if self.image and not self.text else None
        return examples_of(
            train,
            test,
            choice,
            image=image,
            where=self.name or str(self.folder),
            validation=self.validation,
        )

    def _place(self) -> Path:
        if (self.name is None) == (self.folder is None):
            raise UnsuitableSetting(
                'name one set: as `huggingface("owner/name")` or `huggingface(folder: "…")`'
            )
        if self.folder is not None:
            return Path(self.folder)
        return fetched_set(self.name or "", self.revision)

    def _split(self, splits: Mapping[str, Any]) -> tuple[Columns, Columns]:
        names = (self.test_split,) if self.test_split else ("test", "validation")
        lacking = [
            one for one in (self.train, self.test_split) if one is not None and one not in splits
        ]
        if lacking:
            raise BadData(
                f"{self.name or self.folder} has no split {lacking[0]!r}, but {', '.join(splits)}"
            )
        train = _columns(splits[self.train])
        found = next((one for one in names if one in splits), None)
        return in_two(train, self.test) if found is None else (train, _columns(splits[found]))


def _columns(split: Any) -> Columns:
    return {name: list(split[name]) for name in split.column_names}
