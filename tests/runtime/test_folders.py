"""Folders of images and texts: every mistake is told by the name of its file."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sources import TEST, pictures, png, put_images

from lab.runtime.contents import Contents
from lab.runtime.data.images import Images
from lab.runtime.data.texts import Texts
from lab.runtime.dataset import Dataset
from lab.runtime.errors import BadData
from lab.runtime.folders import pictures as decoding
from lab.runtime.rows import Rows


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LAB_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    put_images(tmp_path / "images", pictures(20, seed=1, side=10))
    return tmp_path / "images"


def load(folder: Path, **given: object) -> Dataset:
    return Images(folder=str(folder), **given).load()  # type: ignore[arg-type] - of a test


def test_a_folder_of_classes_has_the_same_share_of_each_set_aside(folder: Path) -> None:
    found = load(folder, test=0.5)
    assert found.classes == 5
    assert np.bincount(found.train.labels).tolist() == [2] * 5
    assert np.bincount(found.test.labels).tolist() == [2] * 5
    assert found.train.inputs.dtype == np.uint8
    assert found.train.inputs.shape == (10, 10, 10, 3)


def test_folders_of_splits_are_taken_as_they_are(tmp_path: Path) -> None:
    home = tmp_path / "whole"
    for split, seed in (("train", 1), ("val", 2), ("test", 3)):
        put_images(home, pictures(TEST, seed=seed, side=6), split=split)
    found = load(home)
    assert found.validation is not None
    assert [len(found.split(n).labels) for n in ("train", "validation", "test")] == [TEST] * 3
    with pytest.raises(BadData, match="validation split of its own"):
        load(home, validation=3)


def test_without_test_a_folder_for_validation_is_tested_on(tmp_path: Path) -> None:
    home = tmp_path / "whole"
    put_images(home, pictures(TEST, seed=1, side=6), split="train")
    with pytest.raises(BadData, match="neither test/ nor val/"):
        load(home)
    put_images(home, pictures(TEST, seed=2, side=6), split="valid")
    assert load(home).validation is None


def test_images_of_many_sizes_and_modes_are_brought_to_one(folder: Path) -> None:
    Image.new("L", (30, 12), 200).save(folder / "class0" / "gray.png")
    Image.new("RGBA", (7, 20)).save(folder / "class1" / "alpha.png")
    Image.new("P", (9, 9)).save(folder / "class2" / "palette.gif")
    Image.new("CMYK", (16, 9)).save(folder / "class3" / "print.jpg")
    with pytest.raises(BadData, match=r"different sizes.*say which size.*size: 64 px"):
        load(folder)
    found = load(folder, size=8)
    assert found.train.inputs.shape[1:] == (8, 8, 3)
    assert load(folder, size=8, colors="gray").train.inputs.shape[1:] == (8, 8, 1)


def test_an_image_is_turned_upright_and_cut_in_the_middle(tmp_path: Path) -> None:
    image = Image.new("RGB", (20, 10))
    image.paste((255, 0, 0), (0, 0, 10, 10))
    exif = image.getexif()
    exif[0x0112] = 6
    path = tmp_path / "turned.png"
    image.save(path, exif=exif)
    made = decoding.read(path, side=10, colors="rgb")
    assert isinstance(made, np.ndarray)
    assert made.shape == (10, 10, 3)
    assert made[:4, :, 0].min() > 200
    assert made[-4:, :, 0].max() < 50


def test_every_image_that_cannot_be_decoded_is_told_by_its_name(folder: Path) -> None:
    whole = (folder / "class1" / "0001.png").read_bytes()
    (folder / "class1" / "0001.png").write_bytes(whole[:60])
    (folder / "class2" / "0002.png").write_bytes(b"no image")
    (folder / "class3" / "0003.png").write_bytes(b"")
    with pytest.raises(BadData) as caught:
        load(folder, size=8)
    said = str(caught.value)
    assert "3 problems" in said
    for name in ("class1/0001.png", "class2/0002.png", "class3/0003.png"):
        assert name in said


def test_of_many_problems_the_first_few_are_listed(folder: Path) -> None:
    for path in folder.rglob("*.png"):
        path.write_bytes(b"no image")
    with pytest.raises(BadData, match=r"20 problems|1\d problems") as caught:
        load(folder, size=8)
    assert "more" in str(caught.value)
    assert len(str(caught.value)) < 800


def test_an_image_that_would_fill_the_memory_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 500)
    Image.new("L", (40, 40)).save(folder / "class0" / "large.png")
    with pytest.raises(BadData, match=r"class0/large\.png is too large: over 500 pixels"):
        load(folder, size=8)


def test_a_class_without_examples_and_a_file_that_is_none_are_told(folder: Path) -> None:
    (folder / "empty").mkdir()
    (folder / "class0" / "model.bin").write_bytes(b"x")
    (folder / "class0" / "notes.txt").write_text("not told")
    (folder / "class0" / ".hidden").write_text("not told")
    with pytest.raises(BadData) as caught:
        load(folder)
    assert "2 problems" in str(caught.value)
    assert "empty has no examples" in str(caught.value)
    assert "model.bin is none of" in str(caught.value)


def test_a_class_that_only_the_test_split_has_is_told(tmp_path: Path) -> None:
    home = tmp_path / "whole"
    put_images(home, pictures(TEST, seed=1, side=6), split="train")
    put_images(home, pictures(TEST, seed=2, side=6), split="test")
    (home / "test" / "other").mkdir()
    with pytest.raises(BadData, match="other is a class that the training split lacks"):
        load(home)


def test_one_class_is_no_choice(tmp_path: Path) -> None:
    (tmp_path / "images" / "only").mkdir(parents=True)
    with pytest.raises(BadData, match=r"1 class folders .only.: there have to be two"):
        load(tmp_path / "images")


def test_images_are_decoded_once(
    folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load(folder, size=8)
    monkeypatch.setattr(decoding, "read", None)
    second = load(folder, size=8)
    assert isinstance(second.train.inputs, Rows)
    assert (first.train.inputs[:] == second.train.inputs[:]).all()
    assert len(list((cache / "decoded").iterdir())) == 1


def test_a_changed_image_is_decoded_anew(folder: Path) -> None:
    before = load(folder, test=0.5)
    image = pictures(1, seed=99, side=10).inputs[0]
    for path in folder.rglob("*.png"):
        path.write_bytes(png(image))
    after = load(folder, test=0.5)
    assert before.content != after.content
    assert (after.train.inputs == image).all()


def test_nothing_is_kept_of_a_folder_that_cannot_be_decoded(folder: Path, cache: Path) -> None:
    (folder / "class1" / "0001.png").write_bytes(b"no image")
    with pytest.raises(BadData):
        load(folder, size=8)
    assert list((cache / "decoded").iterdir()) == []


def test_a_folder_counts_by_the_names_and_bytes_of_its_files(folder: Path) -> None:
    def content() -> str | None:
        return Contents(folder.parent)(folder.name)

    before = content()
    assert before is not None
    (folder / ".hidden").write_text("x")
    assert content() == before
    moved = folder / "class0" / "0000.png"
    moved.rename(folder / "class0" / "other.png")
    renamed = content()
    assert renamed != before
    (folder / "class0" / "other.png").rename(moved)
    assert content() == before
    moved.write_bytes(b"other")
    assert content() not in (before, renamed)


def test_a_text_that_is_no_text_is_told_by_its_name(tmp_path: Path) -> None:
    home = tmp_path / "letters"
    for name in ("a", "b"):
        (home / name).mkdir(parents=True)
        for row in range(3):
            (home / name / f"{row}.txt").write_text(f"{name} {row}")
    (home / "a" / "1.txt").write_bytes(b"\xff\xfe\x00broken")
    with pytest.raises(BadData, match=r"a/1\.txt"):
        Texts(folder=str(home)).load()
