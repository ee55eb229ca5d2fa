"""`lab run` end to end on a study of seconds: what runs, what does not, and what survives."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from commands import TINY, killed_when, lab, started, study

from lab.runtime.layout import keys_in
from lab.runtime.trackers import aim

TEXT = TINY.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the tiny study has been run; copy it to change it."""
    folder = tmp_path_factory.mktemp("done")
    result = lab("run", str(study(folder, TEXT)), "--jobs", "2")
    assert result.returncode == 0, result.stderr
    assert "PASS" in result.stdout
    assert "±" in result.stdout
    return folder


@pytest.fixture
def folder(done: Path, tmp_path: Path) -> Path:
    """A copy of a finished study."""
    shutil.copytree(done, tmp_path / "copy")
    return tmp_path / "copy"


def values(folder: Path) -> dict[str, object]:
    """What every stage of a store measured, and the bytes of what it shipped."""
    store = folder / "results" / "store"
    found: dict[str, object] = {}
    for key in keys_in(store):
        record = json.loads((store / key / "record.json").read_text())
        found[key] = (record["values"], record["files"], record["notes"])
    return found


def new_stages(file: Path) -> int:
    plan = json.loads(lab("plan", str(file), "--json").stdout)
    return plan["totals"].get("new", 0)


def test_a_run_leaves_a_report_with_plots_numbers_and_records(done: Path) -> None:
    made = done / "results" / "tiny"
    report = (made / "report.md").read_text()
    results = json.loads((made / "results.json").read_text())
    records = sorted((made / "runs").glob("*.json"))
    assert "PASS" in report
    assert all((made / name).is_file() for name in _plots(report))
    assert len(records) == 12
    assert results
    record = json.loads(records[0].read_text())
    assert "environment" in json.dumps(record)


def _plots(report: str) -> list[str]:
    names = [part.split(")")[0] for part in report.split("](")[1:]]
    plots = [name for name in names if name.endswith(".png")]
    assert plots
    return plots


def test_a_second_run_executes_nothing(folder: Path) -> None:
    before = values(folder)
    result = lab("run", str(folder / "studies" / "tiny.lab"))
    assert result.returncode == 0
    assert "nothing to run" in result.stderr
    assert values(folder) == before


def test_a_second_run_imports_nothing_that_only_computing_needs(folder: Path) -> None:
    program = (
        "import sys; from lab.cli.main import main; code = main(['run', sys.argv[1], '--no-aim']);"
        "heavy = {'jax', 'jaxtyping', 'flax', 'torch', 'aim', 'optax'};"
        "print('HEAVY', sorted(heavy & set(sys.modules))); sys.exit(code)"
    )
    file = str(folder / "studies" / "tiny.lab")
    done = subprocess.run(
        [sys.executable, "-c", program, file], capture_output=True, text=True, check=True
    )
    assert "HEAVY []" in done.stdout


def test_runs_that_were_kept_from_aim_are_shown_by_the_next_report(folder: Path) -> None:
    assert not (folder / "results" / ".aim").exists(), "it was run with --no-aim"
    report = started("report", str(folder / "studies" / "tiny.lab"))
    report.communicate()
    assert report.returncode == 0
    assert len(aim.shown_in(folder / "results" / ".aim")) == 12


def test_one_more_value_runs_only_the_new_cells(folder: Path) -> None:
    file = study(folder, TEXT.replace("8 | 12", "8 | 12 | 16"))
    assert new_stages(file) == 3 * 3


@pytest.mark.parametrize(
    "edit",
    [
        TEXT.replace("field", "siren"),
        TEXT.replace(", ", ",   ").replace("\n\n", "\n\n\n# a word\n"),
        TEXT.replace("1e-2", "0.01"),
    ],
    ids=["a method renamed", "reformatted", "a number spelled otherwise"],
)
def test_a_cosmetic_edit_runs_nothing(folder: Path, edit: str) -> None:
    assert new_stages(study(folder, edit)) == 0


def test_a_killed_run_goes_on_to_the_same_results(done: Path, tmp_path: Path) -> None:
    file = study(tmp_path, TEXT)
    store = tmp_path / "results" / "store"
    killed_when(lambda: len(keys_in(store)) >= 5, "run", str(file))
    finished = keys_in(store)
    stamps = {key: (store / key / "record.json").stat().st_mtime_ns for key in finished}
    assert lab("run", str(file), "--jobs", "2").returncode == 0
    assert {key: (store / key / "record.json").stat().st_mtime_ns for key in finished} == stamps
    assert values(tmp_path) == values(done)
    assert not list(store.glob(".tmp-*"))


def test_a_damaged_stage_is_named_and_what_needs_it_is_not_run(folder: Path) -> None:
    store = folder / "results" / "store"
    plan = json.loads(lab("plan", str(folder / "studies" / "tiny.lab"), "--json").stdout)["plan"]
    trained = next(node["key"] for node in plan["nodes"] if node["component"] == "train")
    tensors = store / trained / "artifact.safetensors"
    data = bytearray(tensors.read_bytes())
    data[-1] ^= 1
    tensors.write_bytes(data)
    file = study(folder, TEXT.replace("8 | 12", "8 | 12 | 16"))
    result = lab("run", str(file))
    assert result.returncode == 3
    assert f"remove the folder {store / trained}" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_diverging_arm_is_a_result_and_the_others_go_on(tmp_path: Path) -> None:
    text = TEXT.replace(
        "grid arms { method: dense | field | eight; field.width: 8 | 12 }",
        "method wild = train(by: sgd(lr: 1e30), for: 1 epochs, batch: 256)\n"
        "repeat 1 as seed\n"
        "grid arms { method: dense | wild }",
    )
    text = "\n".join(
        line for line in text.splitlines() if not line.startswith(("claim", "repeat 3"))
    )
    result = lab("run", str(study(tmp_path, text)))
    assert result.returncode == 3
    assert "diverged" in result.stderr
    assert "dense" in result.stdout


def test_a_missing_weights_file_is_said_before_anything_runs(tmp_path: Path) -> None:
    text = TEXT.replace("layers: 1)", 'layers: 1, weights: "gone.safetensors")', 1)
    result = lab("run", str(study(tmp_path, text)))
    assert result.returncode == 2
    assert "gone.safetensors" in result.stderr
    assert not (tmp_path / "results" / "store").exists()


def test_export_writes_the_weights_and_their_record(folder: Path) -> None:
    out = folder / "dense.safetensors"
    file = str(folder / "studies" / "tiny.lab")
    assert lab("export", file, "--arm", "dense", "-o", str(out)).returncode == 0
    assert out.stat().st_size > 1000
    assert json.loads(out.with_suffix(".json").read_text())["stages"]
    refused = lab("export", file, "--arm", "dnese", "-o", str(out))
    assert refused.returncode == 2
    assert "dense" in refused.stderr


def test_export_writes_a_folder_that_loads_without_lab(folder: Path) -> None:
    file, out = str(folder / "studies" / "tiny.lab"), folder / "eight"
    made = lab("export", file, "--arm", "eight", "--to", "compact", "-o", str(out))
    assert made.returncode == 0, made.stderr
    assert "loaded without lab and JAX" in made.stdout
    card = (out / "README.md").read_text()
    assert "3 replicates on the test split of digits, 95% interval" in card
    record = json.loads((out / "export.json").read_text())
    again = lab("export", file, "--arm", "eight", "--to", "compact", "-o", str(out))
    assert (again.returncode, "--replace" in again.stderr) == (2, True)
    results = ("--results", str(folder / "results"))
    with_key = lab("export", record["key"][:8], "--to", "peft", *results)
    assert with_key.returncode == 2
    assert "goes to torch, compact, pt2, onnx" in with_key.stderr


def test_export_says_what_is_missing(folder: Path) -> None:
    file = str(folder / "studies" / "tiny.lab")
    for arguments, said in {
        ("--to", "onnx"): "--arm dense | eight | field",
        ("--arm", "dense"): "name the file to write with -o, or a format with --to",
        ("--arm", "dense", "--shrink"): "say a format with --to",
        ("--arm", "dense", "--to", "torch", "-o", "/proc/x"): "/proc",
    }.items():
        refused = lab("export", file, *arguments)
        assert refused.returncode == 2, refused.stderr
        assert said in refused.stderr
        assert "Traceback" not in refused.stderr


def test_a_component_of_ones_own_runs_from_its_one_file(tmp_path: Path) -> None:
    shutil.copytree(TINY.parent / "own", tmp_path / "studies")
    file = tmp_path / "studies" / "own.lab"
    result = lab("run", str(file))
    assert result.returncode == 0, result.stderr
    assert "half" in result.stdout
    arguments = ("--arm", "half", "--to", "torch", "-o")
    assert lab("export", str(file), *arguments, str(tmp_path / "net")).returncode == 0
    key = json.loads((tmp_path / "net" / "export.json").read_text())["key"]
    without = lab("export", key, "--to", "torch", "--results", str(tmp_path / "results"))
    assert without.returncode == 2
    assert "export from the study" in without.stderr
    refused = study(tmp_path, file.read_text().replace("coarse()", "coarse(scael: 2)"), "own.lab")
    assert "did you mean `scale`" in lab("check", str(refused)).stderr


def test_two_runs_on_one_store_share_the_work(done: Path, tmp_path: Path) -> None:
    file = study(tmp_path, TEXT)
    store = tmp_path / "results" / "store"
    first = started("run", str(file), "--jobs", "1", "--no-aim")
    second = started("run", str(file), "--jobs", "1", "--no-aim")
    texts = [process.communicate()[1] for process in (first, second)]
    assert [process.returncode for process in (first, second)] == [0, 0], texts
    lines = (store / ".index").read_text().splitlines()[1:]
    commits = [line.split("\t")[0] for line in lines if line]
    assert sorted(commits) == sorted(keys_in(store)), "a stage was made twice"
    assert values(tmp_path) == values(done)
    assert not list(store.glob(".tmp-*"))
    assert not list((store / "leases").glob("[!.]*"))


# What is stored, read


def test_results_are_the_tables_of_the_report(done: Path) -> None:
    shown = lab("results", str(done / "studies" / "tiny.lab"))
    assert shown.returncode == 0
    report = (done / "results" / "tiny" / "report.md").read_text()
    first = next(line for line in shown.stdout.splitlines() if line.strip().startswith("eight"))
    assert first.split()[0] in report
    assert "±" in shown.stdout


def test_results_as_json_are_those_of_the_report(done: Path) -> None:
    shown = json.loads(lab("results", str(done / "studies" / "tiny.lab"), "--json").stdout)
    assert shown == json.loads((done / "results" / "tiny" / "results.json").read_text())


def test_claims_end_with_their_counts_and_a_failed_one_has_an_exit_code(folder: Path) -> None:
    file = folder / "studies" / "tiny.lab"
    held = lab("claims", str(file))
    assert held.returncode == 0
    assert held.stdout.splitlines()[-1] == "tiny: 1 PASS"
    file.write_text(TEXT.replace("ratio(eight) > 1 and", "ratio(eight) > 100 and"))
    failed = lab("claims", str(file), "--json")
    assert failed.returncode == 4
    assert [one["verdict"] for one in json.loads(failed.stdout)["verdicts"]] == ["FAIL"]


def test_two_studies_are_compared_where_they_have_the_same_settings(folder: Path) -> None:
    file = folder / "studies" / "tiny.lab"
    other = folder / "studies" / "wider.lab"
    other.write_text(TEXT.replace("8 | 12", "12 | 16"))
    shown = lab("compare", str(file), str(other), "--json")
    assert shown.returncode == 0, shown.stderr
    found = json.loads(shown.stdout)
    assert all(one["same_runs"] for one in found["points"])
    ratios = [one["metrics"]["ratio"] for one in found["points"]]
    assert all(one["difference"] == 0 for one in ratios)
    assert [one["field.width"] for one in found["only_left"]] == ["8"]
    assert [one["field.width"] for one in found["only_right"]] == ["16"]


def test_what_is_read_is_not_written(tmp_path: Path) -> None:
    for command in ("results", "claims"):
        assert lab(command, str(TINY), "--results", str(tmp_path / "none")).returncode == 0
    assert not (tmp_path / "none").exists()
