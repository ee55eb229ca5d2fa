"""A study that is killed at random moments ends with the same bits, and nothing else is left."""

import time
from pathlib import Path

import pytest
from chaos import TEXT, Chaos, leftovers, records, resumed
from commands import lab, study

#: What the suite has time for.
SMALL = TEXT.replace("repeat 2", "repeat 1")


def prove(folder: Path, text: str, *, kills: int, each: int = 5) -> int:
    """Kill a study so many times, `each` time it is run from its beginning a few of them, and
    compare what it makes with what one makes that nobody disturbs.

    Returns how many stages were gone on with inside.
    """
    begun = time.monotonic()
    done = lab("run", str(study(folder, text, "chaos.lab")), "--jobs", "2")
    seconds = time.monotonic() - begun
    assert done.returncode == 0, done.stderr
    assert not leftovers(folder / "results")
    whole = records(folder / "results" / "store")
    inside, seed, killed, idle = 0, 0, 0, 0
    while killed < kills:  # A run may end before its moment comes.
        seed += 1
        chaos = Chaos(folder / str(seed), text, seed, seconds)
        chaos.run_with_kills(min(each, kills - killed))
        idle += not chaos.kills
        assert idle <= 1 + seed // 2, "most runs end before anything happens to them"
        assert records(chaos.store) == whole, chaos.kills
        assert not leftovers(chaos.results), chaos.kills
        found = resumed(chaos.store)
        for key, step in found.items():
            assert step >= chaos.seen.get(key, 0), "more than a checkpoint interval was lost"
        inside += len(found)
        killed += len(chaos.kills)
    return inside


def test_a_study_that_is_killed_twice_makes_the_same_bits(tmp_path: Path) -> None:
    prove(tmp_path, SMALL, kills=2)


@pytest.mark.verify
def test_thirty_kills_lose_nothing(tmp_path: Path) -> None:
    inside = prove(tmp_path, TEXT, kills=30)
    assert inside, "no stage was gone on with inside: the kills prove less than they should"
