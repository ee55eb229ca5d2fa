"""Running a plan: what is missing, in order, by supervised worker processes.

Two workers on two cores, each bound to a core of its own, beat one worker with two threads on the
small programs of this field. How many workers there are is decided from the whole plan, not from
what is left of it: the number of threads is part of what makes a result repeat bit for bit.

Measurements that must be honest run in workers of their own, which never held a trained model: they
get the packed file, the model's code and the data.
"""

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from lab.compiler.plan import Node, Plan
from lab.runtime import index
from lab.runtime.errors import CorruptFile
from lab.runtime.missing import missing
from lab.runtime.sharing import PAUSE_SECONDS, Sharing
from lab.runtime.store import Store
from lab.runtime.task import Task
from lab.spec.catalog import cache_folder

_PATIENCE_SECONDS = 5.0
#: Bytes of a dead worker's standard error that are kept.
_LAST_WORDS = 4000
#: This many first runs failing alike stop a plan.
_SAME_FAILURES = 3


@dataclass(frozen=True)
class Event:
    """What happened to a node: `started`, `progress`, `done`, `failed` or `skipped`."""

    kind: str
    node: Node
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])


Listener = Callable[[Event], None]


@dataclass(frozen=True)
class Outcome:
    """How a plan's execution ended: keys made, and failures by key."""

    made: tuple[str, ...]
    failed: Mapping[str, Mapping[str, Any]]


def worker_count(plan: Plan, jobs: int | None) -> int:
    """How many workers a plan gets: as many as can ever work at once, at most one a core."""
    depth: dict[str, int] = {}
    for node in plan.nodes:
        depth[node.key] = 1 + max((depth[key] for key in node.inputs.values()), default=0)
    stages = [depth[node.key] for node in plan.nodes if node.role == "stage"]
    widest = max((stages.count(level) for level in set(stages)), default=1)
    return max(1, min(jobs or len(_cores()), len(_cores()), widest))


def execute(
    plan: Plan,
    store: Store,
    *,
    folder: Path,
    listener: Listener,
    jobs: int | None = None,
    limit: int | None = None,
) -> Outcome:
    """Run what is missing of a plan.

    Args:
        plan: what to run. `store`: where results are and go. `folder`: the study's.
        listener: told of everything that happens, in this process.
        jobs: workers at most. `limit`: nodes to run at most.
    """
    nodes = missing(plan, store.keys())
    run = _Execution(plan, store, folder=folder, listener=listener, nodes=nodes[:limit])
    cores = _core_sets(worker_count(plan, jobs))
    slots = [_Slot(core_set) for core_set in cores]
    try:
        run.loop(slots)
    finally:
        for slot in slots:
            slot.stop()
        run.sharing.close()
        store.close()
    return Outcome(tuple(run.made), run.failed)


def _cores() -> list[int]:
    """The cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return sorted(os.sched_getaffinity(0))
    return list(range(os.cpu_count() or 1))


def _core_sets(workers: int) -> list[Sequence[int] | None]:
    """A share of the cores for each worker, None where processes cannot be bound to cores."""
    can_bind = hasattr(os, "sched_setaffinity")
    return [_cores()[i::workers] if can_bind else None for i in range(workers)]


class _Execution:
    """The state of one execution: what is left, what runs, what came of it."""

    def __init__(
        self, plan: Plan, store: Store, *, folder: Path, listener: Listener, nodes: Sequence[Node]
    ) -> None:
        self.store = store
        self.folder = folder
        self.listener = listener
        self.waiting = list(nodes)
        self.pending = {node.key for node in nodes}
        self.by_key = {node.key: node for node in plan.nodes}
        self.components = plan.components
        self.sharing = Sharing(store)
        self.made: list[str] = []
        self.failed: dict[str, Mapping[str, Any]] = {}

    def loop(self, slots: "list[_Slot]") -> None:
        while self.waiting or any(slot.task for slot in slots):
            for slot in slots:
                if slot.task is None:
                    self._hand_out(slot)
            busy = [slot for slot in slots if slot.task]
            if not busy and not self._waits_for_others():
                break
            if not busy:
                time.sleep(PAUSE_SECONDS)
                continue
            for slot, event in _events(busy):
                self._take(slot, event)
            if self._is_hopeless():
                return

    def _waits_for_others(self) -> bool:
        """Whether all that could be done now is being done by other processes."""
        return any(not self._is_held_up(node) for node in self.waiting)

    def _is_held_up(self, node: Node) -> bool:
        return any(key in self.pending for key in node.inputs.values())

    def _is_hopeless(self) -> bool:
        """The first runs all failed, and of one cause: so would the others."""
        causes = [failure["message"] for failure in self.failed.values() if "event" in failure]
        return not self.made and len(causes) >= _SAME_FAILURES and len(set(causes)) == 1

    def _hand_out(self, slot: "_Slot") -> None:
        for node in list(self.waiting):
            lost = [key for key in node.inputs.values() if key in self.failed]
            if lost:
                self._skip(node, lost[0])
            elif not self._is_held_up(node) and self._is_ours(node):
                self.listener(Event("started", node))
                slot.start(node, self._task(node))
                return

    def _is_ours(self, node: Node) -> bool:
        """Whether a node is to be done here and now; otherwise it waits, or is over."""
        claim = self.sharing.claim(node.key)
        if claim == "elsewhere":
            return False
        self.waiting.remove(node)
        if claim == "done":
            self.pending.discard(node.key)
            self.made.append(node.key)
            self.listener(Event("done", node, self.store.record(node.key)))
        elif claim == "failed":
            self._fail(node, self.store.failure(node.key), "failed")
        return claim == "ours" and self._inputs_are_whole(node)

    def _skip(self, node: Node, lost: str) -> None:
        self.waiting.remove(node)
        cause = {"cause": "input failed", "message": f"needs {lost[:12]}, which failed"}
        self._fail(node, cause, "skipped")

    def _inputs_are_whole(self, node: Node) -> bool:
        try:
            for key in node.inputs.values():
                self.store.verify(key)
        except CorruptFile as damage:
            self._fail(node, {"cause": "corrupt", "message": str(damage)}, "failed")
            return False
        return True

    def _fail(self, node: Node, detail: Mapping[str, Any], kind: str) -> None:
        self.pending.discard(node.key)
        self.sharing.release([node.key])
        self.failed[node.key] = detail
        self.listener(Event(kind, node, detail))

    def _task(self, node: Node) -> Task:
        output = self.store.open_scratch(node.key)
        return Task(
            key=node.key,
            role=node.role,
            component=node.component,
            arguments=node.arguments,
            inputs={role: str(self.store.folder(key)) for role, key in node.inputs.items()},
            seed=node.seed,
            vary=node.vary,
            occurrence=self._occurrence(node),
            fresh=node.fresh,
            folder=str(self.folder),
            output=str(output),
            components=[str(Path(file).resolve()) for file in self.components],
        )

    def _occurrence(self, node: Node) -> int:
        count, before = 0, node.inputs.get("before")
        while before is not None:
            count += self.by_key[before].component == node.component
            before = self.by_key[before].inputs.get("before")
        return count

    def _take(self, slot: "_Slot", event: Mapping[str, Any]) -> None:
        node, task = slot.node, slot.task
        if node is None or task is None:
            return
        if event["event"] == "progress":
            self.listener(Event("progress", node, event))
            return
        slot.finish()
        if event["event"] == "done":
            record = {**_described(node), **event["record"]}
            self.store.commit(node.key, Path(task.output), record)
            index.add(self.store.root, node.key, record)
            self.sharing.release([node.key])
            self.pending.discard(node.key)
            self.made.append(node.key)
            self.listener(Event("done", node, event["record"]))
        else:
            self.store.discard(Path(task.output))
            self.store.record_failure(node.key, {**_described(node), **event})
            self._fail(node, event, "failed")


def _described(node: Node) -> dict[str, Any]:
    return {**asdict(node), "finished_at": datetime.now(UTC).isoformat(timespec="seconds")}


class _Slot:
    """A place to work: a set of cores, with a worker for stages and one for honest scoring."""

    def __init__(self, cores: Sequence[int] | None) -> None:
        self.cores = cores
        self.node: Node | None = None
        self.task: Task | None = None
        self._workers: dict[bool, subprocess.Popen[bytes]] = {}
        self._readers: dict[bool, _Lines] = {}

    def start(self, node: Node, task: Task) -> None:
        """Give the slot a task."""
        worker = self._worker(node.fresh)
        self.node, self.task = node, task
        try:
            _pipe(worker.stdin).write(json.dumps(asdict(task)).encode() + b"\n")
            _pipe(worker.stdin).flush()
        except BrokenPipeError:
            pass  # The worker is dead: reading its output says so.

    def finish(self) -> None:
        """The task is over."""
        self.node = self.task = None

    def reader(self) -> "_Lines":
        """What the worker at work says."""
        return self._readers[self.node is not None and self.node.fresh]

    def died(self) -> Mapping[str, Any]:
        """The worker at work is gone: what to record."""
        fresh = self.node is not None and self.node.fresh
        code = self._workers.pop(fresh).wait()
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        message = f"the worker process ended with {how}; signal 9 often means out of memory"
        said = self._readers[fresh].complaints()
        return {"event": "failed", "cause": "worker died", "message": message, "traceback": said}

    def stop(self) -> None:
        """End the workers: closing their input asks them to, and they are killed if they don't."""
        for worker in self._workers.values():
            _pipe(worker.stdin).close()
        for worker in self._workers.values():
            try:
                worker.wait(_PATIENCE_SECONDS)
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
            _pipe(worker.stdout).close()

    def _worker(self, fresh: bool) -> "subprocess.Popen[bytes]":
        worker = self._workers.get(fresh)
        if worker is None or worker.poll() is not None:
            complaints = tempfile.TemporaryFile()  # noqa: SIM115 - as long-lived as the worker
            worker = self._workers[fresh] = _spawn(self.cores, complaints)
            self._readers[fresh] = _Lines(_pipe(worker.stdout).fileno(), complaints)
        return worker


class _Lines:
    """Whole lines from a pipe as they come: `select` knows nothing of a text wrapper's buffer."""

    def __init__(self, handle: int, complaints: IO[bytes]) -> None:
        self.handle = handle
        self._complaints = complaints
        self._rest = b""

    def read(self) -> tuple[list[str], bool]:
        """The lines that are complete now, and whether the pipe has ended. Blocks for the first."""
        chunk = os.read(self.handle, 1 << 16)
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        return [line.decode() for line in lines], not chunk

    def complaints(self) -> str:
        """The end of what the worker wrote to standard error."""
        size = self._complaints.seek(0, os.SEEK_END)
        self._complaints.seek(max(0, size - _LAST_WORDS))
        return self._complaints.read().decode(errors="replace")


def _pipe(pipe: Any) -> Any:
    if pipe is None:
        raise TypeError("a worker has pipes")
    return pipe


def _spawn(cores: Sequence[int] | None, complaints: IO[bytes]) -> "subprocess.Popen[bytes]":
    environment = {
        **os.environ,
        "LAB_COMPILATION_CACHE": str(cache_folder() / "programs"),
    }
    command = [sys.executable, "-m", "lab.runtime.worker"]
    if cores is not None:
        command.append(",".join(map(str, cores)))
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=complaints,
        env=environment,
        # Ctrl-C is for this process to handle; it ends its workers itself.
        start_new_session=True,
    )


def _events(busy: "list[_Slot]") -> "list[tuple[_Slot, Mapping[str, Any]]]":
    """What the busy slots have to say; waits for the first."""
    by_handle = {slot.reader().handle: slot for slot in busy}
    ready, _, _ = select.select(list(by_handle), [], [], 1.0)
    found: list[tuple[_Slot, Mapping[str, Any]]] = []
    for handle in ready:
        slot = by_handle[handle]
        lines, ended = slot.reader().read()
        found.extend((slot, json.loads(line)) for line in lines)
        if ended:
            found.append((slot, slot.died()))
    return found
