"""What people type wrong gets a sentence and an exit code, never a traceback."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from commands import TINY, lab, study

from lab.runtime.layout import keys_in

TEXT = TINY.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        (("run", "--jobs", "0"), "0 is not 1 or more"),
        (("run", "--limit", "-1"), "-1 is not 1 or more"),
        (("ui", "--port", "99999"), "99999 is no port"),
        (("run", "--results", "FILE"), "cannot write to the store"),
        (("plan", "--results", "FILE"), "Not a directory"),
        (("plan", "--results", "NEWER"), "is a store of version `99`"),
        (("export", "--arm", "dense", "-o", "w.json"), "w.json"),
    ],
)
def test_a_bad_command_line_is_said_in_a_sentence(
    tmp_path: Path, arguments: tuple[str, ...], found: str
) -> None:
    file = study(tmp_path, TEXT)
    (tmp_path / "FILE").touch()
    (tmp_path / "NEWER" / "store").mkdir(parents=True)
    (tmp_path / "NEWER" / "store" / "VERSION").write_text("99")
    result = lab(arguments[0], str(file), *arguments[1:], cwd=tmp_path)
    assert result.returncode == 2
    assert found in result.stderr
    assert "Traceback" not in result.stderr


def test_files_may_stand_on_both_sides_of_an_option(tmp_path: Path) -> None:
    first, second = (str(study(tmp_path, TEXT, name)) for name in ("one.lab", "two.lab"))
    result = lab("check", first, "--json", second)
    assert result.returncode == 0, result.stderr
    assert [one["file"] for one in json.loads(result.stdout)["files"]] == [first, second]


def test_what_is_no_option_is_refused_with_those_that_there_are(tmp_path: Path) -> None:
    result = lab("check", str(study(tmp_path, TEXT)), "--jsno", "more.lab")
    assert result.returncode == 2
    assert "usage: lab check" in result.stderr
    assert "unrecognized arguments: --jsno more.lab" in result.stderr


def test_what_is_no_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.lab")
    with (tmp_path / "huge.lab").open("wb") as huge:
        huge.truncate(2**30)
    kinds = {
        "/dev/zero": "a device",
        "pipe.lab": "a pipe",
        ".": "a folder",
        "huge.lab": "1,073.7 MB",
    }
    result = lab("check", *kinds, cwd=tmp_path)
    assert result.returncode == 1
    for name, kind in kinds.items():
        assert f"`{name}` cannot be read: it " in result.stderr
        assert kind in result.stderr
    assert "Traceback" not in result.stderr


def test_a_study_that_plans_nothing_says_so(tmp_path: Path) -> None:
    result = lab("run", str(study(tmp_path, "")))
    assert result.returncode == 0
    assert "no grid of it has a run" in result.stderr


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_ends_its_workers_and_goes_on_later(
    tmp_path: Path, sent: signal.Signals
) -> None:
    file, store = study(tmp_path, TEXT), tmp_path / "results" / "store"
    process = subprocess.Popen(
        [sys.executable, "-m", "lab", "run", str(file), "--jobs", "1"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while process.poll() is None and not keys_in(store):
        time.sleep(0.02)
    workers = _below(process.pid)
    process.send_signal(sent)
    said = process.communicate()[1]
    assert process.returncode == 130
    assert "interrupted; the same command goes on from here" in said
    assert "Traceback" not in said
    assert len(workers) >= 2, "what forks, and a fork"
    assert not any(Path(f"/proc/{worker}").exists() for worker in workers)
    assert lab("run", str(file), "--limit", "1").returncode == 0
    assert not list(store.glob(".tmp-*"))


def _below(process: int) -> list[int]:
    """Children of a process, and theirs."""
    if not Path("/proc").is_dir():
        pytest.skip("children are looked up in /proc")
    text = Path(f"/proc/{process}/task/{process}/children").read_text()
    children = [int(child) for child in text.split()]
    return [*children, *(one for child in children for one in _below(child))]


def test_output_survives_a_terminal_that_lacks_a_letter(tmp_path: Path) -> None:
    file = study(tmp_path, 'study tiny "What does ± mean?"\n')
    result = subprocess.run(
        [sys.executable, "-m", "lab", "plan", str(file)],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": "ascii"},
    )
    assert result.returncode == 0
    assert b"What does ? mean?" in result.stdout


def test_a_plan_says_which_files_are_not_there_yet(tmp_path: Path) -> None:
    text = TEXT.replace("layers: 1)", 'layers: 1, weights: "gone.safetensors")', 1)
    result = lab("plan", str(study(tmp_path, text)))
    assert result.returncode == 0
    assert "`gone.safetensors` is not in" in result.stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_said_in_a_sentence() -> None:
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-m", "lab", "docs"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert result.returncode == 2
    assert result.stderr.startswith("lab: the disk is full")
    assert len(result.stderr.splitlines()) == 1
