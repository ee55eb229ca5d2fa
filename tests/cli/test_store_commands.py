"""`lab store`, `status`, `logs` and `rerun` on the results of a study of seconds."""

import json
import shutil
import tarfile
from pathlib import Path

import pytest
from commands import TINY, killed_when, lab, started, study

from lab.runtime.layout import keys_in

TEXT = TINY.read_text(encoding="utf-8").replace("repeat 3", "repeat 1")
TEXT = "\n".join(line for line in TEXT.splitlines() if not line.startswith("claim"))


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("done")
    result = lab("run", str(study(folder, TEXT)))
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def folder(done: Path, tmp_path: Path) -> Path:
    shutil.copytree(done, tmp_path / "copy")
    return tmp_path / "copy"


def results(folder: Path) -> tuple[str, str]:
    return "--results", str(folder / "results")


def trained(folder: Path) -> Path:
    """The stage that trained."""
    store = folder / "results" / "store"
    for key in keys_in(store):
        if json.loads((store / key / "record.json").read_text())["component"] == "train":
            return store / key
    raise AssertionError


def test_ls_counts_every_stage(folder: Path) -> None:
    listed = json.loads(lab("store", "ls", *results(folder), "--json").stdout)
    assert {one["key"] for one in listed["stages"]} == keys_in(folder / "results" / "store")
    assert all(one["bytes"] > 0 and one["label"] for one in listed["stages"])
    assert "train" in lab("store", "ls", *results(folder)).stdout


def test_verify_names_what_is_damaged(folder: Path) -> None:
    assert lab("store", "verify", *results(folder)).returncode == 0
    tensors = trained(folder) / "artifact.safetensors"
    tensors.write_bytes(tensors.read_bytes()[:-1])
    result = lab("store", "verify", *results(folder))
    assert result.returncode == 3
    assert str(tensors) in result.stdout


def test_results_move_between_machines(folder: Path, tmp_path: Path) -> None:
    archive = tmp_path / "moved.tar"
    assert lab("store", "export", "-o", str(archive), *results(folder)).returncode == 0
    file = study(tmp_path / "other", TEXT)
    there = tmp_path / "other" / "results"
    first = lab("store", "import", str(archive), "--results", str(there))
    assert first.returncode == 0, first.stderr
    assert keys_in(there / "store") == keys_in(folder / "results" / "store")
    assert "nothing to run" in lab("run", str(file)).stderr
    again = lab("store", "import", str(archive), "--results", str(there))
    assert "0 stages and measurements are new" in again.stdout


@pytest.mark.parametrize("damage", ["cut short", "flipped", "another file", "outside"])
def test_a_bad_archive_changes_nothing(folder: Path, tmp_path: Path, damage: str) -> None:
    archive = tmp_path / "moved.tar"
    lab("store", "export", "-o", str(archive), *results(folder))
    content = bytearray(archive.read_bytes())
    if damage == "cut short":
        archive.write_bytes(content[: len(content) // 2])
    elif damage == "flipped":
        place = content.find(b'"value"')
        content[place + 10] ^= 1
        archive.write_bytes(content)
    elif damage == "another file":
        archive.write_text("no archive")
    else:
        with tarfile.open(archive, "a") as opened:
            opened.add(TINY, "../../outside.lab")
    there = tmp_path / "other" / "results"
    result = lab("store", "import", str(archive), "--results", str(there))
    assert result.returncode == 2
    assert str(archive) in result.stderr or "remove the folder" in result.stderr
    assert "Traceback" not in result.stderr
    assert not keys_in(there / "store")
    assert not (tmp_path / "outside.lab").exists()
    assert not list((there / "store").glob(".tmp-*"))


def test_gc_removes_only_what_no_study_needs_and_only_when_told(folder: Path) -> None:
    store = folder / "results" / "store"
    before = keys_in(store)
    file = study(folder, TEXT.replace("field.width: 8 | 12", "field.width: 8"))
    asked = lab("store", "gc", str(file))
    assert "add --yes" in asked.stderr
    assert keys_in(store) == before
    assert lab("store", "gc", str(file), "--yes").returncode == 0
    assert len(before) - len(keys_in(store)) == 3
    assert "nothing to run" in lab("run", str(file)).stderr
    assert lab("store", "gc", str(file)).stderr == "nothing may go\n"


def test_status_says_that_nothing_runs_and_then_what_does(folder: Path) -> None:
    assert "nothing is running" in lab("status", *results(folder)).stdout
    file = study(folder, TEXT.replace("2 epochs", "3000 epochs"))
    process = started("run", str(file), "--jobs", "1")
    try:
        said: list[dict] = []
        while process.poll() is None and not (said and said[0]["active"]):
            said = json.loads(lab("status", str(file), "--json").stdout)["running"]
        assert said[0]["study"] == "tiny"
        assert said[0]["total"] > 0
        assert "train" in lab("status", str(file)).stdout
    finally:
        process.terminate()
        process.communicate()
    assert "nothing is running" in lab("status", str(file)).stdout


def test_logs_tell_how_a_stage_failed(tmp_path: Path) -> None:
    text = TEXT.replace("adam(lr: 1e-2)", "sgd(lr: 1e30)")
    file = study(tmp_path, text)
    assert lab("run", str(file)).returncode == 3
    failed = [path.stem for path in (tmp_path / "results/store/failures").glob("*.json")]
    result = lab("logs", failed[0][:8], *results(tmp_path))
    assert result.returncode == 0
    assert "diverged" in result.stdout
    unknown = lab("logs", "ffffffffff", *results(tmp_path))
    assert unknown.returncode == 2
    assert "no key begins with" in unknown.stderr


def test_a_stage_made_once_more_is_the_same(folder: Path) -> None:
    file = str(folder / "studies" / "tiny.lab")
    key = trained(folder).name
    before = (trained(folder) / "record.json").read_bytes()
    result = lab("rerun", key[:10], file)
    assert "the same, bit for bit" in result.stdout, result.stderr
    assert (trained(folder) / "record.json").read_bytes() == before


def test_a_stored_stage_that_the_study_no_longer_asks_for_is_told_apart(folder: Path) -> None:
    key = trained(folder).name
    file = study(folder, TEXT.replace("2 epochs", "3 epochs"))
    result = lab("rerun", key[:10], str(file))
    assert result.returncode == 2
    assert f"{key[:12]} is stored, but the study asks for no such stage" in result.stderr


def test_a_damaged_stage_is_made_anew(folder: Path) -> None:
    file = str(folder / "studies" / "tiny.lab")
    stage = trained(folder)
    whole = (stage / "artifact.safetensors").read_bytes()
    (stage / "artifact.safetensors").write_bytes(whole[:-1])
    assert lab("rerun", stage.name[:10], file).returncode == 0
    assert (stage / "artifact.safetensors").read_bytes() == whole
    assert lab("store", "verify", *results(folder)).returncode == 0


def test_a_rerun_that_is_killed_leaves_the_result(folder: Path) -> None:
    file = str(folder / "studies" / "tiny.lab")
    stage = trained(folder)
    store = folder / "results" / "store"
    killed_when(lambda: list(store.glob(".tmp-rerun-*")), "rerun", stage.name[:10], file)
    assert lab("store", "verify", *results(folder)).returncode == 0
    assert not list(store.glob(".tmp-*"))


def test_an_action_that_is_none_is_suggested(folder: Path) -> None:
    result = lab("store", "verfy", *results(folder))
    assert result.returncode == 2
    assert "did you mean `verify`" in result.stderr
