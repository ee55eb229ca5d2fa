"""`lab plan --probe`: a little of each program is done; of all that, the seconds are kept."""

import json
from pathlib import Path

from commands import lab, study

TEXT = """study s
data  d = digits()
model m = mlp(width: 8, layers: 1)
method dense = train(for: 2 epochs)
method field = dense then inwf(width: 8, layers: 1, min_size: 50, for: 50 steps, batch: 16)
grid all {
  method: field
  repeat 2 as seed
}
report { table(accuracy, by: method) }
"""


def test_a_probe_measures_every_program_and_keeps_no_result(tmp_path: Path) -> None:
    path = study(tmp_path, TEXT)
    done = lab("plan", str(path), "--probe", "--json")
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if line.startswith("probing")] == [
        "probing dense: train",
        "probing field: inwf(width: 8, layers: 1, min_size: 50)",
    ]
    costs = json.loads(done.stdout)["costs"]
    assert {one["basis"] for one in costs["programs"]} == {"probed"}
    assert all(one["lane_seconds"] > 0 for one in costs["programs"])
    assert not costs["is_lower_bound"]
    store = tmp_path / "results" / "store"
    assert not list(store.glob("*/record.json"))
    assert len(list((store / "probes").glob("*.json"))) == len(costs["programs"]) == 3

    again = lab("plan", str(path), "--probe", "--json")
    assert "probing" not in again.stderr, "what was measured is not measured again"
