"""What a place does next is ready before it asks, and what it made is stored meanwhile."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from pretended import Pretended

from lab.cli.load import load
from lab.runtime.engine import Said
from lab.runtime.execution import execute
from lab.runtime.store import Made, Store
from lab.runtime.task import Batch

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


def notes(folder: Path, seconds: float, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What happened in a study of twenty trainings and as many measurements."""
    file = folder / "many.lab"
    file.write_text(STUDY, encoding="utf-8")
    plan = load(file).plan
    assert plan is not None
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
