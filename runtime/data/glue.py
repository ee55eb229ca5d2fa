"""Tasks of GLUE (Wang et al. 2019, arXiv 1804.07461): sentences, or pairs, and what to say of them.

`lab.runtime.text.glue` says which files each task is made of and what it is scored by.
"""

from typing import Literal

from lab.runtime.columns.choosing import Choice, dataset_of
from lab.runtime.dataset import Data, Dataset, data_folder
from lab.runtime.text.encoding import Reading
from lab.runtime.text.glue import TASKS, tables
from lab.spec.declare import File, component, parameter


@component("glue", kind="data", facts="lab.runtime.facts.data:glue")
class Glue(Data):
    """A task of GLUE; its development set is the test split."""

    task: Literal[
        "cola", "sst2", "mrpc", "qqp", "stsb", "mnli", "mnli_mm", "qnli", "rte", "wnli"
    ] = parameter("sst2", "which one", positional=True)
    validation: int = parameter(0, "training examples set aside, the same ones every time", low=0)
    tokenizer: File | None = parameter(
        None, "tokenizer.json, vocab.txt or a folder of one; none builds one of the training texts"
    )
    length: int = parameter(128, "tokens of an example, cut or filled up", low=3)
    vocabulary: int = parameter(8192, "word pieces of a tokenizer that is built", low=100)

    def load(self) -> Dataset:
        """Tokens as int32 `(examples, 3, length)`; labels of `stsb` are float32."""
        about = TASKS[self.task]
        train, test = tables(self.task, data_folder())
        choice = Choice(
            label=about.label,
            texts=about.texts,
            reading=Reading(self.tokenizer, self.length, self.vocabulary),
            labels="classes" if about.classes else "numbers",
            classes=about.classes,
        )
        where = f"GLUE's {about.folder}"
        return dataset_of(train, test, choice, where=where, validation=self.validation)
