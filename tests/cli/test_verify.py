"""`lab verify lanes`: results of lanes that were done together, beside the same alone."""

import json
from pathlib import Path

import pytest
from commands import lab

STUDY = """
study lanes
data digits_set = digits()
model net = mlp(width: 4, layers: 1)
method small = train(by: sgd(lr: 0.1), for: 12 steps, batch: 16)
repeat 1 as seed
grid rates { small.lr: log 0.01 .. 0.1 by 6 points }
report { table(bytes(small), by: small.lr) }
"""


def test_what_lanes_made_together_is_kept_with_how_far_it_is_from_them_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "lanes.lab"
    file.write_text(STUDY, encoding="utf-8")
    places = (str(file), "--results", str(tmp_path / "results"))
    assert lab("verify", "lanes", *places).returncode == 2, "nothing is stored yet"
    monkeypatch.setenv("LAB_LANES", "batched")
    assert lab("run", *places, "--jobs", "1").returncode == 0
    done = lab("verify", "lanes", *places, "--sample", "2", "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["lanes"]
    assert [one["lanes"] for one in found] == [5, 5]
    assert max(one["deviation"] for one in found) <= 1e-5
    assert "among 5 lanes" in lab("why", found[0]["key"], *places).stdout
