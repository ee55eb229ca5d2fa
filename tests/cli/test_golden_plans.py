"""The plan of every study that ships, under each of its profiles, is the one that was looked at.

`GOLDEN=write pytest tests/cli/test_golden_plans.py` writes the files of `golden/` anew, for a
person to read before they are committed. A study that is added to `studies/` is among these tests
at once, and fails until it has its files.
"""

import json
import os
from pathlib import Path

import pytest
from golden_plans import FOLDER, STUDIES, cases, file_of, masked_json, masked_text

from lab.cli import costs
from lab.cli.main import main
from lab.compiler.prices import Device
from lab.runtime.device import PROCESSOR
from lab.runtime.foreign import recipes

CASES = cases()


@pytest.fixture(autouse=True)
def a_machine_of_two_cores(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def device(workers: int) -> Device:
        return Device(
            "a machine of two cores",
            workers,
            threads=max(1, 2 // workers),
            rates=PROCESSOR,
            memory_bytes=16e9,
            process_bytes=4.5e8,
            start_seconds=3.0,
        )

    monkeypatch.setattr(costs, "this_device", device)
    monkeypatch.setattr(costs, "cores", lambda: [0, 1])
    monkeypatch.setattr(recipes, "folder", lambda: tmp_path)  # Nothing was converted there.
    monkeypatch.chdir(STUDIES.parent)


def planned(name: str, profile: str | None, *flags: str) -> list[str]:
    given = ["--profile", profile] if profile else []
    return ["plan", f"studies/{name}.lab", *given, "--results", "no-such-folder", *flags]


def compare(path: Path, text: str) -> None:
    if os.environ.get("GOLDEN") == "write":
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    told = "GOLDEN=write pytest tests/cli/test_golden_plans.py"
    assert path.exists(), f"this study has no golden plan yet: make it with `{told}`, and read it"
    assert text == path.read_text(encoding="utf-8"), f"if this is meant: `{told}`, and read it"


@pytest.mark.parametrize(("name", "profile"), CASES)
def test_the_plan_as_text_is_the_golden_one(
    name: str, profile: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(planned(name, profile)) in (0, 5)
    compare(file_of(name, profile, "txt"), masked_text(capsys.readouterr().out))


@pytest.mark.parametrize(("name", "profile"), CASES)
def test_the_plan_as_json_is_the_golden_one(
    name: str, profile: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(planned(name, profile, "--json")) in (0, 5)
    document = json.loads(capsys.readouterr().out)
    compare(file_of(name, profile, "json.txt"), masked_json(document))


def test_every_golden_plan_is_of_a_study_that_there_is() -> None:
    known = {
        file_of(name, profile, kind) for name, profile in CASES for kind in ("txt", "json.txt")
    }
    assert set(FOLDER.glob("*.plan.*")) <= known
