"""Faults while a plan runs: an error that says what to do or a takeover, and nothing is lost."""

import errno
import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nobody import NOBODY
from pretended import Pretended, done, leftovers, made, tiny

from lab.runtime import files, leases, owners, running
from lab.runtime import store as stores
from lab.runtime.engine import Opening, Said
from lab.runtime.engines.local import Local
from lab.runtime.errors import LabError
from lab.runtime.execution import Limits
from lab.runtime.files import unfinished
from lab.runtime.owners import this_process
from lab.runtime.store import Store
from lab.runtime.task import Batch, Task

PLAN = tiny()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    root = tmp_path_factory.mktemp("whole")
    assert not done(PLAN, root).failed
    return made(root)


def full(*_: object, **__: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def after(calls: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """A function that works so many times, and then finds the disk full."""
    left = [calls]

    def called(*arguments: Any, **keywords: Any) -> Any:
        left[0] -= 1
        return full() if left[0] < 0 else function(*arguments, **keywords)

    return called


# A full disk


@pytest.mark.parametrize(
    "fault",
    [
        (stores, "sync_files", 0),
        (stores, "sync_files", 1),
        (stores, "sync_folder", 2),
        (stores, "sha256", 5),
        (Path, "write_text", 4),
        (os, "rename", 2),
        (os, "mkdir", 7),
        (files, "sync_folder", 0),
    ],
    ids=lambda fault: f"{fault[1]} after {fault[2]}",
)
def test_a_disk_that_fills_up_anywhere_loses_nothing(
    tmp_path: Path, whole: dict[str, Any], fault: tuple[Any, str, int]
) -> None:
    where, name, calls = fault
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(where, name, after(calls, getattr(where, name)))
        with pytest.raises((OSError, LabError), match="No space left"):
            done(PLAN, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.glob("*/record.json")}
    assert not done(PLAN, tmp_path).failed
    assert made(tmp_path) == whole
    assert not leftovers(tmp_path)
    known = [path for path in before if path.stat().st_mtime_ns == before[path]]
    whole_ones = [path for path in before if path.parent.name[0] != "."]
    assert known == whole_ones, "what was stored was made again"


def test_a_note_that_cannot_be_written_costs_no_run(
    tmp_path: Path, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = running.Notes(tmp_path, "me", "study", 1)
    (tmp_path / "running" / ".me").mkdir()
    notes.started("key", "label")
    assert not done(PLAN, tmp_path / "store").failed
    assert made(tmp_path / "store") == whole


def test_a_stage_that_found_the_disk_full_is_tried_again_by_itself(tmp_path: Path) -> None:
    said = {
        "event": "failed",
        "cause": "input/output",
        "message": "the disk is full",
        "traceback": "",
    }
    first = PLAN.nodes[0].key
    outcome = done(PLAN, tmp_path, lambda task: said if task.key == first else None)
    assert outcome.failed[first]["message"] == "the disk is full"
    assert not done(PLAN, tmp_path).failed


# Whoever is not allowed to write


def test_a_store_that_cannot_be_written_to_is_read_and_says_so(
    tmp_path: Path, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    done(PLAN, tmp_path)

    def denied(*_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(owners, "write_atomically", denied)
    for name in ("unlink", "write_text", "write_bytes", "rename"):
        monkeypatch.setattr(Path, name, denied)
    assert made(tmp_path) == whole
    with pytest.raises(LabError, match=r"Permission denied.*--results"):
        _ = Store(tmp_path).owner


# The dead


def test_what_a_dead_process_left_goes_when_a_store_is_opened(tmp_path: Path) -> None:
    Store(tmp_path)
    key = PLAN.nodes[0].key
    gone = {**this_process().__dict__, "started": "1"}
    for folder in ("owners", "leases", "running", "failures"):
        (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / "owners" / "dead").write_text(json.dumps(gone) + "\n" + "0" * 16 + "\n")
    (tmp_path / "leases" / "dead").write_text(f"{key}\n")
    (tmp_path / "leases" / ".dead").write_text(key[:7])
    (tmp_path / "running" / "dead").write_text("{}")
    (tmp_path / "running" / ".dead").write_text("{")
    (tmp_path / f".tmp-{key}-dead").mkdir()
    unfinished(tmp_path / "failures" / f"{key}.json", NOBODY).write_text("{")
    ours = unfinished(tmp_path / "VERSION")
    theirs = tmp_path / f".VERSION.0badcafe-{NOBODY}.part"
    for path in (ours, theirs):
        path.write_text("1")
    Store(tmp_path)
    assert set(leftovers(tmp_path)) == {str(ours), str(theirs)}, "what may live is left alone"


def test_work_leased_by_a_host_that_died_is_taken_over(
    tmp_path: Path, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(owners, "PATIENCE_SECONDS", 0.01)
    monkeypatch.setattr("lab.runtime.execution.PAUSE_SECONDS", 0.02)
    Store(tmp_path)
    for folder in (owners.FOLDER, leases.FOLDER):
        (tmp_path / folder).mkdir(exist_ok=True)
    far = {**this_process().__dict__, "host": "elsewhere"}
    (tmp_path / "owners" / "far").write_text(json.dumps(far) + "\n" + "7".zfill(16) + "\n")
    keys = "".join(f"{node.key}\n" for node in PLAN.nodes)
    (tmp_path / "leases" / "far").write_text(keys)
    assert not done(PLAN, tmp_path).failed
    assert made(tmp_path) == whole


def test_a_clock_that_jumps_changes_nothing(
    tmp_path: Path, whole: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    jumps = iter(range(10**9, 0, -(10**5)))
    monkeypatch.setattr(time, "time", lambda: float(next(jumps)))
    done(PLAN, tmp_path, limit=4)
    for path in tmp_path.rglob("*"):
        os.utime(path, (2**33, 2**33))
    assert not done(PLAN, tmp_path).failed
    assert made(tmp_path) == whole
    assert not leftovers(tmp_path)


# Limits, and plans that go wrong from the start


def test_at_the_deadline_what_is_done_is_kept_and_work_is_ended(tmp_path: Path) -> None:
    engine = Pretended()
    moments = iter([0.0] * 6 + [9.0] * 10**6)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("lab.runtime.execution.Limits.is_over", property(lambda _: next(moments) > 1))
        outcome = done(PLAN, tmp_path, limits=Limits(deadline=1.0))
    assert outcome.made
    assert len(outcome.made) < len(PLAN.nodes)
    assert not leftovers(tmp_path)
    assert not engine.stopped
    assert not done(PLAN, tmp_path).failed


def failing(message: str, cause: str = "refused") -> Said:
    return {"event": "failed", "cause": cause, "message": message, "traceback": ""}


def test_the_same_cause_three_times_at_the_start_stops_a_plan(tmp_path: Path) -> None:
    sizes = iter(range(10, 99))
    plan = tiny("dense.by.lr=0.1|0.2")
    outcome = done(plan, tmp_path, lambda _: failing(f"it took 0.{next(sizes)} GB"))
    assert outcome.stopped is not None
    assert "the first 3 runs failed of the same cause" in outcome.stopped


def test_different_causes_or_a_single_success_let_a_plan_go_on(tmp_path: Path) -> None:
    words = iter("abcdefghijklmnop")
    assert done(PLAN, tmp_path / "a", lambda _: failing(next(words))).stopped is None
    first = PLAN.nodes[0].key
    late = done(PLAN, tmp_path / "b", lambda task: None if task.key == first else failing("x"))
    assert late.stopped is None


def test_a_loss_that_diverges_in_the_first_settings_stops_nothing_yet(tmp_path: Path) -> None:
    outcome = done(PLAN, tmp_path, lambda _: failing("the loss is nan at step 3", "diverged"))
    assert outcome.stopped is None
    assert set(outcome.failed) == {node.key for node in PLAN.nodes}


def test_what_diverged_is_not_tried_again_until_it_is_asked_for(tmp_path: Path) -> None:
    done(PLAN, tmp_path, lambda _: failing("the loss is nan", "diverged"))
    assert all(
        "again" in one or one["cause"] == "input failed"
        for one in done(PLAN, tmp_path).failed.values()
    )
    assert not done(PLAN, tmp_path, limits=Limits(retry=True)).failed


# Workers


def task(key: str, folder: Path, **changes: Any) -> Task:
    (folder / key).mkdir()
    given: dict[str, Any] = {
        "key": key,
        "role": "stage",
        "component": "nothing",
        "arguments": {},
        "inputs": {},
        "seed": 0,
        "vary": (),
        "occurrence": 0,
        "fresh": False,
        "folder": str(folder),
        "output": str(folder / key),
    }
    return Task(**{**given, **changes})


def said_until(engine: Local, *kinds: str) -> list[Said]:
    found: list[Said] = []
    while not any(one["event"] in kinds for one in found):
        found += [said for _, said in engine.events()]
    return found


def test_what_is_printed_on_standard_output_is_no_event(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rubbish = "import os\nos.write(1, b'{}\\n[1]\\n\\xff{\"event\\nno line feed behind this')\n"
    (tmp_path / "sitecustomize.py").write_text(rubbish)
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    monkeypatch.setenv("PYTHONPATH", path)
    engine = Local(Opening(tmp_path, 1))
    try:
        engine.start(0, Batch("program", (task("a", tmp_path),)))
        assert [one["event"] for one in said_until(engine, "idle", "died")] == [
            "started",
            "failed",
            "idle",
        ]
    finally:
        engine.stop()


def test_a_worker_that_is_killed_is_replaced(tmp_path: Path) -> None:
    before = workers()
    engine = Local(Opening(tmp_path, 1))
    try:
        engine.start(0, Batch("program", (task("a", tmp_path),)))
        said_until(engine, "idle")
        (worker,) = workers() - before
        os.kill(worker, signal.SIGKILL)
        engine.start(0, Batch("program", (task("b", tmp_path),)))
        said = said_until(engine, "idle", "died")
        if said[-1]["event"] == "died":
            assert "signal 9" in said[-1]["message"]
            engine.start(0, Batch("program", (task("c", tmp_path),)))
            said = said_until(engine, "idle", "died")
        assert said[-1]["event"] == "idle"
    finally:
        engine.stop()
    assert workers() <= before, "a worker outlives its engine"


def workers() -> set[int]:
    """Workers of this process: forks of its nursery, which itself waits for the next engine."""
    return {
        worker
        for child in children_of(os.getpid())
        if Path(f"/proc/{child}/comm").read_text().strip() == "lab-nursery"
        for worker in children_of(child)
    }


def children_of(process: int) -> set[int]:
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    return {int(number) for number in text.split()}
