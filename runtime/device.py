"""The device that a plan would run on, as far as it is known without starting anything on it.

Rates of a processor were fitted to ResNet-20, perceptrons and fields of several widths on one core
of a server-class x86 processor (AMD EPYC, 2026); a graphics processor's are what an H200 reaches on
programs of this size. They stand in until something was measured here, and a plan says so.
"""

import os
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from lab.compiler.cost import Rates
from lab.compiler.prices import Device
from lab.spec.records import replaced

#: One core; see `tests/runtime/test_facts.py` for what a multiplication counts.
PROCESSOR = Rates(
    name="one core of a server-class processor",
    macs={"convolution": 37e9, "matrix": 50e9, "field": 150e9},
    elements=10.5e9,
    call=4e-4,
    step=1e-4,
    node=0.03,
    compiling={"convolution": 5.0, "matrix": 3.5, "field": 6.0},
)
GRAPHICS = Rates(
    name="a graphics processor of a data center",
    macs={"convolution": 4e12, "matrix": 4e12, "field": 4e12},
    elements=3e11,
    call=1e-3,
    step=1e-4,
    node=0.1,
    compiling={"convolution": 12.0, "matrix": 4.0, "field": 5.0},
)
#: For the environment of a process that computes on a processor, unless a person says otherwise:
#: programs allocate their memory anew at each call, and a fifth of a large step goes by in faults
#: of small pages. C libraries other than glibc do not look at it.
LARGE_PAGES = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
#: What each further thread adds, of the first one's rate.
THREAD_GAIN = 0.75
#: Bytes of a worker that has imported JAX and done nothing, and seconds until it has.
PROCESS_BYTES, START_SECONDS = 4.5e8, 3.0


def this_device(workers: int) -> Device:
    """This machine's device, shared by so many workers."""
    name = _graphics()
    if name is not None:
        rates, start = GRAPHICS, 2 * START_SECONDS
        count = max(1, min(workers, len(graphics())))
        return Device(name, count, threads=len(cores()), rates=rates, start_seconds=start)
    threads = max(1, len(cores()) // workers)
    return Device(
        processor(),
        workers,
        threads=threads,
        rates=_with_threads(PROCESSOR, threads),
        memory_bytes=_memory_bytes(),
        process_bytes=PROCESS_BYTES,
        start_seconds=START_SECONDS,
    )


def _with_threads(rates: Rates, threads: int) -> Rates:
    """The rates of one thread as several have them together."""
    gain = 1 + THREAD_GAIN * (threads - 1)
    macs = {kind: rate * gain for kind, rate in rates.macs.items()}
    return replaced(rates, macs=macs, elements=rates.elements * gain)


def cores() -> list[int]:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def workers_here(widest: int, jobs: int | None, devices: int = 1) -> int:
    """How many workers this machine gets for so many batches at once.

    At most one for every so many graphics processors, or one a core where there are none.
    """
    room = max(1, len(graphics()) // devices) if graphics() else len(cores())
    return max(1, min(jobs or room, room, widest))


def graphics() -> list[str]:
    """The graphics processors that JAX would use here, as CUDA_VISIBLE_DEVICES names them."""
    if _graphics() is None:
        return []
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    if given is not None:
        return [one for one in given.split(",") if one]
    return [str(i) for i, _ in enumerate(Path("/proc/driver/nvidia/gpus").glob("*"))]


@cache
def processor() -> str:
    """The name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, "cpu")


def _graphics() -> str | None:
    """The name of a graphics processor that JAX will use, None where it will use none."""
    if os.environ.get("JAX_PLATFORMS", "").startswith("cpu"):
        return None
    if not any(find_spec(f"jax_cuda{version}_plugin") for version in (13, 12)):
        return None
    for about in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        for line in about.read_text(encoding="utf-8").splitlines():
            if line.startswith("Model:"):
                return line.split(":", 1)[1].strip()
    return None


def _memory_bytes() -> float | None:
    try:
        return float(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    except (ValueError, OSError):  # a system that does not say
        return None
