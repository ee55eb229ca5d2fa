"""A small set for every data source, built in a folder: what the conformance suite loads.

Run as a program (`python sources.py FOLDER`) it builds and loads them all, and prints the contents.
"""

import csv
import gzip
import io
import json
import sys
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from lab.runtime.cifar10 import layout
from lab.runtime.cifar10 import places as cifar10_places
from lab.runtime.data import cifar10 as cifar10_source
from lab.runtime.data import cifar10c as cifar10c_source
from lab.runtime.data import cifar100 as cifar100_source
from lab.runtime.data import fashion_mnist as fashion_source
from lab.runtime.data import imagenette as imagenette_source
from lab.runtime.data import mnist as mnist_source
from lab.runtime.data.arrays import Arrays
from lab.runtime.data.cifar10_sample import Cifar10Sample
from lab.runtime.data.digits import Digits
from lab.runtime.data.glue import Glue
from lab.runtime.data.huggingface import HuggingFace
from lab.runtime.data.images import Images
from lab.runtime.data.table import Table
from lab.runtime.data.texts import Texts
from lab.runtime.data.tfds import Tfds
from lab.runtime.dataset import Data, Examples, content_of
from lab.runtime.published import cifar100, mnist

TRAIN, TEST, CLASSES = 40, 10, 5

WORDS = ("good", "bad", "long", "short", "film", "play", "a", "is", "was", "never", "always")

#: Sets `value` as `name` of an object, until the test is over.
Patch = Callable[[Any, str, Any], None]


@dataclass(frozen=True)
class Case:
    """A source on a small set: how it is made, and how its files are damaged or taken away."""

    make: Callable[..., Data]
    #: A file whose end is cut off for the damaged set, None where nothing lies on the disk.
    file: Path | None = None
    #: Whether its classes are numbers of no class.
    is_regression: bool = False


def pictures(count: int, *, seed: int, side: int = 32, channels: int = 3) -> Examples:
    random = np.random.default_rng(seed)
    images = random.integers(0, 256, (count, side, side, channels)).astype(np.uint8)
    return Examples(images, np.arange(count, dtype=np.int32) % CLASSES)


def png(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(buffer, "PNG")
    return buffer.getvalue()


def pack(path: Path, members: dict[str, bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as file:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))


def put_images(folder: Path, examples: Examples, *, split: str = "") -> Path:
    """Image files in class folders; the first one's path."""
    first: Path | None = None
    for row, (image, label) in enumerate(zip(*examples, strict=True)):
        path = folder / split / f"class{label}" / f"{row:04d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(png(image))
        first = first or path
    assert first is not None
    return first


def sentences(count: int, *, seed: int) -> list[str]:
    random = np.random.default_rng(seed)
    words = [
        "good",
        "bad",
        "long",
        "short",
        "film",
        "play",
        "the",
        "a",
        "is",
        "was",
        "never",
        "always",
    ]
    return [f"{seed} {row} " + " ".join(random.choice(words, 6)) for row in range(count)]


# Sets whose files are published: small ones in the same form.


def small_cifar10(folder: Path, patch: Patch) -> None:
    train, test = pictures(TRAIN, seed=1), pictures(TEST, seed=2)
    patch(layout, "CONTENT", content_of(train, test))
    patch(cifar10_source, "CONTENT", content_of(train, test))
    patch(cifar10_source, "CLASSES", "abcde")
    patch(cifar10_places, "prepared_folder", lambda: None)
    for name, part in zip(
        [*layout.TRAIN_BATCHES, layout.TEST_BATCH],
        [*(Examples(train.inputs[i::5], train.labels[i::5]) for i in range(5)), test],
        strict=True,
    ):
        path = folder / "cifar-10-batches-bin" / f"{name}.bin"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(binary(part, labels=1))
    parts = [Examples(train.inputs[i::5], train.labels[i::5]) for i in range(5)]
    content = content_of(layout.joined(parts), test)
    patch(layout, "CONTENT", content)
    patch(cifar10_source, "CONTENT", content)


def binary(part: Examples, *, labels: int) -> bytes:
    planes = part.inputs.transpose(0, 3, 1, 2).reshape(len(part.labels), -1)
    marks = np.repeat(part.labels[:, None].astype(np.uint8), labels, axis=1)
    return np.concatenate([marks, planes], axis=1).tobytes()


def cifar10_case(folder: Path, patch: Patch) -> Case:
    small_cifar10(folder, patch)
    file = folder / "cifar-10-batches-bin" / "test_batch.bin"
    return Case(cifar10_source.Cifar10, file)


def cifar10c_case(folder: Path, patch: Patch) -> Case:
    small_cifar10(folder, patch)
    patch(cifar10c_source, "CLASSES", "abcde")
    five = [pictures(TEST, seed=20 + severity) for severity in range(5)]
    home = folder / "CIFAR-10-C"
    home.mkdir(parents=True)
    np.save(home / "fog.npy", np.concatenate([part.inputs for part in five]))
    np.save(home / "labels.npy", np.concatenate([part.labels for part in five]))
    return Case(lambda **given: cifar10c_source.Cifar10C(severity=2, **given), home / "fog.npy")


def cifar100_case(folder: Path, patch: Patch) -> Case:
    parts = {"train": pictures(TRAIN, seed=3), "test": pictures(TEST, seed=4)}
    small = replace(cifar100.CIFAR100, counts=(TRAIN, TEST), classes=CLASSES)
    patch(cifar100_source, "CIFAR100", small)
    home = folder / cifar100.BINARY_FOLDER
    home.mkdir(parents=True)
    for name, part in parts.items():
        (home / f"{name}.bin").write_bytes(binary(part, labels=2))
    return Case(cifar100_source.Cifar100, home / "test.bin")


def idx(array: np.ndarray) -> bytes:
    header = bytes([0, 0, 8, array.ndim]) + np.asarray(array.shape, ">u4").tobytes()
    return header + array.astype(np.uint8).tobytes()


def put_idx(home: Path) -> Path:
    home.mkdir(parents=True)
    parts = (pictures(n, seed=s, side=28, channels=1) for n, s in ((TRAIN, 5), (TEST, 6)))
    for (images, labels), part in zip(mnist.FILES, parts, strict=True):
        (home / f"{images}.gz").write_bytes(gzip.compress(idx(part.inputs[..., 0]), mtime=0))
        (home / labels).write_bytes(idx(part.labels))
    return home / mnist.FILES[1][1]


def idx_case(module: Any, name: str, component: Callable[..., Data]) -> Callable:
    def case(folder: Path, patch: Patch) -> Case:
        whole = getattr(module, name)
        small = replace(whole, content=None, counts=(TRAIN, TEST), classes=CLASSES)
        patch(module, name, small)
        return Case(component, put_idx(folder / whole.name))

    return case


def imagenette_case(folder: Path, patch: Patch) -> Case:
    patch(imagenette_source, "CLASSES", CLASSES)
    home = folder / "imagenette2-160"
    file = put_images(home, pictures(TRAIN, seed=7), split="train")
    put_images(home, pictures(TEST, seed=8), split="val")
    return Case(lambda **given: imagenette_source.Imagenette(**{"size": 16, **given}), file)


# Files and folders of one's own.


def images_case(folder: Path, patch: Patch) -> Case:
    del patch
    file = put_images(folder / "pictures", pictures(TRAIN + TEST, seed=9, side=12))
    return Case(lambda **given: Images(folder=str(folder / "pictures"), **given), file)


def texts_case(folder: Path, patch: Patch) -> Case:
    del patch
    for row, text in enumerate(sentences(TRAIN + TEST, seed=10)):
        path = folder / "letters" / f"class{row % CLASSES}" / f"{row:04d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    file = folder / "letters" / "class0" / "0000.txt"
    return Case(lambda **given: Texts(folder=str(folder / "letters"), length=12, **given), file)


def arrays_case(folder: Path, patch: Patch) -> Case:
    del patch
    whole = pictures(TRAIN + TEST, seed=11, side=8, channels=1)
    path = folder / "some.npz"
    np.savez(path, inputs=whole.inputs, labels=whole.labels)
    return Case(lambda **given: Arrays(file=str(path), **given), path)


def write_rows(path: Path, names: list[str], rows: list[tuple], *, separator: str = ",") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerow(names)
        writer.writerows(rows)
    return path


def table_case(folder: Path, patch: Patch) -> Case:
    del patch
    texts = sentences(TRAIN + TEST, seed=12)
    rows = [(text, f"c{row % CLASSES}") for row, text in enumerate(texts)]
    path = write_rows(folder / "reviews.csv", ["review", "label"], rows)
    return Case(lambda **given: Table(file=str(path), text=("review",), length=12, **given), path)


def numbers_case(folder: Path, patch: Patch) -> Case:
    del patch
    values = np.random.default_rng(13).normal(size=(TRAIN + TEST, 3))
    rows = [(*row, row.sum()) for row in values]
    path = write_rows(folder / "numbers.csv", ["a", "b", "c", "sum"], rows)
    made = lambda **given: Table(  # noqa: E731 - as the others
        file=str(path), label="sum", labels="numbers", **given
    )
    return Case(made, path, is_regression=True)


def parquet_case(folder: Path, patch: Patch) -> Case:
    import pyarrow
    from pyarrow import parquet

    del patch
    path = folder / "pairs.parquet"
    first, second = (sentences(TRAIN + TEST, seed=s) for s in (14, 15))
    labels = [row % CLASSES for row in range(TRAIN + TEST)]
    parquet.write_table(pyarrow.table({"one": first, "two": second, "label": labels}), path)
    made = lambda **given: Table(  # noqa: E731 - as the others
        file=str(path), text=("one", "two"), length=24, **given
    )
    return Case(made, path)


def glue_rows(count: int, seed: int) -> list[tuple]:
    return [(text, row % 2) for row, text in enumerate(sentences(count, seed=seed))]


def glue_case(folder: Path, patch: Patch) -> Case:
    del patch
    home = folder / "glue" / "SST-2"
    write_rows(home / "train.tsv", ["sentence", "label"], glue_rows(TRAIN, 16), separator="\t")
    file = write_rows(home / "dev.tsv", ["sentence", "label"], glue_rows(TEST, 17), separator="\t")
    return Case(lambda **given: Glue(length=12, **given), file)


def similarity_case(folder: Path, patch: Patch) -> Case:
    del patch
    path = folder / "glue" / "STS-B.zip"
    path.parent.mkdir(parents=True)
    with zipfile.ZipFile(path, "w") as archive:
        for name, count, seed in (("train", TRAIN, 18), ("dev", TEST, 19)):
            lines = ["index\tsentence1\tsentence2\tscore"]
            pairs = zip(sentences(count, seed=seed), sentences(count, seed=seed + 30), strict=True)
            lines += [f"{n}\t{a}\t{b}\t{n % 6 / 1.2:.3f}" for n, (a, b) in enumerate(pairs)]
            archive.writestr(f"STS-B/{name}.tsv", "\n".join(lines) + "\n")
    made = lambda **given: Glue(task="stsb", length=24, **given)  # noqa: E731 - as the others
    return Case(made, path, is_regression=True)


def huggingface_case(folder: Path, patch: Patch) -> Case:
    import datasets

    del patch
    datasets.disable_progress_bars()
    home = folder / "hub"
    home.mkdir()
    for split, count, seed in (("train", TRAIN, 40), ("test", TEST, 41)):
        labels = [row % CLASSES for row in range(count)]
        texts = sentences(count, seed=seed)
        made = datasets.Dataset.from_dict({"text": texts, "label": labels})
        made.to_parquet(str(home / f"{split}-00000.parquet"))
    file = home / "test-00000.parquet"
    return Case(
        lambda **given: HuggingFace(folder=str(home), text=("text",), length=12, **given), file
    )


BUILDER = f"""
import numpy as np
import tensorflow_datasets as tfds


class Small(tfds.core.GeneratorBasedBuilder):
    VERSION = tfds.core.Version("1.0.0")
    pkg_dir_path = __import__("pathlib").Path(__file__).parent

    def _info(self):
        features = {{
            "image": tfds.features.Tensor(shape=(8, 8, 3), dtype=np.uint8),
            "label": tfds.features.ClassLabel(num_classes={CLASSES}),
        }}
        return self.dataset_info_from_configs(features=tfds.features.FeaturesDict(features))

    def _split_generators(self, dl_manager):
        return {{"train": self._generate_examples(1, {TRAIN}),
                "test": self._generate_examples(2, {TEST})}}

    def _generate_examples(self, seed, count):
        random = np.random.default_rng(seed)
        for row in range(count):
            image = random.integers(0, 256, (8, 8, 3)).astype(np.uint8)
            yield f"{{seed}}_{{row}}", {{"image": image, "label": row % {CLASSES}}}
"""


def tfds_case(folder: Path, patch: Patch) -> Case:
    del patch
    path = folder / "small.py"
    path.write_text(BUILDER, encoding="utf-8")
    return Case(lambda **given: Tfds(builder=str(path), image="image", **given))


def nothing_on_disk(component: Callable[..., Data]) -> Callable[[Path, Patch], Case]:
    return lambda folder, patch: Case(component)


#: By the name of the component, and of the form where one has several.
CASES: dict[str, Callable[[Path, Patch], Case]] = {
    "digits": nothing_on_disk(Digits),
    "cifar10_sample": nothing_on_disk(Cifar10Sample),
    "cifar10": cifar10_case,
    "cifar10c": cifar10c_case,
    "cifar100": cifar100_case,
    "mnist": idx_case(mnist_source, "MNIST", mnist_source.Mnist),
    "fashion_mnist": idx_case(fashion_source, "FASHION", fashion_source.FashionMnist),
    "imagenette": imagenette_case,
    "images": images_case,
    "texts": texts_case,
    "arrays": arrays_case,
    "table": table_case,
    "table of numbers": numbers_case,
    "table of pairs": parquet_case,
    "glue": glue_case,
    "glue stsb": similarity_case,
    "huggingface": huggingface_case,
    "tfds": tfds_case,
}


def contents(folder: Path, patch: Patch, names: list[str]) -> dict[str, str]:
    """The contents of sources on sets built in folders of their own."""
    from lab.runtime.published import places

    found: dict[str, str] = {}
    for name in names:
        home = folder / name.replace(" ", "-")
        home.mkdir(parents=True)
        patch(__import__("os").environ, "LAB_DATA", str(home))
        cifar10_places.arrays.cache_clear()
        places.arrays.cache_clear()
        found[name] = CASES[name](home, patch).make().load().content
    return found


def _set(owner: Any, name: str, value: Any) -> None:
    if isinstance(owner, type(__import__("os").environ)):
        owner[name] = value
    else:
        setattr(owner, name, value)


if __name__ == "__main__":
    print(json.dumps(contents(Path(sys.argv[1]), _set, sys.argv[2:])))
