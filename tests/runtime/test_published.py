"""Published sets in each of their forms, and images that are resized where they are used."""

import gzip
import os
import pickle
from dataclasses import replace
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image
from sources import CLASSES, TEST, TRAIN, binary, idx, pack, pictures, put_idx, small_cifar10
from test_training import train, work

from lab.compiler.canonical import text_of
from lab.runtime import registry
from lab.runtime.data.cifar10 import Cifar10
from lab.runtime.data.cifar10_sample import Cifar10Sample
from lab.runtime.dataset import Data, Dataset, content_of, resized_to
from lab.runtime.errors import BadData, NoNetwork
from lab.runtime.measurements.accuracy import Accuracy
from lab.runtime.models.mlp import MLP
from lab.runtime.published import cifar10c, cifar100, mnist, places
from lab.runtime.published.idx import decoded, read_idx
from lab.runtime.resizing import Resized, resized
from lab.spec.catalog import builtin_catalog
from lab.spec.units import Duration

SMALL = replace(cifar100.CIFAR100, counts=(TRAIN, TEST), classes=CLASSES)
PARTS = {"train": pictures(TRAIN, seed=3), "test": pictures(TEST, seed=4)}


@pytest.fixture(autouse=True)
def forget():
    places.arrays.cache_clear()
    yield
    places.arrays.cache_clear()


def python_form(part) -> bytes:
    planes = part.inputs.transpose(0, 3, 1, 2).reshape(len(part.labels), -1)
    labels = part.labels.tolist()
    said = {b"data": planes, b"fine_labels": labels, b"coarse_labels": [0] * len(labels)}
    return pickle.dumps(said, protocol=2)


def test_both_forms_of_cifar100_give_the_same_arrays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    forms = {
        cifar100.BINARY_ARCHIVE: {
            f"{cifar100.BINARY_FOLDER}/{n}.bin": binary(p, labels=2) for n, p in PARTS.items()
        },
        cifar100.PYTHON_ARCHIVE: {
            f"{cifar100.PYTHON_FOLDER}/{n}": python_form(p) for n, p in PARTS.items()
        },
    }
    from lab.runtime.download import checksum

    for name, members in forms.items():
        home = tmp_path / name.split(".")[0]
        pack(home / name, members)
        monkeypatch.setitem(cifar100.MD5, name, checksum(home / name, "md5"))
        found = places.arrays(SMALL, home)
        assert content_of(*found) == content_of(*PARTS.values())


def test_an_archive_of_cifar100_that_is_another_file_is_refused(tmp_path: Path) -> None:
    pack(tmp_path / cifar100.BINARY_ARCHIVE, {"x": b"x"})
    with pytest.raises(BadData, match="damaged or another file"):
        places.arrays(SMALL, tmp_path)


class Malicious:
    def __reduce__(self) -> tuple:
        return (os.mkdir, ("run-by-a-file",))


def test_a_pickled_file_of_cifar100_cannot_run_code(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    home = tmp_path / cifar100.PYTHON_FOLDER
    home.mkdir()
    for name in PARTS:
        (home / name).write_bytes(pickle.dumps(Malicious(), protocol=2))
    with pytest.raises(BadData, match="which is no array"):
        places.arrays(SMALL, tmp_path)
    assert not (tmp_path / "run-by-a-file").exists()


def test_a_set_with_other_counts_or_labels_is_refused(tmp_path: Path) -> None:
    home = tmp_path / cifar100.BINARY_FOLDER
    home.mkdir()
    for name, part in PARTS.items():
        (home / f"{name}.bin").write_bytes(binary(part, labels=2))
    with pytest.raises(BadData, match=r"has 40 \+ 10 examples"):
        places.arrays(replace(SMALL, counts=(50_000, 10_000)), tmp_path)
    with pytest.raises(BadData, match="labels are not 0 … 1"):
        places.arrays(replace(SMALL, classes=2), tmp_path)


def test_without_network_a_published_set_says_what_to_put_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(
        NoNetwork, match=r"cifar-100-binary\.tar\.gz or .* LAB_DATA.*lab data fetch"
    ):
        places.arrays(SMALL, tmp_path)


def test_what_was_read_once_is_kept_and_mapped(tmp_path: Path) -> None:
    small = replace(mnist.MNIST, content=None, counts=(TRAIN, TEST), classes=CLASSES)
    put_idx(tmp_path / "mnist")
    first = places.arrays(small, tmp_path)
    for path in (tmp_path / "mnist").iterdir():
        path.unlink()
    places.arrays.cache_clear()
    second = places.arrays(small, tmp_path)
    assert isinstance(second[0].inputs, np.memmap)
    assert content_of(*first) == content_of(*second)


def test_idx_files_are_read_plain_and_compressed(tmp_path: Path) -> None:
    whole = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    (tmp_path / "a").write_bytes(idx(whole))
    (tmp_path / "a.gz").write_bytes(gzip.compress(idx(whole)))
    for name in ("a", "a.gz"):
        assert (read_idx(tmp_path / name, axes=3) == whole).all()


def test_an_idx_file_that_is_none_is_told(tmp_path: Path) -> None:
    whole = idx(np.zeros((2, 3, 4), np.uint8))
    with pytest.raises(BadData, match=r"has 23 values, and says 2 × 3 × 4: it is cut"):
        decoded(whole[:-1], axes=3, name="x")
    with pytest.raises(BadData, match="x is no idx file of bytes with 1 axes"):
        decoded(whole, axes=1, name="x")
    (tmp_path / "b.gz").write_bytes(gzip.compress(whole)[:-9])
    with pytest.raises(BadData, match=r"b\.gz cannot be read"):
        read_idx(tmp_path / "b.gz", axes=3)


def test_a_severity_is_a_fifth_of_the_corrupted_images(tmp_path: Path) -> None:
    home = tmp_path / cifar10c.FOLDER
    home.mkdir()
    images = pictures(20, seed=8)
    np.save(home / "fog.npy", images.inputs)
    np.save(home / "labels.npy", images.labels)
    found = cifar10c.corrupted(tmp_path, "fog", 3)
    assert (found.inputs == images.inputs[8:12]).all()
    assert found.labels.dtype == np.int32
    with pytest.raises(BadData, match="its folder has fog, labels"):
        cifar10c.corrupted(tmp_path, "snow", 1)


# Sizes.


def test_the_size_that_a_set_has_is_no_part_of_a_key() -> None:
    catalog = builtin_catalog()

    def key(source: Data) -> str:
        return text_of(registry.value_of(source), catalog)

    assert "size" not in key(Cifar10())
    assert "224" in key(Cifar10(size=224))


def test_bytes_that_are_enlarged_are_those_of_a_linear_filter() -> None:
    image = pictures(1, seed=5, side=16).inputs
    ours = np.asarray(resized(jnp.asarray(image), 32))[0].astype(int)
    theirs = np.asarray(
        Image.fromarray(image[0]).resize((32, 32), Image.Resampling.BILINEAR)
    ).astype(int)
    # Two roundings of one number.
    assert np.abs(ours - theirs).max() <= 1


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_an_even_image_stays_even(dtype: type) -> None:
    made = resized(jnp.full((2, 8, 8, 1), 200, dtype), 13)
    assert made.shape == (2, 13, 13, 1)
    assert made.dtype == dtype
    # Weights of a filter sum to one up to rounding.
    assert np.allclose(np.asarray(made, np.float32), 200, atol=1e-3)


def test_images_are_resized_a_slice_at_a_time() -> None:
    whole = pictures(10, seed=6, side=8)
    shown = Resized(whole.inputs, 12)
    assert (len(shown), shown.shape, shown.dtype, shown.ndim) == (10, (10, 12, 12, 3), np.uint8, 4)
    expected = np.asarray(resized(jnp.asarray(whole.inputs[3:5]), 12))
    assert (shown[3:5] == expected).all()


def test_a_set_of_another_size_keeps_its_images(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lab.runtime.cifar10 import places as cifar10_places

    monkeypatch.setenv("LAB_DATA", str(tmp_path))
    cifar10_places.arrays.cache_clear()
    small_cifar10(tmp_path, monkeypatch.setattr)
    found = Cifar10(size=48, validation=5).load()
    cifar10_places.arrays.cache_clear()
    assert found.train.inputs.shape == (TRAIN - 5, 32, 32, 3)
    assert found.split("validation").inputs.shape == (5, 48, 48, 3)


class Smaller(Cifar10Sample):
    """The sample, shown smaller than it is: a small network is quick to train."""

    def load(self) -> Dataset:
        return resized_to(super().load(), 8)


def test_a_network_trains_on_images_resized_in_the_program_and_is_scored_on_the_same() -> None:
    net = MLP(inputs=8 * 8 * 3, width=32, layers=1)
    data = Smaller(validation=100)
    made = train(model=net, data=data, duration=Duration(12, "epochs"), watch="validation").run(
        work(3)
    )
    whole = data.load()
    small = np.asarray(jax.jit(resized, static_argnames="side")(whole.test.inputs, side=8))
    params = {**made.split.train, **made.rest}
    logits, _ = net.apply(params, {}, jnp.asarray(small), train=False)
    right = float((np.asarray(logits).argmax(1) == whole.test.labels).mean())
    found = Accuracy(data=data).measure(work(0, of=made))
    assert found["value"] == pytest.approx(right, abs=1e-3)
    assert right > 0.2
    assert len(made.history["validation_accuracy"]) == 12
