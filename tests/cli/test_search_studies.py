"""Studies with searches and with replicates that wait are planned; a search is not run yet."""

from pathlib import Path

from commands import lab, study

TEXT = """
study t
data  d = digits()
model m = mlp()
method dense = train(for: 1 epochs)
method eight = dense then quantize(bits: 8)
metric ratio = bytes(dense) / bytes(method)
search tune { method: eight; eight.bits: 2 .. 8; minimize ratio; trials 20 }
grid g {
  method: dense | tune.best
  repeat 3 .. 5 as seed until ci95(ratio) < 1
}
report { table(ratio, by: method) }
"""


def test_a_plan_counts_searches_and_replicates_that_may_not_be_needed(tmp_path: Path) -> None:
    done = lab("plan", str(study(tmp_path, TEXT)))
    assert done.returncode == 0
    assert "search tune: 20 runs, 20 trials of 1 replicate\n" in done.stdout
    assert "grid g: 3 to 5 replicates, until ci95(ratio) < 1" in done.stdout
    assert "10 runs of 2 points" in done.stdout


def test_a_search_is_refused_before_anything_runs(tmp_path: Path) -> None:
    done = lab("run", str(study(tmp_path, TEXT)))
    assert done.returncode == 2
    assert "the search `tune`" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()
