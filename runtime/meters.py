"""What a task took besides time: programs, seconds of compiling, and the most memory it had."""

import resource
import sys
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

import jax

from lab.runtime.files import read_at_once

#: The event of a program that is loaded in place of being compiled.
LOADING = "/lab/program_load_duration"
#: Events that are parts of a compilation; none of them is inside another.
_COMPILING = (
    LOADING,
    "/jax/core/compile/jaxpr_to_mlir_module_duration",
    "/jax/core/compile/backend_compile_duration",
)


class _Total:
    seconds = 0.0
    programs = 0


def count_program() -> None:
    """Called where a program of steps is traced: a cache of compiled programs hides no trace."""
    _counted.programs += 1


def programs_since() -> int:
    """How many programs of steps this process has traced since this was last asked."""
    found, _counted.programs = _counted.programs, 0
    return found


_counted = _Total()


def compile_seconds() -> float:
    """Seconds that this process has spent on compiling since this was first called."""
    return _listening().seconds


@cache
def _listening() -> _Total:
    total = _Total()

    def add(event: str, seconds: float, **_: object) -> None:
        if event in _COMPILING:
            total.seconds += seconds

    jax.monitoring.register_event_duration_secs_listener(add)
    return total


def memory_bytes() -> int:
    """The most memory that this process has had so far: on its device where that says."""
    device = _counting_device()
    if device is not None:
        return int(device.memory_stats()["peak_bytes_in_use"])
    with suppress(OSError):
        _, name, rest = read_at_once("/proc/self/status").partition(b"VmHWM:")
        if name:
            return int(rest.split(maxsplit=1)[0]) * 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


@cache
def _counting_device() -> Any:
    """The device, where it says how much of its memory was in use; asked once, as it takes time."""
    device = jax.devices()[0]
    return device if "peak_bytes_in_use" in (device.memory_stats() or {}) else None


def forget_memory() -> None:
    """Have the peak begin anew where the system can (Linux); elsewhere it stays."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
