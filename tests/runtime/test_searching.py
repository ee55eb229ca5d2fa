"""A search goes on from its journal as if it had not been stopped."""

import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from lab.compiler.plan import Plan, SearchPlan
from lab.compiler.planner import Planner
from lab.runtime.errors import CorruptFile, LabError
from lab.runtime.growing import growing, known_plan
from lab.runtime.journal import Journal, journal_of
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
method field = dense then inwf(width: 16, layers: 1, w0: 30, for: 10 steps)
method eight = dense then quantize(bits: 8)
search tune {
  method: field
  field.width: 8 .. 64
  field.w0: 1.0 .. 60.0
  maximize accuracy subject to r2 < 45
  trials 14
}
grid g { method: dense | tune.best }
report { table(accuracy, by: method) }
"""


@cache
def catalog() -> Catalog:
    return builtin_catalog()


@cache
def planner(text: str = TEXT) -> Planner:
    checked = check(Source("test.lab", text), catalog())
    assert not checked.failed, checked.diagnostics
    assert checked.study is not None
    return Planner(checked.study, catalog(), lambda name: f"content of {name}")


@record
class Outcome:
    failed: Mapping[str, Mapping[str, Any]]


class Computed:
    """A store whose measurements are computed from the settings of the stage measured."""

    def __init__(self, root: Path, value: Callable[[str, Mapping[str, Any]], float | None]) -> None:
        self.root = root
        self.values: dict[str, float] = {}
        self.executed: list[str] = []
        self._value = value

    def keys(self) -> frozenset[str]:
        return frozenset(self.values)

    def record(self, key: str) -> dict[str, Any]:
        return {"values": {"value": self.values[key]}}

    def execute(self, plan: Plan) -> Outcome:
        stages = {node.key: node for node in plan.nodes}
        failed: dict[str, Mapping[str, Any]] = {}
        for node in plan.nodes:
            if node.role != "measurement" or node.key in self.values:
                continue
            arguments = stages[node.inputs["of"]].arguments
            through: Any = arguments.get("through") or {"args": {}}
            found = self._value(node.component, through["args"])
            if found is None:
                failed[node.key] = {"cause": "diverged", "message": "no number any more"}
            else:
                self.values[node.key] = found
                self.executed.append(node.key)
        return Outcome(failed)


def hill(component: str, args: Mapping[str, Any]) -> float:
    """Best at width 40 and w0 20; what is called `r2` here is the width."""
    if component == "r2":
        return args["width"]
    if "width" not in args:
        return 0.0
    return -((args["width"] / 10 - 4) ** 2) - ((args["w0"] - 20) / 10) ** 2


def run(
    root: Path,
    text: str = TEXT,
    *,
    value: Callable[[str, Mapping[str, Any]], float | None] = hill,
    rounds: int = 1000,
    store: Computed | None = None,
) -> Computed:
    """Run a study for so many rounds."""
    made = store or Computed(root, value)
    generator = growing(planner(text), made, workers=2)  # type: ignore[arg-type] - as much of a store as is asked
    try:
        one = next(generator)
        for _ in range(rounds):
            one = generator.send(made.execute(one.plan))  # type: ignore[arg-type] - as above
    except StopIteration:
        pass
    generator.close()
    return made


def journal(root: Path, text: str = TEXT) -> tuple[SearchPlan, Journal]:
    plan = planner(text).plan()
    assert isinstance(plan, Plan)
    return plan.searches[0], journal_of(plan.searches[0], root)


def test_a_search_finds_what_is_sought_and_its_winner_is_run(tmp_path: Path) -> None:
    store = run(tmp_path)
    search, found = journal(tmp_path)
    assert len(found.trials(search)) == 14
    best = found.best(search)
    assert best is not None
    assert best.told is not None
    goals = [one.told.goal for one in found.trials(search) if one.told and one.told.is_feasible]
    assert best.told.goal == max(goal for goal in goals if goal is not None)
    known = known_plan(planner(), tmp_path)
    assert known.plan.searches[0].best == best.settings
    assert {node.key for node in known.plan.nodes if node.role == "measurement"} <= store.keys()


def test_the_optimizer_beats_the_first_ten_random_trials(tmp_path: Path) -> None:
    run(tmp_path, TEXT.replace("trials 14", "trials 40"))
    search, found = journal(tmp_path, TEXT.replace("trials 14", "trials 40"))
    trials = found.trials(search)
    early, late = (
        [t.told.goal or 0.0 for t in part if t.told] for part in (trials[:10], trials[20:])
    )
    assert sum(late) / len(late) > sum(early) / len(early)
    assert max(late) > max(early)


@pytest.mark.parametrize("rounds", [0, 1, 3])
def test_a_search_that_was_stopped_goes_on_as_if_it_had_not_been(
    tmp_path: Path, rounds: int
) -> None:
    run(tmp_path / "whole")
    store = run(tmp_path / "cut", rounds=rounds)
    run(tmp_path / "cut", store=store)
    whole, cut = (journal(tmp_path / name)[1].path.read_bytes() for name in ("whole", "cut"))
    assert whole == cut


def test_a_line_that_a_crash_cut_short_is_no_line(tmp_path: Path) -> None:
    run(tmp_path / "whole")
    whole = journal(tmp_path / "whole")[1].path.read_bytes()
    _, cut = journal(tmp_path / "cut")
    cut.path.parent.mkdir(parents=True)
    for length in (len(whole) // 2, len(whole) // 3, 30, 5):
        cut.path.write_bytes(whole[:length])
        run(tmp_path / "cut")
        assert sorted(cut.path.read_bytes().splitlines()) == sorted(whole.splitlines())


def test_a_journal_that_was_changed_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    run(tmp_path)
    path = journal(tmp_path)[1].path
    path.write_bytes(path.read_bytes().replace(b'"number": 3', b'"number": 4'))
    with pytest.raises(CorruptFile, match="remove it to have the search begin again"):
        journal(tmp_path)


def test_without_its_journal_a_search_finds_its_trials_again_at_no_cost(tmp_path: Path) -> None:
    store = run(tmp_path)
    path = journal(tmp_path)[1].path
    before = path.read_bytes()
    path.unlink()
    store.executed.clear()
    run(tmp_path, store=store)
    assert path.read_bytes() == before
    assert store.executed == []


def test_proposals_that_were_made_stand_whatever_the_optimizer_would_say_now(
    tmp_path: Path,
) -> None:
    store = run(tmp_path, rounds=2)
    _, found = journal(tmp_path)
    lines = [json.loads(line) for line in found.path.read_text().splitlines()]
    from lab.runtime import journal as journals

    for line in lines:
        line.pop("checksum")
        for one in line.get("asked", ()):
            one[2] = 33 if one[0] == "field.width" else one[2]
    found.path.write_bytes(b"".join(journals._encoded(line) for line in lines))
    run(tmp_path, store=store)
    search, after = journal(tmp_path)
    assert {one.values["field.width"] for one in after.trials(search)[:4]} == {33}
    assert after.is_over(search)


def test_more_trials_go_on_from_those_there_are(tmp_path: Path) -> None:
    more = TEXT.replace("trials 14", "trials 21")
    store = run(tmp_path / "grown", TEXT.replace("trials 14", "trials 7"))
    run(tmp_path / "grown", more, store=store)
    run(tmp_path / "fresh", more)
    grown, fresh = (journal(tmp_path / name, more)[1].entries for name in ("grown", "fresh"))
    assert grown == fresh


def test_the_seed_of_the_study_is_that_of_its_search(tmp_path: Path) -> None:
    other = TEXT.replace("trials 14", "trials 14; repeat [7] as seed")
    run(tmp_path)
    run(tmp_path, other)
    first, second = (journal(tmp_path, text)[1].entries for text in (TEXT, other))
    assert first[0].values != second[0].values


def test_a_trial_that_fails_is_told_as_failed_and_the_search_goes_on(tmp_path: Path) -> None:
    def steep(component: str, args: Mapping[str, Any]) -> float | None:
        return None if args and args["w0"] > 30 else hill(component, args)

    run(tmp_path, value=steep)
    search, found = journal(tmp_path)
    failures = [one.told.failure for one in found.trials(search) if one.told and one.told.failure]
    assert failures
    assert all(why == "diverged: no number any more" for why in failures)
    best = found.best(search)
    assert best is not None
    assert best.values["field.w0"] <= 30


def test_a_failed_trial_is_not_tried_again(tmp_path: Path) -> None:
    store = run(tmp_path, value=lambda component, args: None if args else 0.0)
    search, found = journal(tmp_path)
    assert found.is_over(search)
    assert found.best(search) is None
    asked: list[str] = []
    store._value = lambda component, args: asked.append(component) or 0.0
    run(tmp_path, store=store)
    assert asked == []


def test_a_search_none_of_whose_trials_keeps_to_the_constraint_has_no_winner(
    tmp_path: Path,
) -> None:
    text = TEXT.replace("r2 < 45", "r2 < 8")
    run(tmp_path, text)
    search, found = journal(tmp_path, text)
    assert found.is_over(search)
    assert found.best(search) is None
    known = known_plan(planner(text), tmp_path)
    assert known.plan.searches[0].best is None


def test_the_best_trial_keeps_to_the_constraint(tmp_path: Path) -> None:
    text = TEXT.replace("r2 < 45", "r2 < 30 and (r2 > 20 or not accuracy < 0)")
    run(tmp_path, text)
    search, found = journal(tmp_path, text)
    best = found.best(search)
    assert best is not None
    assert 20 < 8 + best.values["field.width"] < 30


def test_of_equal_trials_the_first_one_wins(tmp_path: Path) -> None:
    run(tmp_path, value=lambda component, args: 1.0)
    search, found = journal(tmp_path)
    best = found.best(search)
    assert best is not None
    assert best.number == 0


def test_what_a_filter_leaves_out_is_no_trial(tmp_path: Path) -> None:
    text = TEXT.replace("trials 14", "trials 14; skip field.width > 20")
    run(tmp_path, text)
    search, found = journal(tmp_path, text)
    assert len(found.entries) > len(found.trials(search)) == 14
    assert all(8 + one.values["field.width"] <= 20 for one in found.trials(search))


def test_filters_that_leave_nothing_are_told(tmp_path: Path) -> None:
    text = TEXT.replace("trials 14", "trials 14; skip field.width > 0")
    with pytest.raises(LabError, match="in a row"):
        run(tmp_path, text)


def test_a_point_that_is_proposed_again_costs_nothing(tmp_path: Path) -> None:
    text = TEXT.replace("field.w0: 1.0 .. 60.0", "field.w0: 20").replace("8 .. 64", "38 .. 40")
    store = run(tmp_path, text)
    search, found = journal(tmp_path, text)
    assert len(found.trials(search)) == 14
    assert len(store.executed) == len(set(store.executed)) <= 3 * 2 + 2


def test_a_trial_that_cannot_be_is_told_as_failed(tmp_path: Path) -> None:
    text = TEXT.replace(
        "eight = dense then quantize(bits: 8)", "eight(n: 6) = dense then quantize(bits: 10 - n)"
    )
    text = text.replace("method: field\n", "method: eight\n  eight.n: 2 .. 12\n", 1)
    text = text.replace("  field.width: 8 .. 64\n  field.w0: 1.0 .. 60.0\n", "").replace(
        "r2 < 45", "r2 > -9"
    )

    def bits(component: str, args: Mapping[str, Any]) -> float:
        return float(args.get("bits", 0))

    run(tmp_path, text, value=bits)
    search, found = journal(tmp_path, text)
    told = [one.told for one in found.trials(search) if one.told]
    assert len(told) == 14
    assert any(one.failure and "out of its range" in one.failure for one in told)
    best = found.best(search)
    assert best is not None
    assert best.settings["eight.n"] == "2"


def test_a_search_may_take_the_winner_of_one_before_it(tmp_path: Path) -> None:
    second = """
search again {
  method: eight | tune.best
  maximize accuracy
  trials 4
}
grid h { method: again.best }
"""
    text = TEXT + second
    store = run(tmp_path, text)
    known = known_plan(planner(text), tmp_path)
    assert set(known.decided) == {"tune", "again"}
    assert {node.key for node in known.plan.nodes if node.role == "measurement"} <= store.keys()


@pytest.mark.parametrize(("only", "searches"), [("dense", [None]), ("tune.best", ["tune"])])
def test_a_search_is_run_where_something_chosen_waits_for_it(
    tmp_path: Path, only: str, searches: list[str | None]
) -> None:
    condition = "method == dense" if only == "dense" else "not method == dense"
    checked = check(Source("test.lab", TEXT), catalog(), only=condition)
    assert checked.study is not None
    contents = planner().contents
    chosen = Planner(checked.study, catalog(), contents, checked.origins.only)
    rounds = growing(chosen, Computed(tmp_path, hill), workers=2)  # type: ignore[arg-type] - as much of a store as is asked
    assert [next(rounds).search] == searches
    rounds.close()
