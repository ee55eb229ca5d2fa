"""The index of a store: a projection that may be lost, cut short or outdated at any time."""

import json
import shutil
from pathlib import Path

import pytest

from lab.runtime.index import NAME, add, index

PARTS = {
    "role": "stage",
    "component": "fit",
    "version": "v1",
    "label": "field: fit\twide",
    "arguments": {"width": 64},
    "inputs": {"before": "a" * 32},
    "seed": 3,
    "vary": ["init"],
    "values": {},
    "files": {},
    "wall_seconds": 1.5,
    "environment": {"device": "cpu", "threads": 2, "packages": {"jax": "0.10.2"}},
}


def stored(root: Path, key: str, **parts: object) -> dict[str, object]:
    record = {**PARTS, **parts}
    (root / key).mkdir(parents=True)
    (root / key / "record.json").write_text(json.dumps(record))
    return record


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for letter in "abc":
        stored(tmp_path, letter * 32)
    return tmp_path


def test_an_index_says_what_the_records_say(root: Path) -> None:
    one = index(root)["b" * 32]
    assert (one.component, one.version, one.label) == ("fit", "v1", "field: fit\twide")
    assert (one.role, one.seed, one.vary) == ("stage", 3, ("init",))
    assert one.arguments == {"width": 64}
    assert one.inputs == {"before": "a" * 32}
    assert one.facts == {"wall_seconds": 1.5, "device": "cpu", "threads": 2}


def test_an_index_is_read_from_its_file_and_not_from_the_records(root: Path) -> None:
    index(root)
    (root / ("a" * 32) / "record.json").write_text("unreadable")
    assert index(root)["a" * 32].arguments == {"width": 64}


def test_a_removed_index_is_made_again(root: Path) -> None:
    before = {key: one.arguments for key, one in index(root).items()}
    (root / NAME).unlink()
    assert {key: one.arguments for key, one in index(root).items()} == before


def test_a_stage_that_is_stored_later_is_in_the_index(root: Path) -> None:
    index(root)
    stored(root, "d" * 32, seed=4)
    assert index(root)["d" * 32].seed == 4
    add(root, {"e" * 32: stored(root, "e" * 32, seed=5)})
    (root / ("e" * 32) / "record.json").write_text("unreadable")
    assert index(root)["e" * 32].seed == 5


def test_a_stage_that_is_gone_is_not_in_the_index(root: Path) -> None:
    index(root)
    shutil.rmtree(root / ("b" * 32))
    assert set(index(root)) == {"a" * 32, "c" * 32}
    assert "b" * 32 not in (root / NAME).read_text()


@pytest.mark.parametrize("cut", [1, 2, 3, 20, 200, 400])
def test_an_index_cut_short_is_mended(root: Path, cut: int) -> None:
    before = {key: one.details for key, one in index(root).items()}
    whole = (root / NAME).read_bytes()
    (root / NAME).write_bytes(whole[:-cut])
    add(root, {"f" * 32: stored(root, "f" * 32)})
    found = index(root)
    assert {key: found[key].details for key in before} == before
    assert "f" * 32 in found
    assert index(root).keys() == found.keys()


def test_an_index_of_another_version_or_none_that_can_be_read_is_made_again(root: Path) -> None:
    for text in (b"lab index 0\nx", b"\xff\xfe", b""):
        (root / NAME).write_bytes(text)
        assert len(index(root)) == 3


def test_the_first_stage_of_a_store_makes_an_index(tmp_path: Path) -> None:
    add(tmp_path, {"a" * 32: stored(tmp_path, "a" * 32)})
    (tmp_path / ("a" * 32) / "record.json").write_text("unreadable")
    assert set(index(tmp_path)) == {"a" * 32}


def test_a_store_that_is_not_there_has_an_empty_index(tmp_path: Path) -> None:
    assert not index(tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_record_that_cannot_be_read_is_left_out(root: Path) -> None:
    (root / ("a" * 32) / "record.json").write_text("{}")
    assert set(index(root)) == {"b" * 32, "c" * 32}
