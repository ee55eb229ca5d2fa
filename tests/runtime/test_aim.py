import json
import shutil
import socket
import subprocess
import sys
import urllib.request
from dataclasses import replace
from pathlib import Path

import made_study
import pytest

from lab.runtime.errors import LabError, MissingFile
from lab.runtime.tracker import MOST_POINTS, nested, tracked_runs
from lab.runtime.trackers import aim, offline, ui

READ = """
import json, sys
from aim import Repo
found = []
repo = Repo.from_path(sys.argv[1])
for name in repo.list_all_runs():
    run = repo.get_run(name)
    curves = {}
    for metric in run.metrics():
        steps, (values, _, _) = metric.data.items_list()
        context = list(metric.context.to_dict().values())[0]
        curves[metric.name + " " + context] = [list(steps), list(values)]
    found.append({"hash": name, "experiment": run.experiment, "name": run.name,
                  "settings": run["settings"], "results": run["results"], "curves": curves})
print(json.dumps(found))
"""


def read(repo: Path) -> list[dict]:
    """What the SDK sees, in a process of its own: importing Aim warns."""
    command = [sys.executable, "-W", "ignore", "-c", READ, str(repo)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def study():
    made = made_study.ablation()
    plan = made.plan()
    runs = tuple(r for r in plan.runs if r.seed == 0 and r.settings.get("field.layers") != "1")
    return replace(plan, runs=runs[:6]), made.values, made.records


@pytest.fixture(scope="module")
def repo(study, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tracked")
    aim.project(*study, folder)
    return folder


def test_every_run_is_there_with_settings_metrics_and_curves(study, repo):
    plan, _, records = study
    shown = {run["name"]: run for run in read(repo)}
    assert set(shown) == {run.name for run in tracked_runs(*study)}
    field = shown["field field.width=16 seed=0"]
    assert field["experiment"] == "made"
    assert field["settings"]["field"] == {"width": 16, "layers": 2}
    assert field["curves"]["ratio at the end"][1] == [field["results"]["ratio"]]
    steps, values = field["curves"]["loss fit"]
    run = next(r for r in plan.runs if r.departs == ("field.width",))
    assert values == pytest.approx(records[run.stages[-1]]["history"]["loss"])
    assert (steps[0], steps[-1]) == (50, 2000)


def test_projecting_again_adds_nothing_and_does_not_start_aim(study, repo, monkeypatch):
    before = aim.shown_in(repo / ".aim")
    monkeypatch.setattr(aim, "_run_process", lambda *_, **__: pytest.fail("Aim was started"))
    aim.project(*study, repo)
    assert aim.shown_in(repo / ".aim") == before


def test_a_run_that_changed_or_was_cut_short_is_replaced(study, repo):
    plan, values, records = study
    changed = replace(plan, profile="paper", runs=plan.runs[:1])
    before = aim.shown_in(repo / ".aim")
    with (repo / ".aim" / "lab-journal.jsonl").open("a") as journal:
        (identity,) = (run.identity for run in tracked_runs(changed, values, records))
        name = before[identity][0]
        cut_short = {"is": "begun", "identity": identity, "hash": name, "digest": "x"}
        journal.write(json.dumps(cut_short) + '\n{"is": "do')
    aim.project(changed, values, records, repo)
    after = aim.shown_in(repo / ".aim")
    assert after.keys() == before.keys()
    assert after[identity] != before[identity]
    assert {run["hash"] for run in read(repo)} == {aim_hash for aim_hash, _ in after.values()}


def test_a_repository_that_was_lost_is_filled_again(study, tmp_path):
    aim.project(*study, tmp_path)
    before = {run["name"]: run["results"] for run in read(tmp_path)}
    shutil.rmtree(tmp_path / ".aim")
    aim.project(*study, tmp_path)
    assert {run["name"]: run["results"] for run in read(tmp_path)} == before


def test_rebuilding_forgets_what_was_there(study, repo, tmp_path):
    plan, values, records = study
    shutil.copytree(repo / ".aim", tmp_path / ".aim")
    aim.rebuild(replace(plan, runs=plan.runs[1:2]), values, records, tmp_path)
    (shown,) = read(tmp_path)
    assert shown["name"] == "eight seed=0"


def test_trouble_is_a_warning(study, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.warns(aim.AimWarning, match="6 runs are not shown in Aim"):
        aim.project(*study, tmp_path / "file")


def test_a_run_without_results_is_not_shown(study):
    plan, values, _ = study
    assert tracked_runs(plan, values, {}) == []


def test_long_curves_are_thinned_and_keep_their_ends(study):
    plan, values, records = study
    run = next(r for r in plan.runs if r.arm == "field")
    long = [float(i) for i in range(5000)]
    records = {**records, run.stages[-1]: {**records[run.stages[-1]], "history": {"loss": long}}}
    (tracked,) = tracked_runs(replace(plan, runs=(run,)), values, records)
    (curve,) = tracked.curves
    assert len(curve.values) == MOST_POINTS
    assert (curve.values[0], curve.values[-1], curve.steps[-1]) == (0.0, 4999.0, 2000)


def test_values_that_are_no_numbers_are_left_out(study):
    plan, values, records = study
    run = next(r for r in plan.runs if r.arm == "field")
    history = {"loss": [1.0, float("nan"), 0.5], "none": [float("inf")]}
    records = {**records, run.stages[-1]: {**records[run.stages[-1]], "history": history}}
    (tracked,) = tracked_runs(replace(plan, runs=(run,)), values, records)
    assert [(c.name, c.values) for c in tracked.curves] == [("loss", (1.0, 0.5))]


def test_settings_become_a_tree():
    assert nested({"a": "1", "a.b": "x", "c.d": "0.5", "e": "1e-3", "f": "80%"}) == {
        "a": {"value": 1, "b": "x"},
        "c": {"d": 0.5},
        "e": 0.001,
        "f": "80%",
    }


def test_addresses_carry_the_query_as_aim_reads_it():
    state = ui.encoded({"query": 'run.experiment == "made"'})
    # btoa(encodeURI(JSON.stringify(…))) without padding, as the pages' own code makes it
    assert (
        state
        == "O-JTdCJTIycXVlcnklMjI6JTIycnVuLmV4cGVyaW1lbnQlMjA9PSUyMCU1QyUyMm1hZGUlNUMlMjIlMjIlN0Q"
    )


def test_a_user_interface_without_runs_says_how_to_make_some(tmp_path):
    with pytest.raises(MissingFile, match="lab run"):
        ui.serve(tmp_path, "made", 43999)


def test_a_taken_port_is_named(tmp_path, monkeypatch):
    (tmp_path / ".aim").mkdir()
    monkeypatch.setattr(ui, "_answers", lambda port: True)
    with pytest.raises(LabError, match="port 43999"):
        ui.serve(tmp_path, "made", 43999)


SERVE = "import sys; from pathlib import Path; from lab.runtime.trackers import ui; "
SERVE += "sys.exit(ui.serve(Path(sys.argv[1]), 'made', int(sys.argv[2])))"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.verify
def test_the_user_interface_stays_on_this_machine_and_leaves_nothing_behind(repo):
    port = free_port()
    command = [sys.executable, "-c", SERVE, str(repo), str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        lines = [server.stdout.readline() for _ in range(3)]
        address = lines[0].split()[1]
        with urllib.request.urlopen(address, timeout=30) as page:
            assert page.headers["content-security-policy"] == offline.POLICY
        server.terminate()
        assert server.wait(timeout=30) == 0
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_run_on_results_of_older_code_says_what_was_accepted(study):
    plan, values, records = study
    run = next(r for r in plan.runs if r.arm == "field")
    older = {run.stages[0]: "`stage train` 1234: the same", "elsewhere": "of nothing"}
    tracked = tracked_runs(plan, values, records, older)
    said = {one.params["key"]: one.params.get("older code") for one in tracked}
    assert said[run.stages[-1]] == "`stage train` 1234: the same"
    assert all(run.stages[0] in r.stages for r in plan.runs if said.get(r.stages[-1]))
    plain = tracked_runs(plan, values, records)
    assert not any("older code" in one.params for one in plain)
