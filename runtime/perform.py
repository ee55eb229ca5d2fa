"""One node, done: inputs loaded, the component called, its result written to a folder."""

import math
import time
from collections.abc import Generator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from lab.runtime import artifact as artifacts
from lab.runtime import meters
from lab.runtime.artifact import Artifact
from lab.runtime.asking import Answer, Ask, Stepped, alone
from lab.runtime.checkpoints import Checkpoints, Nowhere
from lab.runtime.device import processor
from lab.runtime.errors import Diverged
from lab.runtime.registry import catalog, component_class, fields_of, use
from lab.runtime.roles import with_roles
from lab.runtime.streams import streams
from lab.runtime.task import Task
from lab.runtime.work import Progress, Stage, Work

#: Environment facts that a record keeps; the rest of the environment is nobody's business.
_PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy")


def perform(task: Task, progress: Progress) -> dict[str, Any]:
    """Do a task; its files are in `task.output` afterwards. Returns what the record shall hold."""
    return alone(performing(task, progress))


def performing(task: Task, progress: Progress) -> Generator[Ask, Answer, dict[str, Any]]:
    """A task that asks for its steps, so that others can take theirs with it."""
    use(task.components)
    signature = catalog().signatures[task.role, task.component]
    folder = Path(task.folder)
    arguments = with_roles(signature, task.arguments, task.inputs)
    made = component_class(signature)(**fields_of(signature, arguments, folder=folder))
    begun, compiled = time.perf_counter(), meters.compile_seconds()
    work = Work(
        inputs={role: _input(Path(path), task) for role, path in task.inputs.items()},
        stream=streams(task.component, task.occurrence, task.seed or 0, task.vary),
        progress=progress,
        folder=folder,
        packed={role: Path(path) / artifacts.SHIPPED for role, path in task.inputs.items()},
        checkpoints=_checkpoints(task),
        devices=task.devices,
        memory_bytes=task.memory_bytes,
    )
    checkpoints = work.checkpoints
    if task.role == "measurement":
        found = _measured(made, work)
    else:
        found = yield from _staged(made, work, task)
    return {
        **found,
        "wall_seconds": time.perf_counter() - begun + checkpoints.seconds_before,
        **({} if checkpoints.resumed_at is None else {"resumed_at": checkpoints.resumed_at}),
        "compile_seconds": meters.compile_seconds() - compiled,
        "compilations": meters.programs_since(),
        "memory_bytes": meters.memory_bytes(),
        "environment": environment(),
    }


def _checkpoints(task: Task) -> Checkpoints:
    if task.checkpoint_seconds is None:
        return Nowhere()
    return Checkpoints(Path(task.checkpoints), task.checkpoint_seconds)


def _input(folder: Path, task: Task) -> Artifact:
    """A fresh measurement sees the packed file and nothing else of the stage it measures."""
    if task.fresh:
        return artifacts.load_shipped(folder / artifacts.SHIPPED)
    return artifacts.load(folder)


def _measured(measurement: Any, work: Work) -> dict[str, Any]:
    values = dict(measurement.measure(work))
    if values and not math.isfinite(values["value"]):
        raise Diverged("the measured value is not a number: the model has diverged")
    return {"values": values, "history": {}, "notes": {}}


def _staged(stage: Stage, work: Work, task: Task) -> Generator[Ask, Answer, dict[str, Any]]:
    is_stepped = isinstance(stage, Stepped)
    artifact = (yield from stage.going(work)) if is_stepped else stage.run(work)
    output = Path(task.output)
    artifacts.save(artifact, output)
    sizes = artifacts.ship(artifact, output / artifacts.SHIPPED)
    history = {name: [float(v) for v in curve] for name, curve in artifact.history.items()}
    notes = {name: float(note) for name, note in artifact.notes.items()}
    bytes_made = {"file": sizes.file_bytes, "state": sizes.state_bytes}
    return {"values": {}, "history": history, "notes": notes, "bytes": bytes_made}


@cache
def environment() -> Mapping[str, Any]:
    """The device, the number of threads, and the versions that made a number."""
    import os
    import platform
    from importlib.metadata import version

    import jax

    from lab import __version__

    device = jax.devices()[0]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "device": device.device_kind if device.platform != "cpu" else processor(),
        "platform": device.platform,
        "threads": cores,
        "python": platform.python_version(),
        "lab": __version__,
        "packages": {name: version(name) for name in _PACKAGES},
    }
