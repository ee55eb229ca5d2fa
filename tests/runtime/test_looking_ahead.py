"""What a place does next is ready before it asks, and what it made is stored meanwhile."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pretended import Pretended

from lab.cli.load import load
from lab.compiler.plan import Plan
from lab.runtime.engine import Said
from lab.runtime.execution import execute
from lab.runtime.store import Made, Store
from lab.runtime.task import Batch, Task

STUDY = """\
study many
data digits_set = digits()
model net = mlp(width: 8, layers: 1)
method small = train(by: sgd(lr: 0.1), for: 1 steps, batch: 32)
metric acc = accuracy(method)
repeat 1 as seed
grid rates { small.lr: log 1e-4 .. 1e-1 by 20 points }
report { table(acc, by: small.lr) }
"""


class Watched(Pretended):
    """Notes what is asked of it; a task takes so long, and each word is said by itself."""

    def __init__(self, seconds: float, notes: list[str]) -> None:
        super().__init__()
        self.lanes_at_a_time = 4
        self.seconds, self.notes = seconds, notes

    def start(self, place: int, batch: Batch) -> None:
        self.notes.append("start")
        super().start(place, batch)

    def events(self) -> list[tuple[int, Said]]:
        place, said = self._said.pop(0)
        if said["event"] == "idle":
            self.notes.append("idle")
        elif said["event"] == "done":
            self.notes.append("done")
            said = {**said, "record": {**said["record"], "wall_seconds": self.seconds}}
        return [(place, said)]


def made_of(folder: Path, points: int = 20) -> Plan:
    file = folder / "many.lab"
    file.write_text(STUDY.replace("20 points", f"{points} points"), encoding="utf-8")
    plan = load(file).plan
    assert plan is not None
    return plan


def notes(folder: Path, seconds: float, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happened in a study of twenty trainings and as many measurements."""
    plan = made_of(folder)
    happened: list[str] = []
    commit, open_ = Store.commit_all, Store.open

    def committed(store: Store, made: Sequence[Made]) -> None:
        happened.append("commit")
        commit(store, made)

    def opened(store: Store, key: str) -> Any:
        if happened[-1:] != ["ready"]:
            happened.append("ready")
        return open_(store, key)

    monkeypatch.setattr(Store, "commit_all", committed)
    monkeypatch.setattr(Store, "open", opened)
    engine = Watched(seconds, happened)
    ended = execute(
        plan, Store(folder / "store"), folder=folder, listener=lambda _: None, engine=engine
    )
    assert len(ended.made) == 40
    return happened


def test_a_place_that_is_nearly_done_gets_its_next_batch_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened = notes(tmp_path, 0.01, monkeypatch)
    assert happened[:4] == ["ready", "start", "done", "ready"], "with three of four left"
    idle = [i for i, what in enumerate(happened[:-1]) if what == "idle"]
    assert [happened[i + 1] for i in idle[:4]] == ["start"] * 4, "nothing is done before that"


def test_what_takes_long_is_not_held_back_for_one_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened = notes(tmp_path, 60.0, monkeypatch)
    assert happened[:6] == ["ready", "start", *["done"] * 4], "others may be free before this one"


def test_what_is_ready_goes_to_whoever_is_free(tmp_path: Path) -> None:
    """The first place has a last task that takes its time: the other one has all else meanwhile."""
    trained: list[int] = []

    class Two(Watched):
        places = 2  # pyright: ignore[reportAssignmentType, reportIncompatibleMethodOverride]
        waits_for: str | None = None
        meanwhile = 0

        def start(self, place: int, batch: Batch) -> None:
            if batch.tasks[0].role == "stage":
                trained.extend([place] * len(batch.tasks))
            if self.waits_for is None:
                self.waits_for = batch.tasks[-1].key
            super().start(place, batch)

        def events(self) -> list[tuple[int, Said]]:
            for i, (place, said) in enumerate(self._said):
                is_last = said["event"] == "done" and said["key"] == self.waits_for
                if not is_last and not (place == 0 and said["event"] == "idle" and self.waits_for):
                    self._said.insert(0, self._said.pop(i))
                    return super().events()
            self.waits_for, self.meanwhile = "", trained.count(1)
            return super().events()

    engine = Two(0.01, [])
    ended = execute(
        made_of(tmp_path), Store(tmp_path), folder=tmp_path, listener=lambda _: None, engine=engine
    )
    assert len(ended.made) == 40
    assert engine.meanwhile == 16, "all but the four that the first place was given"


def test_runs_that_failed_alike_stop_nothing_where_one_has_worked(tmp_path: Path) -> None:
    class AtOnce(Pretended):
        """Says all at once, as jobs on other machines do."""

        lanes_at_a_time = 4

    plan = made_of(tmp_path)
    seen: list[str] = []

    def fault(task: Task) -> Said | None:
        if task.role != "stage":
            return None
        seen.append(task.key)
        said = {"event": "failed", "cause": "defect", "message": "no", "traceback": ""}
        return said if 1 < len(seen) <= 4 else None

    ended = execute(
        plan,
        Store(tmp_path / "store"),
        folder=tmp_path,
        listener=lambda _: None,
        engine=AtOnce(fault),
    )
    assert ended.stopped is None
    assert len(ended.made) == 2 * 17


def test_lanes_that_take_no_time_at_all_are_handed_out(tmp_path: Path) -> None:
    engine = Watched(0.0, [])
    engine.lanes_at_a_time = None
    plan = made_of(tmp_path, points=100)
    ended = execute(plan, Store(tmp_path), folder=tmp_path, listener=lambda _: None, engine=engine)
    assert len(ended.made) == 200
