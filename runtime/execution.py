"""Running a plan: what is missing, in order, as lanes of few programs on an engine.

Results are committed in batches, as they come. A stage that fails is a result: what needs it is not
run, the others go on. A worker that dies fails the stage it was at; the rest of its batch is done
elsewhere. How many places there are is decided from the whole plan, not from what is left of it:
the number of threads is part of what makes a result repeat bit for bit.
"""

import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lab.compiler.plan import Node, Plan
from lab.compiler.programs import in_order, programs
from lab.runtime import checkpoints, index, lane_journal, registry
from lab.runtime.agenda import Agenda
from lab.runtime.descent import Kept
from lab.runtime.engine import Engine, Opening, Said, open_engine
from lab.runtime.errors import CorruptFile
from lab.runtime.layout import failures_in
from lab.runtime.missing import missing
from lab.runtime.running import Notes
from lab.runtime.sharing import PAUSE_SECONDS, Sharing
from lab.runtime.store import Made, Store
from lab.runtime.task import Batch, Task

#: This many first runs failing alike stop a plan; of a loss that diverges, which may be a matter of
#: the settings that come first, it takes more.
_SAME_FAILURES, _SAME_DIVERGED = 3, 10
_NUMBER = re.compile(r"\d+(\.\d+)?")
#: A batch is meant to take about so long: short enough for others to get their share.
_SECONDS_PER_BATCH = 2.0
#: Nor much less than this, which is worth the word that a place is done and the answer to it.
_SECONDS_AT_LEAST = 0.1
#: What a place does next is made ready for it when it has about so long to go.
_SECONDS_AHEAD = 0.2
_LANES_AT_MOST = 256
#: So many may be handed out to see whether they are faster together.
MOST_TOGETHER = 64
#: What many short lanes finish one after another is stored together: a kill costs so much of it.
_SECONDS_BETWEEN_COMMITS = 0.25
#: Causes of failures that the same work would meet again.
_LASTING = frozenset({"diverged", "defect"})
#: What a record says of its node.
_OF_NODES = tuple(one.name for one in fields(Node))


@dataclass(frozen=True)
class Limits:
    """What an execution may take.

    `memory_bytes`: of the process of a run. `deadline`: a moment of `time.monotonic`, at which what
    is under way is given up; it goes on from its checkpoint another time. `checkpoint_seconds`:
    seconds of a stage's work that a kill may cost. `retry`: try again what failed before of a cause
    of its own, as a loss that diverged. `devices`: how many share the batches of a training, which
    is no part of what it makes; cores of a worker where that pays, if None.
    """

    memory_bytes: float | None = None
    deadline: float | None = None
    checkpoint_seconds: float = checkpoints.SECONDS
    retry: bool = False
    devices: int | None = None

    @classmethod
    def of(cls, plan: Plan) -> "Limits":
        """The budget of a plan, its time counted from now."""
        wall = plan.wall_seconds
        return cls(plan.memory_bytes, None if wall is None else time.monotonic() + wall)

    @property
    def is_over(self) -> bool:
        """Whether there is no time left."""
        return self.deadline is not None and time.monotonic() >= self.deadline


@dataclass(frozen=True)
class Event:
    """What happened to a node: `started`, `progress`, `done`, `failed` or `skipped`."""

    kind: str
    node: Node
    detail: Mapping[str, Any] = field(default_factory=dict[str, Any])


Listener = Callable[[Event], None]


@dataclass(frozen=True)
class Outcome:
    """How a plan's execution ended: keys made, failures by key, and why it was stopped, if so."""

    made: tuple[str, ...]
    failed: Mapping[str, Mapping[str, Any]]
    stopped: str | None = None


def widest(plan: Plan) -> int:
    """How many stages of a plan can ever be at work at once."""
    depth: dict[str, int] = {}
    widths: dict[int, int] = {}
    for node in plan.nodes:
        depth[node.key] = 1 + max((depth[key] for key in node.inputs.values()), default=0)
        if node.role == "stage":
            widths[depth[node.key]] = widths.get(depth[node.key], 0) + 1
    return max(widths.values(), default=1)


def execute(
    plan: Plan,
    store: Store,
    *,
    folder: Path,
    listener: Listener,
    jobs: int | None = None,
    limit: int | None = None,
    engine: Engine | None = None,
    limits: Limits | None = None,
) -> Outcome:
    """Run what is missing of a plan.

    Args:
        plan: what to run. `store`: where results are and go. `folder`: the study's.
        listener: told of everything that happens, in this process.
        jobs: workers at most. `limit`: nodes to run at most.
        engine: where to run, left open afterwards; this machine if None.
        limits: on time and memory; those of the plan's budget if None.
    """
    order = {key: place for place, key in enumerate(in_order(plan))}
    nodes = sorted(missing(plan, store.keys()), key=lambda node: order[node.key])[:limit]
    opened = engine or open_engine("local", Opening(store.root, widest(plan), jobs))
    run = _Execution(plan, store, folder=folder, listener=listener, nodes=nodes)
    run.limits = limits or Limits.of(plan)
    try:
        run.leave_out_failures()
        run.loop(opened)
    finally:
        # What is still at work is given up: nobody may write where it is about to be cleared.
        if engine is None or run.is_at_work:
            opened.stop()
        run.close()
    return Outcome(tuple(run.made), run.failed, run.stopped)


class _Execution:
    """The state of one execution: what is left, what runs, what came of it."""

    def __init__(
        self, plan: Plan, store: Store, *, folder: Path, listener: Listener, nodes: Sequence[Node]
    ) -> None:
        registry.use(plan.components)
        lanes = {
            key: program.key
            for program in programs(plan, registry.catalog())
            for key in program.lanes
        }
        self.store = store
        self._folder = _anywhere(folder)
        self.listener = listener
        self.agenda = Agenda(nodes, lanes)
        self.by_key = {node.key: node for node in plan.nodes}
        self.components = [str(Path(file).resolve()) for file in plan.components]
        self.kept = Kept(store.root, self.components, self.by_key)
        self.sharing = Sharing(store)
        self.limits = Limits()
        self.made: list[str] = []
        self.failed: dict[str, Mapping[str, Any]] = {}
        self.stopped: str | None = None
        self._at_work: dict[int, _AtWork] = {}
        #: What the next places to be free are handed at once.
        self._next: list[Batch] = []
        self._elsewhere: list[Node] = []
        self._asked = 0.0
        self._whole: set[str] = set()
        self._finished: list[tuple[Node, Made]] = []
        self._committed = 0.0
        #: Seconds that a lane of a program took last.
        self._pace: dict[str, float] = {}
        #: Programs of which it was tried whether many lanes are faster together.
        self._tried: set[str] = set()
        #: Lanes of a program that were last done together.
        self._width: dict[str, int] = {}
        #: Programs whose lanes a worker died of, which is found by having each alone.
        self._one_by_one: set[str] = set()
        self._notes = Notes(store.root, store.owner.identity, plan.study, len(nodes))

    @property
    def is_at_work(self) -> bool:
        """Whether a place has work that it has not ended."""
        return bool(self._at_work)

    def loop(self, engine: Engine) -> None:
        while (len(self.agenda) or self._at_work) and not self.limits.is_over:
            self._ask_again()
            self._hand_out(engine)
            if len(self._at_work) < engine.places or self._has_waited:
                self._commit()
                self._hand_out(engine)
            self._look_ahead(engine)
            if self._at_work:
                for place, said in engine.events():
                    self._take(place, said)
            elif self._elsewhere:
                time.sleep(PAUSE_SECONDS)
            elif not self.agenda.has_ready:
                return
            self.stopped = self._hopeless()
            if self.stopped:
                return

    def leave_out_failures(self) -> None:
        """Have what failed before, of a cause that it would meet again, count as failed."""
        if self.limits.retry:
            return
        for key in sorted(failures_in(self.store.root) & self.agenda.open):
            failure = {**self.store.failure(key), "again": True}
            if failure["cause"] in _LASTING and key not in self.failed:
                self._fail(self.by_key[key], failure)

    def close(self) -> None:
        """Leave the store to others."""
        try:
            self._commit()
        finally:
            self._notes.close()
            self.sharing.close()
            self.store.close()

    # Handing out

    def _ask_again(self) -> None:
        if self._elsewhere and time.monotonic() - self._asked >= PAUSE_SECONDS:
            self._asked = time.monotonic()
            for node in self._elsewhere:
                self.agenda.put_back(node)
            self._elsewhere = []

    def _hand_out(self, engine: Engine) -> None:
        """Give every place that is free what is next for it."""
        for place in range(engine.places):
            if place in self._at_work:
                continue
            batch = self._next.pop(0) if self._next else self._ready_batch(engine)
            if batch is not None:
                tasks = {one.key: one for one in batch.tasks}
                self._at_work[place] = _AtWork(batch.program, tasks)
                engine.start(place, batch)

    def _look_ahead(self, engine: Engine) -> None:
        """Make ready what places will do that are free soon, so that they need not wait for it."""
        soon = sum(map(self._is_soon_done, self._at_work.values()))
        while len(self._next) < soon and (batch := self._ready_batch(engine)) is not None:
            self._next.append(batch)

    def _is_soon_done(self, work: "_AtWork") -> bool:
        """Whether what is left takes a moment; nobody knows before it has begun."""
        seconds = self._pace.get(work.program, math.inf) * len(work.left)
        return bool(work.started) and seconds < _SECONDS_AHEAD

    def _ready_batch(self, engine: Engine) -> Batch | None:
        """The first nodes that are ready and ours to do."""
        while (found := self.agenda.next_program()) is not None:
            program, ready = found
            nodes = self.agenda.hand_out(program, self._lanes(program, ready, engine))
            ours = [node for node in self._claimed(nodes) if self._inputs_are_whole(node)]
            if ours:
                return self._batch(program, ours, engine)
        return None

    def _lanes(self, program: str, ready: int, engine: Engine) -> int:
        """How many lanes to hand out together: one first, then many, then what is found best."""
        if engine.lanes_at_a_time is not None:
            return engine.lanes_at_a_time
        pace = self._pace.get(program)
        if pace is None or program in self._one_by_one:
            return 1
        pace = max(pace, 1e-4)
        share = max(-(-ready // engine.places), min(ready, int(_SECONDS_AT_LEAST / pace)))
        if program not in self._tried:
            return max(1, min(share, MOST_TOGETHER))
        if program in self._width:
            return max(1, min(share, self._width[program]))
        return max(1, min(share, int(_SECONDS_PER_BATCH / pace), _LANES_AT_MOST))

    def _batch(self, program: str, nodes: Sequence[Node], engine: Engine) -> Batch:
        is_trial = len(nodes) > 1 and program not in self._tried and not engine.lanes_at_a_time
        if is_trial:
            self._tried.add(program)
        journal = self.store.root / lane_journal.FOLDER / f"{program}.jsonl"
        tasks = tuple(self._task(node) for node in nodes)
        return Batch(program, tasks, journal=_anywhere(journal), trial=is_trial)

    def _claimed(self, nodes: Sequence[Node]) -> list[Node]:
        """The nodes that are to be done here and now; the others wait, or are over."""
        claims = self.sharing.claims([node.key for node in nodes])
        ours: list[Node] = []
        for node in nodes:
            claim = claims[node.key]
            if claim == "ours":
                ours.append(node)
            elif claim == "elsewhere":
                self._elsewhere.append(node)
            elif claim == "done":
                self._done(node, self.store.record(node.key))
            else:
                self._fail(node, self.store.failure(node.key))
        return ours

    def _inputs_are_whole(self, node: Node) -> bool:
        try:
            for key in node.inputs.values():
                if key not in self._whole:
                    self.store.verify(key)
                    self._whole.add(key)
        except CorruptFile as damage:
            self._fail(node, {"cause": "corrupt", "message": str(damage)})
            return False
        return True

    def _task(self, node: Node) -> Task:
        places = self.store.open(node.key)
        return Task(
            key=node.key,
            role=node.role,
            component=node.component,
            arguments=node.arguments,
            inputs={role: self.store.place(key) for role, key in node.inputs.items()},
            seed=node.seed,
            vary=node.vary,
            occurrence=self._occurrence(node),
            fresh=node.fresh,
            folder=self._folder,
            output=places.output,
            log=places.log,
            checkpoints=places.checkpoints,
            checkpoint_seconds=self.limits.checkpoint_seconds,
            memory_bytes=self.limits.memory_bytes,
            devices=self.limits.devices,
            components=self.components,
        )

    def _occurrence(self, node: Node) -> int:
        count, before = 0, node.inputs.get("before")
        while before is not None:
            count += self.by_key[before].component == node.component
            before = self.by_key[before].inputs.get("before")
        return count

    # Taking in

    def _take(self, place: int, said: Said) -> None:
        work = self._at_work[place]
        if said["event"] == "idle":
            del self._at_work[place]
        elif said["event"] == "died":
            del self._at_work[place]
            self._bury(work, said)
        else:
            self._hear(work, self.by_key[said["key"]], said)

    def _hear(self, work: "_AtWork", node: Node, said: Said) -> None:
        if said["event"] == "started":
            work.started.add(node.key)
            self._notes.started(node.key, node.label)
            self.listener(Event("started", node))
        elif said["event"] == "progress":
            self._notes.advanced(node.key, said)
            self.listener(Event("progress", node, said))
        elif said["event"] == "returned":
            self._put_back(work.left.pop(node.key))
        else:
            task = work.left.pop(node.key)
            if said["event"] == "done":
                self._pace[work.program] = float(said["record"]["wall_seconds"])
                if said["record"].get("lanes", 1) > 1:
                    self._width[work.program] = int(said["record"]["lanes"])
                record = {**_described(node, self.kept), **said["record"]}
                self._finished.append((node, Made(node.key, Path(task.output), record)))
            else:
                self._give_up(node, task, said)

    def _bury(self, work: "_AtWork", said: Said) -> None:
        """A worker died: what it was at failed, what it had not begun is done elsewhere.

        Of several lanes that it was at together, any may be the cause: each is tried by itself.
        """
        at_work = work.started & work.left.keys()
        if len(at_work) > 1:
            self._one_by_one.add(work.program)
            self._take_back(work.program)
        for key, task in list(work.left.items()):
            node = self.by_key[key]
            if at_work == {key} or not work.started:
                words = {"traceback": self.store.last_words(key) or said["traceback"]}
                cause = {"event": "failed", "cause": "worker died"}
                self._give_up(node, task, {**said, **cause, **words})
            else:
                self._put_back(work.left.pop(key))

    def _take_back(self, program: str) -> None:
        """No lanes of a program are to be done together that nobody has been handed yet."""
        for batch in [one for one in self._next if one.program == program]:
            self._next.remove(batch)
            for task in batch.tasks:
                self._put_back(task)

    def _put_back(self, task: Task) -> None:
        """A lane is not done where it was meant to be."""
        self.store.discard(Path(task.output))
        self.sharing.release([task.key])
        self.agenda.put_back(self.by_key[task.key])

    def _give_up(self, node: Node, task: Task, said: Said) -> None:
        self.store.discard(Path(task.output))
        self.store.record_failure(node.key, {**_described(node, self.kept), **said})
        self._fail(node, said)

    @property
    def _has_waited(self) -> bool:
        """Whether what is finished has to be stored now, with nobody waiting for it."""
        return time.monotonic() - self._committed >= _SECONDS_BETWEEN_COMMITS

    def _commit(self) -> None:
        self._committed = time.monotonic()
        if self._finished:
            nodes, made = zip(*self._finished, strict=True)
            self._finished = []
            self.store.commit_all(made)
            index.add(self.store.root, {one.key: one.record for one in made})
            self.sharing.release([node.key for node in nodes])
            for node, one in zip(nodes, made, strict=True):
                self._whole.add(node.key)
                self._done(node, one.record)

    def _done(self, node: Node, record: Mapping[str, Any]) -> None:
        self.agenda.done(node.key)
        self.made.append(node.key)
        self._notes.ended(node.key, worked=True)
        self.listener(Event("done", node, record))

    def _fail(self, node: Node, detail: Mapping[str, Any]) -> None:
        self.sharing.release([node.key])
        self.failed[node.key] = detail
        self._notes.ended(node.key, worked=False)
        self.listener(Event("failed", node, detail))
        for lost in self.agenda.failed(node.key):
            why = {"cause": "input failed", "message": f"needs {node.key[:12]}, which failed"}
            self.failed[lost.key] = why
            self._notes.ended(lost.key, worked=False)
            self.listener(Event("skipped", lost, why))

    def _hopeless(self) -> str | None:
        """That the first runs all failed, and of one cause: so would the others."""
        if self.made or self._finished or not len(self.agenda):
            return None
        tried = [
            failure
            for failure in self.failed.values()
            if "event" in failure and "again" not in failure
        ]
        causes = {(one["cause"], _NUMBER.sub("", one["message"])) for one in tried}
        if len(causes) != 1:
            return None
        enough = _SAME_DIVERGED if tried[0]["cause"] == "diverged" else _SAME_FAILURES
        if len(tried) < enough:
            return None
        left = len(self.agenda)
        return (
            f"stopped: the first {len(tried)} runs failed of the same cause, and so would what is "
            f"left ({left} stages and measurements): mend it, and run the same command again"
        )


@dataclass
class _AtWork:
    """What a place was given: what is left of it, and what has been begun."""

    program: str
    left: dict[str, Task]
    started: set[str] = field(default_factory=set[str])


def _anywhere(path: Path) -> str:
    """A path as workers can use it, whatever folder they work in."""
    return str(path.absolute())


def _described(node: Node, kept: Kept) -> dict[str, Any]:
    now = datetime.now(UTC).isoformat(timespec="seconds")
    said = {name: getattr(node, name) for name in _OF_NODES}
    return {**said, **kept.facts(node), "finished_at": now}
