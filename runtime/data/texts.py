"""Text files in a folder for each class, or in such folders for training, testing, validation.

The layout of the IMDB reviews as they are published, among others; `lab.runtime.folders.classes`
has them all. The content of the folder is part of a key.
"""

from pathlib import Path

from lab.runtime.dataset import Data, Dataset, Examples, content_of, with_validation
from lab.runtime.errors import BadData
from lab.runtime.folders.classes import Sorted, class_folders, listed
from lab.runtime.text.encoding import Reading, encoded
from lab.spec.declare import File, Share, component, parameter

SUFFIXES = frozenset({".txt"})


@component("texts", kind="data")
class Texts(Data):
    """A folder of .txt files, with a folder for each class."""

    folder: File = parameter(doc="what has class folders, or train, test, val", positional=True)
    test: Share = parameter(
        0.2, "of every class, set aside where the folder has no test split", above=0, below=1
    )
    validation: int = parameter(0, "training texts set aside, the same ones every time", low=0)
    tokenizer: File | None = parameter(
        None, "tokenizer.json, vocab.txt or a folder of one; none builds one of the training texts"
    )
    length: int = parameter(128, "tokens of a text, cut or filled up", low=3)
    vocabulary: int = parameter(8192, "word pieces of a tokenizer that is built", low=100)

    def load(self) -> Dataset:
        """Tokens as int32 `(texts, 3, length)`."""
        root = Path(self.folder)
        found = class_folders(root, SUFFIXES, test=self.test)
        texts = {name: _read(part, root) for name, part in found.splits.items()}
        names = [name for name in found.splits if name != "train"]
        rest = [text for name in names for text in texts[name]]
        reading = Reading(self.tokenizer, self.length, self.vocabulary)
        train, others = encoded(texts["train"], rest, reading)
        parts = {"train": Examples(train, found.splits["train"].labels)}
        for name in names:
            labels = found.splits[name].labels
            parts[name] = Examples(others[: len(labels)], labels)
            others = others[len(labels) :]
        content = content_of(parts["train"], parts["test"])
        whole = Dataset(**parts, classes=len(found.classes), content=content)
        return with_validation(whole, self.validation)


def _read(part: Sorted, root: Path) -> list[str]:
    texts: list[str] = []
    wrong: list[str] = []
    for path in part.files:
        try:
            texts.append(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError) as error:
            wrong.append(f"{path.relative_to(root)} ({error})")
    if wrong:
        raise BadData(f"texts in {root} cannot be read: {listed(wrong)}")
    return texts
