"""Memory, utilization and energy of a task, and the limit on memory."""

import threading
from pathlib import Path

from lab.runtime.usage import Sampler, energy_joules, resident_bytes


def counter(folder: Path, name: str, value: str) -> None:
    (folder / name).mkdir()
    (folder / name / "energy_uj").write_text(value)


def test_energy_is_the_sum_of_packages_and_not_of_their_parts(tmp_path: Path) -> None:
    counter(tmp_path, "intel-rapl:0", "2500000\n")
    counter(tmp_path, "intel-rapl:1", "500000\n")
    counter(tmp_path, "intel-rapl:0:0", "1000000\n")
    assert energy_joules(powercap=tmp_path) == 3.0


def test_energy_without_a_counter_is_unknown(tmp_path: Path) -> None:
    assert energy_joules(powercap=tmp_path) is None
    (tmp_path / "other").mkdir()
    counter(tmp_path / "other", "intel-rapl:0", "no number")
    assert energy_joules(powercap=tmp_path / "other") is None


def test_a_task_is_told_what_it_used() -> None:
    sampler = Sampler(lambda _: None)
    ended = sampler.begin(None)
    sum(i * i for i in range(200_000))
    used = ended()
    assert used.memory_average > 1e6
    assert 0 < used.utilization <= 1


def test_a_process_over_its_limit_is_told_once_and_one_within_it_never() -> None:
    exceeded = threading.Event()
    within = Sampler(lambda _: None)
    end = within.begin(1e15)
    sampler = Sampler(lambda size: exceeded.set() if size > 0 else None)
    sampler.begin(resident_bytes() / 2)
    assert exceeded.wait(10)
    end()
