"""Arrays in an `.npz` file, as `numpy.savez` writes it: inputs and labels by their names.

Test examples are `test_inputs` and `test_labels` where the file has them (validation examples
likewise), and else a share of the others. Nothing pickled is read.
"""

import zipfile
from pathlib import Path
from typing import Literal

import numpy as np

from lab.runtime.augmentation import Augmentation
from lab.runtime.dataset import Data, Dataset, Examples, carve, content_of, with_validation
from lab.runtime.errors import BadData, MissingFile
from lab.runtime.text.labels import labels_of
from lab.spec.declare import File, Share, component, parameter
from lab.spec.suggest import nearest

SPLIT_SEED = 20
KINDS = (np.uint8, np.int32, np.float32)


@component("arrays", kind="data")
class Arrays(Data):
    """An .npz file with arrays `inputs` and `labels`, and `test_inputs` and `test_labels`."""

    file: File = parameter(doc="the .npz file", positional=True)
    inputs: str = parameter("inputs", "name of the array of inputs, an example along each row")
    label: str = parameter("labels", "name of the array of labels")
    labels: Literal["classes", "numbers"] = parameter("classes", "what the labels are")
    test: Share = parameter(
        0.2, "of the examples, set aside where the file has no test arrays", above=0, below=1
    )
    validation: int = parameter(0, "training examples set aside, the same ones every time", low=0)
    augment: tuple[Augmentation, ...] = parameter((), "what is done to a training batch, in order")

    def load(self) -> Dataset:
        """Inputs as bytes, int32 or float32, as they are."""
        found = _read(Path(self.file))
        train = self._examples(found, "")
        if f"test_{self.inputs}" in found:
            test = self._examples(found, "test_")
        else:
            count = max(1, round(self.test * len(train.labels)))
            train, test = carve(train, count, seed=SPLIT_SEED)
        if test.inputs.shape[1:] != train.inputs.shape[1:]:
            raise BadData(
                f"{self.file} has training inputs of {train.inputs.shape[1:]} and test inputs of "
                f"{test.inputs.shape[1:]}"
            )
        both = np.concatenate([train.labels, test.labels]).tolist()
        labels = labels_of(both, where=self.file, kind=self.labels)
        parts = [
            Examples(train.inputs, labels.values[: len(train.labels)]),
            Examples(test.inputs, labels.values[len(train.labels) :]),
        ]
        if self.augment and train.inputs.ndim != 4:
            raise BadData(
                f"{self.file} has inputs of {train.inputs.ndim} axes: what augments them wants "
                "images (examples, rows, columns, channels)"
            )
        whole = Dataset(*parts, classes=labels.classes, content=content_of(*parts))
        return with_validation(whole, self.validation)

    def _examples(self, found: dict[str, np.ndarray], prefix: str) -> Examples:
        inputs = self._array(found, prefix + self.inputs)
        labels = self._array(found, prefix + self.label)
        if labels.ndim != 1 or len(labels) != len(inputs) or inputs.ndim < 2:
            raise BadData(
                f"{self.file} has inputs of {inputs.shape} and labels of {labels.shape}: there has "
                "to be a label for each row of the inputs"
            )
        return Examples(self._plain(inputs), labels)

    def _array(self, found: dict[str, np.ndarray], name: str) -> np.ndarray:
        if name not in found:
            close = nearest(name, found)
            hint = f"; did you mean `{close}`?" if close else ""
            raise BadData(f"{self.file} has no array {name!r}, but {', '.join(found)}{hint}")
        return found[name]

    def _plain(self, inputs: np.ndarray) -> np.ndarray:
        """Inputs in a type that programs take: floats are narrowed, and have to be finite."""
        if inputs.dtype in KINDS and inputs.dtype != np.float32:
            return inputs
        if not np.issubdtype(inputs.dtype, np.number) or np.iscomplexobj(inputs):
            raise BadData(f"{self.file} has inputs of type {inputs.dtype}, which are no numbers")
        if np.issubdtype(inputs.dtype, np.integer):
            return inputs.astype(np.int32)
        made = inputs.astype(np.float32)
        rows = np.flatnonzero(~np.isfinite(made).reshape(len(made), -1).all(1))
        if len(rows):
            raise BadData(
                f"{self.file} has {len(rows)} rows of inputs that are not finite numbers, the "
                f"first of them row {rows[0] + 1}"
            )
        return made


def _read(path: Path) -> dict[str, np.ndarray]:
    if not path.is_file():
        raise MissingFile(f"{path} is not there: name an .npz file")
    try:
        with np.load(path, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile, AttributeError, TypeError) as error:
        raise BadData(f"{path} cannot be read as .npz ({error})") from error
