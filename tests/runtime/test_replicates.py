"""Each point gets replicates until its interval is narrow, whatever else is stored."""

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lab.compiler.parts import with_replicates
from lab.compiler.plan import Plan
from lab.compiler.planner import Planner
from lab.compiler.serial import from_json, to_json
from lab.runtime import statistics
from lab.runtime.counts import known_counts
from lab.runtime.growing import growing
from lab.runtime.replicates import Replicates, counted, narrowed
from lab.spec.catalog import builtin_catalog
from lab.spec.check import check
from lab.spec.records import record
from lab.spec.signature import Catalog
from lab.spec.source import Source

TEXT = """
study s
data  d = digits()
model m = mlp()
method dense = train(for: 1 epochs)
method wide  = train(for: 2 epochs)
method eight = dense then quantize(bits: 8)
metric gain = accuracy(method) - accuracy(dense)
metric size = bytes(method) / bytes(dense)
repeat 3 .. 9 as seed until ci95(accuracy) < 1%
grid g { method: dense | wide }
grid fixed { method: eight; repeat 2 as seed }
claim better: gain(wide) > 0 at 95%
report { table(accuracy, by: method) }
"""


@pytest.fixture(autouse=True)
def _somewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@cache
def catalog() -> Catalog:
    return builtin_catalog()


@cache
def planner(text: str = TEXT) -> Planner:
    checked = check(Source("test.lab", text), catalog())
    assert not checked.failed, checked.diagnostics
    assert checked.study is not None
    return Planner(checked.study, catalog(), lambda name: f"content of {name}")


def planned(text: str = TEXT) -> Plan:
    plan = planner(text).plan()
    assert isinstance(plan, Plan)
    return plan


@record
class Outcome:
    failed: Mapping[str, Mapping[str, Any]]


#: Accuracy by epochs of training and seed; None: it fails.
Value = Callable[[float, int], float | None]


def alike(epochs: float, seed: int) -> float:
    """Both arms vary a little; the second one more, so that it takes seven replicates."""
    return 0.9 + (0.002 if epochs == 1 else 0.011) * (-1) ** seed


class Computed:
    """A store whose measurements are computed from the length of training and the seed."""

    def __init__(self, value: Value = alike, root: Path = Path()) -> None:
        self.root = root
        self.values: dict[str, float] = {}
        self.rounds: list[list[str]] = []
        self._value = value

    def keys(self) -> frozenset[str]:
        return frozenset(self.values)

    def record(self, key: str) -> dict[str, Any]:
        return {"values": {"value": self.values[key]}}

    def execute(self, plan: Plan) -> Outcome:
        stages = {node.key: node for node in plan.nodes}
        failed: dict[str, Mapping[str, Any]] = {}
        made: list[str] = []
        for node in plan.nodes:
            if node.role == "measurement" and node.key not in self.values:
                lasting: Any = stages[node.inputs["of"]].arguments.get("for")
                epochs = lasting["duration"] if lasting else 1
                found = self._value(epochs, node.seed or 0)
                if found is None:
                    failed[node.key] = {"cause": "diverged", "message": "no number"}
                else:
                    self.values[node.key] = found
                    made.append(node.key)
        self.rounds.append(made)
        return Outcome(failed)


def run(store: Computed, text: str = TEXT, *, rounds: int = 100) -> None:
    generator = growing(planner(text), store, workers=2)  # type: ignore[arg-type] - as much of a store as is asked
    try:
        one = next(generator)
        for _ in range(rounds):
            one = generator.send(store.execute(one.plan))  # type: ignore[arg-type] - as above
    except StopIteration:
        pass
    generator.close()


def counts(store: Computed, text: str = TEXT) -> dict[str, int]:
    return {one.arm: one.wanted for one in found(store, text)}


def found(store: Computed, text: str = TEXT) -> tuple[Replicates, ...]:
    values = {key: {"value": value} for key, value in store.values.items()}
    return counted(planned(text), values)


def test_each_point_gets_replicates_until_its_interval_is_narrow() -> None:
    store = Computed()
    run(store)
    got = counts(store)
    for arm, epochs in (("dense", 1), ("wide", 2)):
        halves = []
        for n in range(3, 10):
            interval = statistics.interval([alike(epochs, seed) for seed in range(n)])
            assert interval is not None
            halves.append((interval.high - interval.low) / 2)
        first = next((n for n, half in enumerate(halves, 3) if half < 0.01), 9)
        assert got[arm] == first
    assert got["dense"] == 3
    assert 3 < got["wide"] < 9


def test_what_nothing_wanted_is_not_run() -> None:
    store = Computed()
    run(store)
    plan = planned()
    part = narrowed(plan, found(store))
    assert {node.key for node in part.nodes if node.role == "measurement"} == set(store.values)
    assert len(part.runs) == 3 + counts(store)["wide"] + 2


def test_a_round_adds_one_replicate_to_each_point_that_needs_it() -> None:
    store = Computed()
    run(store)
    assert len(store.rounds) == 1 + counts(store)["wide"] - 3


@pytest.mark.parametrize("rounds", [0, 1, 2])
def test_what_was_stopped_goes_on_to_the_same_replicates(rounds: int) -> None:
    whole, cut = Computed(), Computed()
    run(whole)
    run(cut, rounds=rounds)
    run(cut)
    assert cut.values == whole.values


def test_that_more_is_stored_changes_no_count() -> None:
    store, full = Computed(), Computed()
    run(store)
    full.execute(planned())
    assert counts(full) == counts(store)


def test_a_point_that_never_gets_narrow_has_the_most() -> None:
    store = Computed(lambda epochs, seed: seed / 10)
    run(store)
    assert set(counts(store).values()) == {9}
    assert not any(one.is_enough for one in found(store))
    assert all(one.is_known for one in found(store))


def test_a_replicate_that_failed_counts_and_says_nothing() -> None:
    store = Computed(lambda epochs, seed: None if seed == 1 else alike(epochs, seed))
    run(store)
    failing = {key for key in _measured(planned()) if key not in store.values}
    values = {key: {"value": value} for key, value in store.values.items()}
    got = {one.arm: one for one in counted(planned(), values, failing)}
    assert got["dense"].wanted >= 4
    assert got["dense"].is_enough


def _measured(plan: Plan) -> set[str]:
    return {node.key for node in plan.nodes if node.role == "measurement"}


def test_where_nothing_is_random_the_least_is_enough() -> None:
    text = TEXT.replace("ci95(accuracy) < 1%", "ci95(size) < 1")
    text = text.replace("method: dense | wide", "method: dense")
    store = Computed(lambda epochs, seed: 1.0)
    run(store, text)
    assert counts(store, text) == {"dense": 3}


def test_a_claim_is_tested_on_the_replicates_that_all_its_arms_have() -> None:
    store = Computed()
    run(store)
    plan = planned()
    (claim,) = narrowed(plan, found(store)).claims
    assert [len(case.seeds) for case in claim.cases] == [3]
    assert [len(case.condition.left) for case in claim.cases] == [3]  # type: ignore[union-attr] - one comparison


def test_a_plan_in_which_nothing_waits_is_as_it_was() -> None:
    text = TEXT.replace("3 .. 9 as seed until ci95(accuracy) < 1%", "3 as seed")
    assert narrowed(planned(text), ()) is planned(text) or planned(text).adaptive == ()


def test_a_plan_knows_how_many_replicates_were_needed(tmp_path: Path) -> None:
    store = Computed(root=tmp_path)
    run(store)
    noted = known_counts(planned(), tmp_path)
    assert sorted(noted.values()) == sorted(counts(store).values())
    part = with_replicates(planned(), noted)
    assert {node.key for node in part.nodes if node.role == "measurement"} <= store.keys()
    other = planned(TEXT.replace("< 1%", "< 2%"))
    assert known_counts(other, tmp_path) == {}


def test_a_note_that_a_crash_cut_short_is_none(tmp_path: Path) -> None:
    store = Computed(root=tmp_path)
    run(store)
    path = tmp_path / "replicates.jsonl"
    path.write_bytes(path.read_bytes()[:-5])
    assert len(known_counts(planned(), tmp_path)) == 1


@pytest.mark.parametrize("order", [1, -1])
def test_a_point_gets_as_many_replicates_as_another_grid_asks_for(order: int) -> None:
    grids = ["grid g { method: dense | wide }", "grid more { method: dense; repeat 5 as seed }"]
    text = TEXT.replace(grids[0], "\n".join(grids[::order]))
    store = Computed()
    run(store, text)
    assert to_json(from_json(to_json(planned(text)))) == to_json(planned(text))
    assert {one.arm: one.total for one in found(store, text)}["dense"] == 5
    part = narrowed(planned(text), found(store, text))
    assert sorted(run.seed for run in part.runs if run.arm == "dense") == [0, 1, 2, 3, 4]
