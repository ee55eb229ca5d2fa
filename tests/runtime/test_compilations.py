"""What compiles, counted by traces: a cache of compiled programs hides none."""

from pathlib import Path
from typing import Any

import pytest

from lab.cli.load import load
from lab.runtime import fitting, lanes, meters, serving, together, training
from lab.runtime.engine import Engine, Said
from lab.runtime.execution import execute
from lab.runtime.layout import keys_in
from lab.runtime.store import Store
from lab.runtime.task import Batch

STUDY = """
study rates
data digits_set = digits()
model net = mlp(width: 4, layers: 1)
method small = train(by: sgd(lr: 0.1), for: 1 steps, batch: 16)
repeat 1 as seed
grid rates {{
  small.lr: log 1e-4 .. 1e-1 by {rates} points
  {widths}
}}
report {{ table(bytes(small), by: small.lr) }}
"""


class Here(Engine):
    """This process as a worker."""

    def __init__(self) -> None:
        self._said: list[tuple[int, Said]] = []

    @property
    def places(self) -> int:
        return 1

    def start(self, place: int, batch: Batch) -> None:
        serving.serve(batch, lambda event: self._said.append((place, dict(event))))

    def events(self) -> list[tuple[int, Said]]:
        said, self._said = self._said, []
        return said

    def stop(self) -> None:
        pass


def records(folder: Path, *, rates: int, widths: str = "") -> list[dict[str, Any]]:
    """Of the trainings of a study that is run here, where nothing is compiled yet."""
    for programs in (training._programs, training._beginnings, fitting._programs, lanes._programs):
        programs.clear()
    meters.programs_since()
    file = folder / "study.lab"
    file.write_text(STUDY.format(rates=rates, widths=widths), encoding="utf-8")
    plan = load(file).plan
    assert plan is not None
    store = Store(folder / "store")
    outcome = execute(plan, store, folder=folder, listener=lambda _: None, engine=Here())
    assert not outcome.failed
    found = [store.record(key) for key in keys_in(store.root)]
    return [record for record in found if record["role"] == "stage"]


def compilations(found: list[dict[str, Any]]) -> int:
    return sum(record["compilations"] for record in found)


@pytest.mark.parametrize(("mode", "programs"), [("sequence", 1), ("batched", 2)])
def test_a_hundred_learning_rates_compile_once_for_each_number_of_lanes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, programs: int
) -> None:
    monkeypatch.setenv(together.MODE, mode)
    found = records(tmp_path, rates=100)
    assert len(found) == 100
    # The first lane is alone, for an early number; the others are in groups of one size.
    assert compilations(found) == programs


def test_each_of_five_widths_compiles_once_for_a_hundred_rates(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(together.MODE, "sequence")
    found = records(tmp_path, rates=100, widths="net.width: 2 | 3 | 4 | 5 | 6")
    assert len(found) == 500
    assert compilations(found) == 5
