"""Results of older code: stale until somebody says, with a reason, that they stand."""

import json
import shutil
from pathlib import Path

import pytest
from commands import TINY, lab

STUDY = """
study own "A component of one's own"
use "mine.py"
data  images = digits()
model net    = mlp(width: 8, layers: 1)
method dense = train(by: adam(lr: 1e-2), for: 2 steps, batch: 64)
method half  = dense then coarse()
metric ratio = bytes(dense) / bytes(method)
repeat 3 as seed
grid g { method: dense | half }
claim small: ratio(half) > 1.2 at 95%
report { table(ratio, by: method) }
"""
MORE = STUDY.replace("table(ratio", "table(ratio, accuracy")
FORMULA = ("values * self.scale for", "values * self.scale * 1.0 for")
REASON = "a factor of one changes nothing"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which the study was run."""
    folder = tmp_path_factory.mktemp("done")
    (folder / "studies").mkdir()
    shutil.copy(TINY.parent / "own" / "mine.py", folder / "studies")
    (folder / "studies" / "own.lab").write_text(STUDY)
    result = lab("run", "studies/own.lab", cwd=folder)
    assert result.returncode == 0, result.stderr
    return folder


@pytest.fixture
def folder(done: Path, tmp_path: Path) -> Path:
    """A copy of it in which the component's formula was edited."""
    shutil.copytree(done, tmp_path / "copy")
    edit(tmp_path / "copy", *FORMULA)
    return tmp_path / "copy"


def edit(folder: Path, old: str, new: str, *, file: str = "mine.py") -> None:
    path = folder / "studies" / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def said(folder: Path, *arguments: str, code: int = 0) -> str:
    result = lab(*arguments, cwd=folder)
    assert result.returncode == code, result.stderr
    return result.stdout + result.stderr


def verdict(folder: Path) -> tuple[str, str]:
    """The verdict of the claim in a new report, and its sentence."""
    said(folder, "report", "studies/own.lab")
    data = json.loads((folder / "results" / "own" / "results.json").read_text())
    return data["verdicts"][0]["verdict"], data["verdicts"][0]["sentence"]


def accepted(folder: Path, *names: str) -> str:
    return said(folder, "accept", *names, "--because", REASON)


def test_a_comment_in_a_component_keeps_its_results(done: Path, tmp_path: Path) -> None:
    shutil.copytree(done, tmp_path / "copy")
    edit(
        tmp_path / "copy", "        return dict(split.fixed)", "        return dict(split.fixed)  #"
    )
    assert verdict(tmp_path / "copy")[0] == "PASS"


def test_evidence_of_other_code_is_stale_and_says_what_changed(folder: Path) -> None:
    outcome, sentence = verdict(folder)
    assert outcome == "STALE"
    assert "the code of `reparameterization coarse` changed: `Coarse` in mine.py" in sentence
    assert "`lab run`" in sentence
    assert "`lab accept`" in sentence


def test_tables_say_that_there_are_results_of_other_code(folder: Path) -> None:
    shown = said(folder, "results", "studies/own.lab")
    assert "Made by other code, and not shown: 6 results" in shown
    assert "`Coarse` in mine.py" in shown
    compared = said(folder, "compare", "studies/own.lab", "studies/own.lab")
    assert compared.count("own: Made by other code") == 2
    accepted(folder, "coarse", "studies/own.lab")
    assert "Made by other code" not in said(folder, "results", "studies/own.lab")


def test_what_is_accepted_counts_and_the_report_says_so(folder: Path) -> None:
    assert "accepted" in accepted(folder, "coarse", "studies/own.lab")
    assert verdict(folder)[0] == "PASS"
    report = (folder / "results" / "own" / "report.md").read_text()
    assert "## Results of older code" in report
    assert "`reparameterization coarse`: 6 results of its older code" in report
    assert REASON in report
    assert REASON in said(folder, "report", "studies/own.lab")
    data = json.loads((folder / "results" / "own" / "results.json").read_text())
    assert REASON in data["accepted"][0]
    assert "nothing to run" in said(folder, "run", "studies/own.lab")
    plan = said(folder, "plan", "studies/own.lab")
    assert REASON in plan
    assert "12 have, 0 new" in plan
    said(folder, "export", "studies/own.lab", "--arm", "half", "-o", "w.safetensors")
    assert REASON in (folder / "w.json").read_text()


@pytest.mark.parametrize("what", ["studies/own.lab", "key"])
def test_a_study_or_a_key_may_be_accepted(folder: Path, what: str) -> None:
    if what == "studies/own.lab":
        accepted(folder, what)
    else:
        keys = [key for key, one in records(folder).items() if made_with_coarse(one)]
        assert len(keys) == 6
        accepted(folder, *(key[:12] for key in keys), "studies/own.lab")
    assert verdict(folder)[0] == "PASS"


def records(folder: Path) -> dict[str, dict]:
    found = (folder / "results" / "store").glob("*/record.json")
    return {path.parent.name: json.loads(path.read_text()) for path in found}


def made_with_coarse(record: dict) -> bool:
    return any("coarse" in one for one in record["made_with"]["lineage"])


def test_an_acceptance_can_be_taken_back(folder: Path) -> None:
    accepted(folder, "coarse", "studies/own.lab")
    said(folder, "accept", "--undo", "coarse")
    assert verdict(folder)[0] == "STALE"
    assert (folder / "results" / "store" / "accepted.jsonl").read_text().count("\n") == 2


def test_an_acceptance_does_not_outlast_the_next_edit(folder: Path) -> None:
    accepted(folder, "coarse", "studies/own.lab")
    edit(folder, "* 1.0 for", "* 2.0 for")
    assert verdict(folder)[0] == "STALE"
    accepted(folder, "coarse", "studies/own.lab")
    assert verdict(folder)[0] == "PASS"


def test_what_is_made_of_an_accepted_result_goes_with_it(folder: Path) -> None:
    accepted(folder, "coarse", "studies/own.lab")
    (folder / "studies" / "own.lab").write_text(MORE)
    before = records(folder)
    said(folder, "run", "studies/own.lab")
    made = {key: one for key, one in records(folder).items() if key not in before}
    assert {one["component"] for one in made.values()} == {"accuracy"}
    assert len(made) == 6
    assert "nothing to run" in said(folder, "run", "studies/own.lab")
    said(folder, "accept", "--undo", "coarse")
    plan = json.loads(said(folder, "plan", "--json", "studies/own.lab"))
    text = json.dumps(plan)
    assert sum(key in text for key, one in made.items() if made_with_coarse(one)) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("coarse", "studies/own.lab"), '--because "…"'),
        (("coarse", "studies/own.lab", "--because", " "), '--because "…"'),
        (("--because", "x"), "name a component, the key of a result, or a study"),
        (("nothing", "--because", "x"), "no key begins with nothing"),
        (("--undo", "coarse"), "`coarse` is not accepted: in force is nothing"),
        (("adam", "--because", "x", "--results", "elsewhere"), "there are no results in elsewhere"),
    ],
)
def test_what_cannot_be_accepted_is_refused(
    folder: Path, arguments: tuple[str, ...], message: str
) -> None:
    assert message in said(folder, "accept", *arguments, code=2)


def test_what_is_in_force_is_listed(folder: Path) -> None:
    assert "nothing is accepted" in said(folder, "accept")
    accepted(folder, "coarse", "studies/own.lab")
    assert "all results  `reparameterization coarse`" in said(folder, "accept")
    (one,) = json.loads(said(folder, "accept", "--json"))["accepted"]
    assert (one["component"], one["because"]) == ("reparameterization coarse", REASON)


def test_a_damaged_line_is_named(folder: Path) -> None:
    accepted(folder, "coarse", "studies/own.lab")
    path = folder / "results" / "store" / "accepted.jsonl"
    path.write_text(path.read_text().replace("factor", "farce"))
    assert "line 1 of" in said(folder, "report", "studies/own.lab", code=2)


# `lab why`


def test_a_key_is_explained_by_its_parts(done: Path) -> None:
    key = next(key for key, one in records(done).items() if one["component"] == "train")
    text = said(done, "why", key[:8], "studies/own.lab")
    for part in (
        f"{key}  dense: train  (stage, stored)",
        "code of stage train",
        "code of optimizer adam",
        "argument by.lr",
        "0.01  (line 6)",
        "content of data",
        "sha256:50b99e3e",
        "seed",
        "numerics",
        "float32/highest",
        "made ",
        "versions",
    ):
        assert part in text


def test_a_key_is_compared_with_the_nearest_stored_one(folder: Path) -> None:
    edit(folder, "lr: 1e-2", "lr: 2e-2", file="own.lab")
    plan = json.loads(said(folder, "plan", "--json", "studies/own.lab"))
    text = json.dumps(plan)
    listed = plan["studies"][0]["plan"] if "studies" in plan else plan["plan"]
    assert text
    train = next(one["key"] for one in listed["nodes"] if one["component"] == "train")
    shown = json.loads(said(folder, "why", train, "studies/own.lab", "--json"))["keys"][0]
    (difference,) = shown["nearest"]["differences"]
    assert (shown["state"], difference["name"]) == ("new", "argument by.lr")
    assert difference["text"] == "0.02 here, 0.01 there"
    assert difference["note"] == "line 6"


def test_a_failed_stage_says_how_it_failed(folder: Path) -> None:
    made = "        return Split({}"
    edit(folder, made, f"        raise ValueError('no luck')\n{made}")
    said(folder, "run", "studies/own.lab", code=3)
    failures = (folder / "results" / "store" / "failures").glob("*.json")
    text = said(folder, "why", sorted(path.stem for path in failures)[0])
    assert "(stage, failed)" in text
    assert "no luck" in text
    assert "code of reparameterization coarse" in text


def test_code_that_changed_is_named(folder: Path) -> None:
    key = next(key for key, one in records(folder).items() if one["component"] == "apply")
    text = said(folder, "why", key, "studies/own.lab")
    assert "the code of `reparameterization coarse` changed: `Coarse` in mine.py" in text


def test_a_key_that_is_not_one_is_told_what_there_is(done: Path) -> None:
    keys = sorted(records(done))
    assert f"no key begins with {keys[0][:4]}x" in said(done, "why", f"{keys[0][:4]}x", code=2)
    assert f"nearest are {keys[0][:12]}" in said(done, "why", f"{keys[0][:4]}x", code=2)
    assert f"{len(keys)} keys begin with" in said(done, "why", "", code=2)
