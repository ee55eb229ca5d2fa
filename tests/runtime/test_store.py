"""The store: whole or absent, checked, and never misread."""

import json
from pathlib import Path

import pytest

from lab.runtime.errors import CorruptFile, LabError
from lab.runtime.layout import RECORD, failures_in, keys_in
from lab.runtime.store import Store


def committed(store: Store, key: str, text: str = "made") -> None:
    scratch = store.open_scratch(key)
    (scratch / "file.txt").write_text(text)
    store.commit(key, scratch, {"values": {"value": 1.0}})


def test_a_committed_stage_is_there_with_its_record(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    committed(store, "a")
    assert store.keys() == {"a"}
    assert store.record("a")["values"] == {"value": 1.0}
    store.verify("a")


def test_an_uncommitted_stage_is_absent(tmp_path: Path) -> None:
    store = Store(tmp_path)
    scratch = store.open_scratch("a")
    (scratch / "file.txt").write_text("half")
    (scratch / RECORD).write_text("{}")
    assert store.keys() == frozenset()


def test_scratch_of_a_dead_process_is_cleared(tmp_path: Path) -> None:
    Store(tmp_path)
    store = Store(tmp_path)
    dead = tmp_path / ".tmp-a-0123456789abcdef"
    dead.mkdir()
    own = store.open_scratch("b")
    Store(tmp_path)
    assert not dead.exists()
    assert own.exists()


def test_the_first_commit_of_a_key_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    committed(store, "a", "first")
    committed(store, "a", "second")
    assert (store.folder("a") / "file.txt").read_text() == "first"
    assert not list(tmp_path.glob(".tmp-*"))


@pytest.mark.parametrize("damage", ["flipped", "truncated", "gone"])
def test_a_damaged_file_is_refused_saying_what_to_remove(tmp_path: Path, damage: str) -> None:
    store = Store(tmp_path)
    committed(store, "a")
    file = store.folder("a") / "file.txt"
    if damage == "gone":
        file.unlink()
    else:
        file.write_text("mad" if damage == "truncated" else "mode")
    with pytest.raises(CorruptFile, match=r"remove the folder .*a to have the stage run again"):
        store.verify("a")


def test_a_truncated_record_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    committed(store, "a")
    record = store.folder("a") / RECORD
    record.write_text(record.read_text()[:20])
    with pytest.raises(CorruptFile, match="cannot be read"):
        store.record("a")


@pytest.mark.parametrize(
    "content", ["", "null", "[]", "{}", '{"values": 3, "files": {}}', '{"values": {}}']
)
def test_a_record_of_another_shape_is_refused(tmp_path: Path, content: str) -> None:
    store = Store(tmp_path)
    committed(store, "a")
    (store.folder("a") / RECORD).write_text(content)
    with pytest.raises(CorruptFile, match="remove the folder"):
        store.record("a")


def test_a_number_changed_in_a_record_is_refused(tmp_path: Path) -> None:
    store = Store(tmp_path)
    committed(store, "a")
    record = store.folder("a") / RECORD
    record.write_text(record.read_text().replace('"value":1.0', '"value":2.0'))
    with pytest.raises(CorruptFile, match="is not what was written"):
        store.record("a")


def test_what_is_left_of_a_stage_gives_way_to_the_stage(tmp_path: Path) -> None:
    store = Store(tmp_path)
    committed(store, "a", "first")
    (store.folder("a") / RECORD).unlink()
    (tmp_path / "b").write_text("no folder")
    committed(store, "a", "second")
    committed(store, "b")
    assert store.keys() == {"a", "b"}
    assert (store.folder("a") / "file.txt").read_text() == "second"


def test_an_unreadable_failure_is_still_a_failure(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.record_failure("a", {"cause": "diverged"})
    (tmp_path / "failures" / "a.json").write_text("{")
    assert store.failure("a")["cause"] == "failed"


@pytest.mark.parametrize("version", [b"99", b"\xff\xfe", b""])
def test_a_store_of_another_version_is_refused(tmp_path: Path, version: bytes) -> None:
    (tmp_path / "VERSION").write_bytes(version)
    with pytest.raises(LabError, match="is a store of version"):
        Store(tmp_path)


def test_a_failure_is_kept_until_the_stage_succeeds(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.record_failure("a", {"cause": "diverged"})
    assert failures_in(tmp_path) == {"a"}
    assert json.loads((tmp_path / "failures" / "a.json").read_text())["cause"] == "diverged"
    committed(store, "a")
    assert failures_in(tmp_path) == frozenset()


def test_a_store_that_cannot_be_made_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LabError, match="cannot write to the store"):
        Store(tmp_path / "file" / "store")


def test_looking_for_keys_makes_nothing(tmp_path: Path) -> None:
    assert keys_in(tmp_path / "nowhere") == frozenset()
    assert not (tmp_path / "nowhere").exists()
