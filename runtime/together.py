"""The lanes of a batch, together where that was found to be faster.

How lanes of a program are done is chosen once for each device: a few steps of both ways are
measured, the choice and which lanes are done together are journaled before the first step, and
both are kept when the study is resumed. `LAB_LANES=sequence` or `batched` chooses instead. Where
memory runs out, half as many lanes go on.
"""

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from lab.runtime import lanes, meters
from lab.runtime.asking import Ask, Stepped
from lab.runtime.lane_journal import Choice, Grouping, Journal, Where, groups
from lab.runtime.lanes import Lane, Together
from lab.runtime.perform import environment, performing
from lab.runtime.registry import catalog, component_class, use
from lab.runtime.task import Batch, Task
from lab.runtime.work import Progress

MODE = "LAB_LANES"


@dataclass(frozen=True)
class _Crew:
    """How what happens to a task is said, and where its prints go."""

    say: Callable[[Task, Mapping[str, Any] | Exception], None]
    started: Callable[[Task], None]
    reporter: Callable[[Task], Progress]
    printing: Callable[[Task], AbstractContextManager[Any]]


def serve_lanes(
    batch: Batch,
    *,
    say: Callable[[Task, Mapping[str, Any] | Exception], None],
    started: Callable[[Task], None],
    reporter: Callable[[Task], Progress],
    printing: Callable[[Task], AbstractContextManager[Any]],
) -> tuple[Task, ...]:
    """Do together what is faster so; returns the tasks to be done one after another.

    Args:
        batch: lanes of one program.
        say: told of each task's record, or of its failure. `started`: told before its first step.
        reporter: where a task says how far it is. `printing`: entered while it works.
    """
    if not _can_be_together(batch):
        return batch.tasks
    here = environment()
    where = Where(here["device"], here["threads"], looped=True)
    journal = Journal(Path(batch.journal) if batch.journal else None, where)
    crew = _Crew(say, started, reporter, printing)
    left = {task.key: task for task in batch.tasks}
    choice = _forced(len(left), journal) or journal.choice() or _chosen(batch, journal)
    alone: dict[str, Task] = {}
    while left and choice.mode == "batched":
        for grouping in groups(journal, list(left), choice.width):
            members = [key for key in grouping.lanes if key in left]
            if _is_better_alone(grouping, choice, len(members)):
                journal.group(Grouping(grouping.lanes, 1, ""))
                alone |= {key: left.pop(key) for key in members}
            elif not _do(grouping, left, crew, journal):
                choice = _halved(choice, grouping, journal)
                break
    return (*alone.values(), *left.values())


def _unshared(task: Task) -> Task:
    """A task whose batches are not shared by cores: these have other lanes to do."""
    return replace(task, devices=1)


def _can_be_together(batch: Batch) -> bool:
    first = batch.tasks[0]
    use(first.components)
    if first.role != "stage" or (first.devices or 1) > 1:
        return False
    return issubclass(component_class(catalog().signatures["stage", first.component]), Stepped)


def _forced(width: int, journal: Journal) -> Choice | None:
    mode, known = os.environ.get(MODE), journal.choice()
    if mode == "sequence":
        return Choice("sequence", 1, MODE)
    if mode != "batched" or (known is not None and known.mode == mode):
        return None
    forced = Choice("batched", min(width, lanes.MOST), MODE)
    return forced if known is not None else journal.choose(forced)


# Choosing


def _chosen(batch: Batch, journal: Journal) -> Choice:
    """How to do the lanes of a program that was never done here before."""
    tasks = batch.tasks[: lanes.MOST]
    begun = [Lane(one.key, partial(performing, _unshared(one), _silent), _unseen) for one in tasks]
    try:
        ask = begun[0].begin()
        if ask is None:
            return Choice("sequence", 1, "the first ends before a step")
        return journal.choose(_measured(begun, ask))
    finally:
        for lane in begun:
            lane.forget()


def _measured(begun: list[Lane], ask: Ask) -> Choice:
    if not ask.looped:
        return Choice("sequence", 1, "steps of this kind are not looped on this device")
    if ask.streamed:
        return Choice("sequence", 1, "its examples are read as it goes")
    width, pace = len(begun), lanes.pace_alone(ask)
    if not lanes.is_worth_a_look(ask, pace, width):
        return Choice(
            "sequence", 1, "less than compiling and measuring would take", alone=pace.step
        )
    asks = {0: ask}
    for place, lane in enumerate(begun[1:], 1):
        following = lane.begin()
        if following is not None and following.program == ask.program:
            asks[place] = following
    while width > 1:
        some = {place: one for place, one in asks.items() if place < width}
        try:
            step = Together(width).seconds(some, pace.steps) / pace.steps
        except Exception as failure:
            if not lanes.is_out_of_memory(failure):
                raise
            width = (width + 1) // 2 if width > 2 else 1
            continue
        if lanes.is_faster(step, pace.step, width):
            return Choice("batched", width, "measured", pace.step, step)
        return Choice("sequence", 1, "measured", pace.step, step)
    return Choice("sequence", 1, "there is no memory for two", alone=pace.step)


def _silent(step: int, total: int, values: Mapping[str, float]) -> None:
    del step, total, values


def _unseen(lane: Lane, value: Any, failure: Exception | None) -> None:
    """What ends while it is only measured ends again, where it is looked at."""
    del lane, value, failure


def _is_better_alone(grouping: Grouping, choice: Choice, count: int) -> bool:
    """Whether so few lanes are done sooner one after another; those begun together go on so."""
    if grouping.width == 1:
        return True
    if grouping.shared or choice.alone is None or choice.together is None:
        return False
    share = grouping.width / choice.width
    return not lanes.is_faster(choice.together * share, choice.alone, count)


def _halved(choice: Choice, grouping: Grouping, journal: Journal) -> Choice:
    """What to go on with where there was no memory for so many lanes."""
    width = (min(choice.width, grouping.width) + 1) // 2
    because = f"no memory for {grouping.width}"
    if grouping.width < 3:
        return journal.choose(Choice("sequence", 1, because))
    return journal.choose(Choice("batched", width, because, choice.alone))


# Doing


def _do(grouping: Grouping, left: dict[str, Task], crew: _Crew, journal: Journal) -> bool:
    """Do a group; False where memory ran out. Lanes that are over are not `left`."""
    members = {place: key for place, key in enumerate(grouping.lanes) if key in left}
    count, compiled = len(members), meters.compile_seconds()

    def ended(lane: Lane, value: Any, failure: Exception | None) -> None:
        task = left.pop(lane.key)
        compiling = (meters.compile_seconds() - compiled) / count
        shares = {"wall_seconds": lane.seconds, "compile_seconds": compiling, "lanes": count}
        crew.say(task, failure or {**value, **shares})

    group = Together(grouping.width, grouping.shared or None)
    crewed = {place: _lane(left[key], crew, ended) for place, key in members.items()}
    try:
        asks = {place: ask for place, lane in crewed.items() if (ask := lane.begin())}
        if asks:
            group.gather(asks)
            journal.group(Grouping(grouping.lanes, grouping.width, group.shared or "0"))
            lanes.take_together(crewed, asks, group)
    except Exception as failure:  # noqa: BLE001 - what stops a group is the result of its lanes
        for lane in crewed.values():
            lane.forget()
        if lanes.is_out_of_memory(failure):
            return False
        for key in [key for key in members.values() if key in left]:
            crew.say(left.pop(key), failure)
    return True


def _lane(task: Task, crew: _Crew, ended: Callable[[Lane, Any, Exception | None], None]) -> Lane:
    crew.started(task)
    start = partial(performing, _unshared(task), crew.reporter(task))
    return Lane(task.key, start, ended, around=partial(crew.printing, task))
