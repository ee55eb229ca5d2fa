"""What every data source promises, on a small set of its own form (`sources.py`)."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sources import CASES, Case, Patch

from lab.runtime import registry
from lab.runtime.cifar10 import places as cifar10_places
from lab.runtime.dataset import Dataset, Examples, content_of
from lab.runtime.errors import BadData, LabError
from lab.runtime.published import places

# The library of TensorFlow Datasets warns of what it does itself.
pytestmark = pytest.mark.filterwarnings("ignore")

ASIDE = 7


def patched(monkeypatch: pytest.MonkeyPatch) -> Patch:
    def patch(owner: Any, name: str, value: Any) -> None:
        if owner is os.environ:
            monkeypatch.setenv(name, value)
        else:
            monkeypatch.setattr(owner, name, value)

    return patch


def forget() -> None:
    cifar10_places.arrays.cache_clear()
    places.arrays.cache_clear()


@pytest.fixture(params=CASES)
def case(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Case]:
    monkeypatch.setenv("LAB_DATA", str(tmp_path))
    forget()
    yield CASES[request.param](tmp_path, patched(monkeypatch))
    forget()


def splits(found: Dataset) -> dict[str, Examples]:
    every = {"train": found.train, "test": found.test, "validation": found.validation}
    return {name: part for name, part in every.items() if part is not None}


def rows(part: Examples) -> set[bytes]:
    return {np.ascontiguousarray(one).tobytes() for one in part.inputs}


def test_every_source_has_a_set_here() -> None:
    known = {name for kind, name in registry.catalog().signatures if kind == "data"}
    assert {name.split()[0] for name in CASES} == known


def test_splits_are_of_one_kind_and_labels_are_in_range(case: Case) -> None:
    found = case.make(validation=ASIDE).load()
    parts = splits(found)
    assert set(parts) == {"train", "test", "validation"}
    assert len({(p.inputs.dtype, p.inputs.shape[1:], p.labels.dtype) for p in parts.values()}) == 1
    for part in parts.values():
        assert part.inputs.dtype in (np.uint8, np.int32, np.float32)
        assert len(part.inputs) == len(part.labels) > 0
        if case.is_regression:
            assert found.classes == 1
            assert part.labels.dtype == np.float32
            assert np.isfinite(part.labels).all()
        else:
            assert part.labels.dtype == np.int32
            assert part.labels.min() >= 0
            assert part.labels.max() < found.classes


def test_every_class_has_a_training_example(case: Case) -> None:
    found = case.make().load()
    if not case.is_regression:
        assert sorted(set(found.train.labels.tolist())) == list(range(found.classes))


def test_no_example_is_in_two_splits(case: Case) -> None:
    train, test, aside = map(rows, splits(case.make(validation=ASIDE).load()).values())
    assert not train & test
    assert not train & aside
    assert not test & aside


def test_loading_twice_gives_the_same(case: Case) -> None:
    one = case.make(validation=ASIDE).load()
    forget()
    two = case.make(validation=ASIDE).load()
    assert one.content == two.content
    for left, right in zip(splits(one).values(), splits(two).values(), strict=True):
        assert (np.asarray(left.inputs) == right.inputs).all()
        assert (left.labels == right.labels).all()


def test_validation_examples_leave_the_training_set_and_nothing_else_changes(case: Case) -> None:
    whole, carved = case.make().load(), case.make(validation=ASIDE).load()
    assert carved.validation is not None
    assert whole.validation is None
    assert len(carved.validation.labels) == ASIDE
    assert rows(carved.train) | rows(carved.validation) == rows(whole.train)
    assert rows(carved.test) == rows(whole.test)
    assert carved.content == whole.content
    with pytest.raises(BadData, match="no validation split"):
        whole.split("validation")


def test_more_than_there_are_cannot_be_set_aside(case: Case) -> None:
    with pytest.raises(BadData, match="to be set aside, and there are only"):
        case.make(validation=10**6).load()


def test_content_is_that_of_the_arrays(case: Case) -> None:
    found = case.make().load()
    assert found.content == content_of(found.train, found.test)


def test_what_is_damaged_is_an_error_that_a_person_can_mend(case: Case) -> None:
    if case.file is None:
        pytest.skip("nothing of it lies on the disk")
    whole = case.file.read_bytes()
    case.file.write_bytes(b"\xff" + whole[1 : len(whole) // 2])
    with pytest.raises(LabError) as caught:
        case.make().load()
    assert len(str(caught.value)) < 1000


def test_what_is_missing_is_an_error_that_a_person_can_mend(
    case: Case, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if case.file is None:
        pytest.skip("nothing of it lies on the disk")
    monkeypatch.setattr(cifar10_places, "_fetched", _no_network)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    for path in sorted(tmp_path.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    with pytest.raises(LabError, match=r"not there|not in|no folder|cannot be read"):
        case.make().load()


def _no_network(folder: Path) -> Any:
    raise BadData(f"the set is not in {folder}")


def test_content_is_the_same_in_another_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sources import contents

    names = [name for name in CASES if name not in ("digits", "cifar10_sample")]
    here = contents(tmp_path / "here", patched(monkeypatch), names)
    forget()
    command = [sys.executable, "-W", "ignore", "sources.py", str(tmp_path / "there"), *names]
    done = subprocess.run(
        command,
        cwd=Path(__file__).parent,
        env={**os.environ, "PYTHONHASHSEED": "77"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout.splitlines()[-1]) == here
