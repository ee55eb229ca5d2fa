"""A look at what programs cost here, by doing a little of each: `lab plan --probe`.

    lane = steps · s + (again - few · s),   compiling = first - again

A process of its own does a program's stage three times: from beginning to end with a duration of a
`few` steps, which took `first` seconds with all that happens once (tracing, compiling) and `again`
seconds without; and as it is, until a step of it, `s`, is known. What it starts from is made by
short stages where it is not stored. Then it measures what the short one made. Nothing of all this
is kept but the seconds, by program and device.

One process looks at one program after another, as a worker does them: what programs share is
compiled once. It reads a JSON line, `Request`, and writes a line for each program, `Probed`, and an
empty one when it is done; `{"problem": …}` where something failed.
"""

import json
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn

from lab.runtime.task import Task

#: Steps of a short stage.
FEW = 2
#: A stage is watched for so long after the first sign of progress, and for so many signs at least.
_WATCHED_SECONDS, _SIGNS = 2.0, 3
#: What takes less is done twice.
_BRIEF_SECONDS = 20.0
#: Whatever it has said by then, a stage is stopped.
_PATIENCE_SECONDS = 90.0


@dataclass(frozen=True)
class Request:
    """What to do: stages that only make an input, the stage, and measurements of it."""

    before: Sequence[Mapping[str, Any]]
    stage: Mapping[str, Any] | None
    short: Mapping[str, Any] | None
    measurements: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Probed:
    """Seconds of one lane of a program and to compile it, and bytes of its process at the peak."""

    key: str
    lane_seconds: float
    compile_seconds: float
    memory_bytes: int
    device: str
    threads: int


class _Enough(Exception):
    """A step's time is known: the rest need not be done."""


@dataclass
class _Watch:
    """Progress of a stage, and when it was made."""

    signs: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])
    total: int = 0
    begun: float = field(default_factory=time.perf_counter)

    def __call__(self, step: int, total: int, values: Mapping[str, float]) -> None:
        """Called by the stage. Raises _Enough."""
        del values
        now = time.perf_counter()
        self.total = total
        if not self.signs or step > self.signs[-1][1]:
            self.signs.append((now, step))
        watched = now - self.signs[0][0]
        if len(self.signs) >= _SIGNS and watched > _WATCHED_SECONDS:
            raise _Enough
        if len(self.signs) >= 2 and now - self.begun > _PATIENCE_SECONDS:
            raise _Enough

    @property
    def step_seconds(self) -> float | None:
        """Seconds of a step, without the first look, which waits for the compiler."""
        if len(self.signs) < 2:
            return None
        (begun, first), (ended, last) = self.signs[0], self.signs[-1]
        return (ended - begun) / (last - first)


def main() -> NoReturn:
    """Do what one line of standard input asks, on the cores named by the first argument."""
    if sys.argv[1:] and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core) for core in sys.argv[1].split(",")})
    import jax

    events = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    jax.config.update("jax_default_matmul_precision", "highest")
    for line in sys.stdin:
        for said in _answers(Request(**json.loads(line))):
            events.write(json.dumps(said) + "\n")
            events.flush()
        events.write("\n")
        events.flush()
    sys.exit(0)


def _answers(request: Request) -> Iterator[dict[str, Any]]:
    from lab.runtime import meters

    meters.forget_memory()
    try:
        for task in request.before:
            _do(task)
        for probed in _all(request):
            yield asdict(probed)
    except Exception as failure:  # noqa: BLE001 - whatever a program does, the others go on
        yield {"problem": f"{type(failure).__name__}: {failure}"}


def _do(task: Mapping[str, Any], watch: _Watch | None = None) -> dict[str, Any]:
    from lab.runtime.perform import perform

    Path(task["output"]).mkdir(parents=True, exist_ok=True)
    return perform(Task(**task), watch or _unwatched)


def _unwatched(step: int, total: int, values: Mapping[str, float]) -> None:
    """Progress that nobody asks about."""


def _all(request: Request) -> Iterator[Probed]:
    if request.stage is not None:
        whole, short = request.stage, request.short
        yield _whole(whole) if short is None else _stage(whole, short)
    yield from map(_whole, request.measurements)


def _stage(stage: Mapping[str, Any], short: Mapping[str, Any]) -> Probed:
    first, again = _do(short), _do(short)
    compiling = max(0.0, first["wall_seconds"] - again["wall_seconds"])
    watch = _Watch()
    try:
        whole = _do(stage, watch)
    except _Enough:
        step = watch.step_seconds or 0.0
        rest = max(0.0, again["wall_seconds"] - FEW * step)
        return _probed(stage, first, lane=watch.total * step + rest, compiling=compiling)
    # Over before a step was known: what it took is known.
    lane = whole["wall_seconds"] - whole["compile_seconds"]
    return _probed(stage, first, lane=lane, compiling=compiling)


def _whole(task: Mapping[str, Any]) -> Probed:
    first = _do(task)
    again = _do(task) if first["wall_seconds"] < _BRIEF_SECONDS else None
    if again is None:
        compiling = first["compile_seconds"]
        return _probed(task, first, lane=first["wall_seconds"] - compiling, compiling=compiling)
    lane, once = again["wall_seconds"], first["wall_seconds"]
    return _probed(task, first, lane=lane, compiling=max(0.0, once - lane))


def _probed(
    task: Mapping[str, Any], record: Mapping[str, Any], *, lane: float, compiling: float
) -> Probed:
    from lab.runtime import meters

    around = record["environment"]
    return Probed(
        key=task["key"],
        lane_seconds=max(lane, 0.0),
        compile_seconds=compiling,
        memory_bytes=meters.memory_bytes(),
        device=around["device"],
        threads=around["threads"],
    )


if __name__ == "__main__":
    main()
