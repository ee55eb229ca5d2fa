"""A study that is killed at random moments ends with the same bits, and nothing else is left."""

from pathlib import Path
from typing import Any

import pytest
from chaos import TEXT, Chaos, leftovers, records, resumed
from commands import lab, study


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the study makes when nobody disturbs it."""
    folder = tmp_path_factory.mktemp("whole")
    done = lab("run", str(study(folder, TEXT, "chaos.lab")))
    assert done.returncode == 0, done.stderr
    assert not leftovers(folder / "results")
    return records(folder / "results" / "store")


def prove(folder: Path, whole: dict[str, Any], *, seed: int, kills: int) -> int:
    """Kill a study so many times and compare; returns how many stages were gone on with inside."""
    chaos = Chaos(folder, seed)
    chaos.run_with_kills(kills)
    assert records(chaos.store) == whole, chaos.kills
    assert not leftovers(chaos.results), chaos.kills
    begun = resumed(chaos.store)
    for key, step in begun.items():
        assert step >= chaos.seen.get(key, 0), "more than a checkpoint interval was lost"
    return len(begun)


def test_a_study_that_is_killed_four_times_makes_the_same_bits(
    whole: dict[str, Any], tmp_path: Path
) -> None:
    prove(tmp_path, whole, seed=1, kills=4)


@pytest.mark.verify
def test_thirty_kills_lose_nothing(whole: dict[str, Any], tmp_path: Path) -> None:
    inside = sum(prove(tmp_path / str(seed), whole, seed=seed, kills=5) for seed in range(2, 8))
    assert inside, "no stage was gone on with inside: the kills prove less than they should"
