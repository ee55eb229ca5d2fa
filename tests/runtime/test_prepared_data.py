"""CIFAR-10 as TensorFlow Datasets keeps it, on a small set prepared here without TensorFlow."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from lab.runtime.cifar10 import prepared
from lab.runtime.dataset import Examples, content_of

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    tfds: Any = pytest.importorskip("tensorflow_datasets")

pytestmark = pytest.mark.filterwarnings("ignore")


def examples(count: int, seed: int) -> Examples:
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, 32, 32, 3)).astype(np.uint8)
    return Examples(images, random.integers(0, 10, count).astype(np.int32))


PARTS = {"train": examples(23, 101), "test": examples(7, 102)}


class Cifar10(tfds.core.GeneratorBasedBuilder):
    """The features that the published builder has."""

    VERSION = tfds.core.Version("3.0.2")
    pkg_dir_path = Path(__file__).parent

    def _info(self) -> Any:
        features = {
            "id": tfds.features.Text(),
            "image": tfds.features.Image(shape=(32, 32, 3)),
            "label": tfds.features.ClassLabel(num_classes=10),
        }
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager: Any) -> Any:
        del dl_manager
        return {name: self._generate_examples(name) for name in PARTS}

    def _generate_examples(self, split: str) -> Any:
        for number, (image, label) in enumerate(zip(*PARTS[split], strict=True)):
            name = f"{split}_{number:05d}"
            yield name, {"id": name, "image": Image.fromarray(image), "label": int(label)}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    builder = Cifar10(data_dir=tmp_path, file_format="array_record")
    builder.download_and_prepare()
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    return tmp_path


def test_a_prepared_folder_gives_the_official_order(folder: Path) -> None:
    found = prepared.prepared_folder()
    assert found == folder / "cifar10" / "3.0.2"
    assert content_of(*prepared.read_prepared(found)) == content_of(*PARTS.values())


def test_a_folder_in_a_format_that_needs_tensorflow_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = tmp_path / "cifar10" / "3.0.2"
    there.mkdir(parents=True)
    (there / "dataset_info.json").write_text("{}")
    (there / "cifar10-train.tfrecord-00000-of-00001").write_bytes(b"")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert prepared.prepared_folder() is None
