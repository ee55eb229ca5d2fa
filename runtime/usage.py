"""What a task uses while it is done: memory over time, the device, energy where a counter exists.

A thread looks a few times a second. It also holds the limit on memory: a process that exceeds it
says so and ends itself, before the system would choose a process to kill.

Energy is read from counters and never modeled: RAPL for a processor's packages (all that they did
meanwhile, other processes too), NVML for a graphics card.
"""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from lab.runtime.files import read_at_once

_SECONDS_BETWEEN_LOOKS = 0.1
POWERCAP = Path("/sys/class/powercap")
#: Called once with the bytes in use, when they exceed the limit.
Exceeded = Callable[[int], None]


@dataclass(frozen=True)
class Usage:
    """What was used between two moments. `memory_average` in bytes, over time; `utilization` is the
    share of the time of all cores (or of the card) at work; `energy` in joules, None without a
    counter."""

    memory_average: float
    utilization: float
    energy: float | None


class Sampler:
    """Looks at this process now and then. One for each process that works."""

    def __init__(self, exceeded: Exceeded) -> None:
        self._exceeded = exceeded
        self._limit: float | None = None
        self._sum, self._count = 0.0, 0
        self._busy = 0.0
        self._card = _card()
        self._lock = threading.Lock()
        threading.Thread(target=self._look, daemon=True, name="usage").start()

    def begin(self, limit: float | None) -> Callable[[], Usage]:
        """A task begins, with a limit on memory in bytes; call what is returned when it ends."""
        with self._lock:
            self._limit, self._sum, self._count, self._busy = limit, 0.0, 0, 0.0
        wall, cpu, energy = time.monotonic(), time.process_time(), energy_joules(self._card)

        def ended() -> Usage:
            with self._lock:
                self._limit = None
                memory = self._sum / self._count if self._count else resident_bytes()
                busy = self._busy / max(self._count, 1)
            seconds = max(time.monotonic() - wall, 1e-9)
            share = (time.process_time() - cpu) / seconds / _cores()
            used = energy_joules(self._card)
            return Usage(
                memory_average=memory,
                utilization=min(1.0, share) if self._card is None else busy,
                energy=None if used is None or energy is None else max(0.0, used - energy),
            )

        return ended

    def _look(self) -> None:
        while True:
            time.sleep(_SECONDS_BETWEEN_LOOKS)
            size = resident_bytes()
            with self._lock:
                self._sum += size
                self._count += 1
                if self._card is not None:
                    self._busy += self._card.utilization()
                limit = self._limit
            if limit is not None and size > limit:
                self._exceeded(size)
                return


def resident_bytes() -> int:
    """Memory that this process has now; 0 where the system does not say."""
    try:
        return int(read_at_once("/proc/self/statm").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def energy_joules(card: "_Card | None" = None, powercap: Path = POWERCAP) -> float | None:
    """What the counters of this machine have come to, None where there are none to be read.

    RAPL counters run over after hours; the caller takes a difference and drops a negative one.
    """
    if card is not None:
        return card.energy()
    total, is_there = 0.0, False
    for path in _counters(powercap):
        try:
            total += int(path.read_text(encoding="ascii")) / 1e6
            is_there = True
        except (OSError, ValueError):
            continue
    return total if is_there else None


@cache
def _counters(powercap: Path) -> tuple[Path, ...]:
    """The counters of whole packages; those of parts of one are counted already."""
    every = sorted(powercap.glob("intel-rapl:[0-9]*/energy_uj"))
    return tuple(path for path in every if path.parent.name.count(":") == 1)


class _Card:
    """The first graphics card, through NVML."""

    def __init__(self, nvml: Any) -> None:
        self._nvml = nvml
        self._handle = nvml.nvmlDeviceGetHandleByIndex(0)

    def utilization(self) -> float:
        """The share of time at work lately."""
        return self._nvml.nvmlDeviceGetUtilizationRates(self._handle).gpu / 100

    def energy(self) -> float | None:
        """Joules since the driver was loaded."""
        try:
            return self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle) / 1000
        except self._nvml.NVMLError:
            return None


def _card() -> _Card | None:
    try:
        nvml = import_module("pynvml")
    except ImportError:
        return None
    try:
        nvml.nvmlInit()
        return _Card(nvml)
    except nvml.NVMLError:
        return None


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
