"""A table in a file: columns of text or of numbers, and one of labels.

`.csv`, `.tsv`, `.jsonl` and `.parquet` are read. Rows that cannot be used are told by their number.
"""

from pathlib import Path
from typing import Literal

from lab.runtime.columns.choosing import Choice, dataset_of, in_two
from lab.runtime.columns.reading import read_table
from lab.runtime.dataset import Data, Dataset
from lab.runtime.text.encoding import Reading
from lab.spec.declare import File, Share, component, parameter


@component("table", kind="data")
class Table(Data):
    """Rows of a .csv, .tsv, .jsonl or .parquet file: texts or numbers, with a label."""

    file: File = parameter(doc="the table; without `test_file`, of both splits", positional=True)
    label: str = parameter("label", "column of the labels")
    labels: Literal["classes", "numbers"] = parameter("classes", "what the labels are")
    text: tuple[str, ...] = parameter((), "column of the texts, or both columns of pairs of them")
    features: tuple[str, ...] = parameter((), "columns of numbers; all others where none is named")
    standardized: bool = parameter(True, "features have mean 0 and deviation 1 in training")
    test: Share = parameter(0.2, "of the rows, set aside for testing", above=0, below=1)
    test_file: File | None = parameter(None, "the table of the test rows, in place of a share")
    validation: int = parameter(0, "training rows set aside, the same ones every time", low=0)
    tokenizer: File | None = parameter(
        None, "tokenizer.json, vocab.txt or a folder of one; none builds one of the training texts"
    )
    length: int = parameter(128, "tokens of a text, cut or filled up", low=3)
    vocabulary: int = parameter(8192, "word pieces of a tokenizer that is built", low=100)

    def load(self) -> Dataset:
        """Tokens as int32 `(rows, 3, length)`, or features as float32 `(rows, columns)`."""
        table = read_table(Path(self.file))
        if self.test_file is None:
            train, test = in_two(table, self.test)
        else:
            train, test = table, read_table(Path(self.test_file))
        choice = Choice(
            label=self.label,
            texts=self.text,
            reading=Reading(self.tokenizer, self.length, self.vocabulary),
            features=self.features,
            standardized=self.standardized,
            labels=self.labels,
        )
        return dataset_of(train, test, choice, where=self.file, validation=self.validation)
