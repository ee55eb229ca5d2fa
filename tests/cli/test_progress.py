"""What a person sees of a run while it is at work."""

import io
import sys
from pathlib import Path

import pytest
from commands import TINY

from lab.cli.load import load
from lab.cli.progress import Display
from lab.cli.whereabouts import Whereabouts
from lab.compiler.plan import Node, Plan
from lab.runtime.execution import Event


@pytest.fixture(scope="module")
def plan() -> Plan:
    found = load(Path(TINY)).plan
    assert found is not None
    return found


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def trained(plan: Plan) -> list[Node]:
    return [node for node in plan.nodes if node.component == "train"]


def happened(display: Display, plan: Plan) -> None:
    """One training ends, one fails, and what needs it is not run."""
    first, second, *_ = trained(plan)
    for node in (first, second):
        display.listen(Event("started", node))
        for step in (5, 10):
            detail = {"step": step, "total": 10, "values": {"loss": 0.5, "epoch": 1.0}}
            display.listen(Event("progress", node, detail))
    display.listen(Event("done", first))
    display.listen(Event("failed", second, {"message": "the loss is nan"}))
    lost = next(node for node in plan.nodes if second.key in node.inputs.values())
    display.listen(Event("skipped", lost, {"cause": "input failed"}))


def test_a_failure_names_its_point_and_the_end_counts_what_was_not_run(
    plan: Plan, capsys: pytest.CaptureFixture[str]
) -> None:
    with Display(plan, plan.nodes) as display:
        happened(display, plan)
    said = capsys.readouterr().err.splitlines()
    assert said[0] == f"tiny: {len(plan.nodes)} stages and measurements to run"
    assert said[1] == "failed: dense: train (seed 1): the loss is nan"
    assert f"tiny: 1 of {len(plan.nodes)} done, 1 failed, 1 not run in" in said[2]
    assert len(said) == 3


def test_a_terminal_shows_all_of_it_each_kind_and_what_is_at_work(
    plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = Terminal()
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", shown)
    with Display(plan, ()) as display:
        display.more(plan.nodes)
        happened(display, plan)
        display.listen(Event("started", trained(plan)[2]))
    text = shown.getvalue()
    assert f"3/{len(plan.nodes)}" in text
    assert "2/3" in text
    assert "dense: train (seed 2)" in text
    assert "1 failed, 1 not run" in text


def test_a_stage_that_runs_share_has_what_they_have_in_common(plan: Plan) -> None:
    of = Whereabouts(plan).of
    by_label = {node.label: node for node in plan.nodes if node.seed == 0}
    assert of(by_label["dense: train"].key) == " (seed 0)"
    fields = [node for node in plan.nodes if node.component == "fit"]
    assert "field.width 8" in of(fields[0].key)
    assert of("unknown") == ""
