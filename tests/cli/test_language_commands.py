"""`lab check`, `plan`, `fmt`, `explain`, `docs`: fast, and never a traceback for a bad study."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commands import TINY, lab, study

TEXT = TINY.read_text(encoding="utf-8")

#: What is broken -> (the slip, its mend, the code, the line, what the message must say).
BROKEN = {
    "a typo in a parameter": ("widht: 8", "width: 8", "E0312", 7, "did you mean `width`"),
    "a typo in a method": ("dnese then quantize", "dense then quantize", "E0201", 8, "`dense`"),
    "an unknown stage": ("then quantise(", "then quantize(", "E0201", 8, "`quantize`"),
    "a wrong unit": ("for: 50 MB", "for: 50 steps", "E0403", 7, "bytes"),
    "an unknown unit": ("for: 50 stepz", "for: 50 steps", "E0402", 7, "`steps`"),
    "a negative width": ("width: -8", "width: 8", "E0404", 7, "width"),
    "a missing brace": ("field.width: 8 | 12\n", "field.width: 8 | 12 }\n", "E01", 15, "{"),
    "a wrong type": ("bits: [8]", "bits: 8", "E0401", 8, "bits"),
    "an unknown path": ("field.depth: 8", "field.width: 8", "E05", 15, "depth"),
    "an unknown metric": (
        "ratio(eight) > 1 and dorp",
        "ratio(eight) > 1 and drop",
        "E0201",
        17,
        "`drop`",
    ),
    "a missing argument": ("then apply()", "then quantize(bits: 8)", "E0301", 8, "`through`"),
    "a string that never ends": (
        '"A study that runs in a',
        '"A study that runs in seconds"',
        "E0104",
        1,
        "closed",
    ),
}


def broken(slip: str, mend: str) -> str:
    if slip not in TEXT and mend in TEXT:
        return TEXT.replace(mend, slip, 1)
    raise AssertionError(f"the study has no {mend!r} to spoil")


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_study_is_a_located_error_and_exit_code_1(name: str, tmp_path: Path) -> None:
    slip, mend, code, line, said = BROKEN[name]
    file = study(tmp_path, broken(slip, mend))
    done = lab("plan", str(file))
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert f"error[{code}" in done.stderr
    assert f"{file}:{line}:" in done.stderr
    assert said in done.stderr


def test_planning_imports_nothing_heavy() -> None:
    program = (
        "import sys; from lab.cli.main import main; code = main(['plan', sys.argv[1]]);"
        "heavy = {'jax', 'numpy', 'torch', 'aim', 'flax', 'scipy', 'matplotlib', 'rich'};"
        "print('HEAVY', sorted(heavy & set(sys.modules))); sys.exit(code)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(TINY)], capture_output=True, text=True, check=True
    )
    assert "HEAVY []" in done.stdout


def test_a_plan_shows_axes_stages_and_totals() -> None:
    done = lab("plan", str(TINY), "--results", "nowhere")
    assert done.returncode == 0
    assert "arms  field.width  2       8 | 12" in done.stdout
    assert "12 runs of 4 points, 1 claim" in done.stdout
    assert not Path("nowhere").exists()


def test_a_plan_as_json_names_every_stage_and_its_state() -> None:
    data = json.loads(lab("plan", str(TINY), "--json", "--results", "nowhere").stdout)
    assert set(data["states"].values()) == {"new"}
    assert set(data["states"]) == {node["key"] for node in data["plan"]["nodes"]}
    assert data["totals"]["new"] == len(data["states"])


def test_several_files_as_json_are_one_document(tmp_path: Path) -> None:
    file = study(tmp_path, broken("widht: 8", "width: 8"))
    done = lab("check", str(TINY), str(file), "--json")
    assert done.returncode == 1
    found = json.loads(done.stdout)["files"]
    assert [one["file"] for one in found] == [str(TINY), str(file)]
    assert [one["code"] for one in found[1]["diagnostics"]] == ["E0312"]
    assert found[0]["diagnostics"] == []


def test_check_as_json_has_places(tmp_path: Path) -> None:
    file = study(tmp_path, broken("widht: 8", "width: 8"))
    done = lab("check", str(file), "--json")
    found = json.loads(done.stdout)["diagnostics"]
    assert done.returncode == 1
    assert found[0]["code"] == "E0312"


def test_a_file_that_is_not_there_is_one_sentence() -> None:
    done = lab("plan", "nowhere.lab")
    assert done.returncode == 1
    assert "nowhere.lab" in done.stderr
    assert "Traceback" not in done.stderr


def test_fmt_writes_canonical_text_once(tmp_path: Path) -> None:
    file = study(tmp_path, TEXT.replace("width: 16, layers: 1", "width:16,layers:1"))
    assert lab("fmt", "--check", str(file)).returncode == 1
    assert lab("fmt", str(file)).returncode == 0
    assert lab("fmt", "--check", str(file)).returncode == 0
    assert "mlp(width: 16, layers: 1)" in file.read_text()


def test_docs_are_made_from_the_component() -> None:
    done = lab("docs", "inwf")
    assert done.returncode == 0
    assert "w0" in done.stdout
    assert lab("docs", "inwff").returncode == 2


def test_explain_has_a_page() -> None:
    assert "E0312" in lab("explain", "E0312").stdout
    assert lab("explain", "E9999").returncode == 2


def formatted(text: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "lab", "fmt", "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False)


def test_fmt_reads_standard_input_and_writes_standard_output() -> None:
    done = formatted(TEXT.replace("width: 16, layers: 1", "width:16,layers:1"))
    assert done.returncode == 0
    assert "mlp(width: 16, layers: 1)" in done.stdout


def test_fmt_of_broken_input_says_what_and_writes_nothing() -> None:
    refused = formatted("grid {")
    assert refused.returncode == 1
    assert "error[E01" in refused.stderr
    assert refused.stdout == ""
