"""A Ray cluster: each place is an actor for stages and, once needed, one for honest scoring.

The cluster is the one that RAY_ADDRESS names; where it names none, one is started on this machine
and ended afterwards. Every node must see the store's folder and have `lab` installed. On a node,
places share the cores as `local`'s workers do, so that results are the same bits.

An actor that dies is told to the plan as a worker that died, and begun anew for the next batch.
"""

import os
import shutil
import signal
import socket
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lab.runtime.device import cores
from lab.runtime.engine import Engine, Opening, Said
from lab.runtime.errors import LabError
from lab.runtime.mailbox import Correspondence, Mailbox, Posted, attend
from lab.runtime.task import Batch

# Ray reads it when it is imported.
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray as untyped
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

ray: Any = untyped

_WARNING = (
    "lab: RAY_ADDRESS names no cluster, so one is started on this machine; Ray listens on all of "
    "its network addresses, without a password: use it in a network that you trust"
)
#: Seconds between two looks at what was said.
_LOOK_SECONDS = 0.05
#: Seconds in which a cluster must have begun an actor.
_START_SECONDS = 120.0
#: Seconds in which the end of what a worker elsewhere said must be there once it has ended.
_PATIENCE_SECONDS = 5.0
_STORE_BYTES = 100_000_000


class Worker:
    """An actor: a process that does batches, one at a time."""

    def about(self) -> tuple[str, int]:
        """The node it is on, and its process's number there."""
        return ray.get_runtime_context().get_node_id(), os.getpid()

    def take_share(self, index: int, of: int) -> None:
        """Keep to its share of the node's cores."""
        if hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, cores()[index::of])

    def serve(self, posted: Posted) -> None:
        """Do a batch."""
        attend(posted)


@dataclass
class _Place:
    """A share of a node: the `index`-th `of` so many. `workers` are actors by `fresh`.

    `letter` and `call` are the batch under way and the call that does it; `ended` is when that call
    was seen to have ended.
    """

    node: str
    index: int
    of: int
    workers: dict[bool, Any] = field(default_factory=dict[bool, Any])
    fresh: bool = False
    letter: Correspondence | None = None
    call: Any = None
    ended: float | None = None


class Ray(Engine):
    """Actors on a Ray cluster."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._places: list[_Place] = []
        self._numbers: set[int] = set()
        self._open()

    @property
    def places(self) -> int:
        """One for each actor for stages."""
        return len(self._places)

    def start(self, place: int, batch: Batch) -> None:
        """Hand an actor its batch."""
        if not ray.is_initialized():
            self._open()
        one = self._places[place]
        one.fresh, one.ended = batch.fresh, None
        worker = self._worker(one)
        one.letter = self._mailbox.post(batch)
        one.call = worker.serve.remote(one.letter.posted)

    def events(self) -> list[tuple[int, Said]]:
        """What the busy actors have to say; waits a second at most for the first."""
        until = time.monotonic() + 1.0
        found: list[tuple[int, Said]] = []
        while not found and time.monotonic() < until:
            calls = [one.call for one in self._places if one.letter and one.ended is None]
            if calls:
                ray.wait(calls, num_returns=1, timeout=_LOOK_SECONDS)
            else:
                time.sleep(_LOOK_SECONDS)
            for number, one in enumerate(self._places):
                found.extend((number, said) for said in self._heard(one))
        return found

    def stop(self) -> None:
        """End the actors, and the cluster if it was started here."""
        for one in self._places:
            for worker in one.workers.values():
                ray.kill(worker)
            one.workers.clear()
            one.letter = None
        self._leave()

    # Opening and leaving

    def _open(self) -> None:
        """Connect, and have an actor for each place."""
        self._own_folder = _connected()
        try:
            self._mailbox = Mailbox(self._opening.root)
            self._here = ray.get_runtime_context().get_node_id()
            self._places = self._begun(_slots(self._opening))
        except BaseException:
            self._leave()
            raise

    def _begun(self, most: int) -> list[_Place]:
        made = [self._actor(fresh=False, where="SPREAD") for _ in range(most)]
        abouts = {worker.about.remote(): worker for worker in made}
        ready, late = ray.wait(list(abouts), num_returns=most, timeout=_START_SECONDS)
        for one in late:
            ray.kill(abouts[one])
        if not ready:
            raise LabError(
                f"the Ray cluster began no worker within {_START_SECONDS:.0f} s: it has no room"
            )
        try:
            found = [(abouts[one], *ray.get(one)) for one in ready]
        except RayError as error:
            raise LabError(
                f"a node of the Ray cluster cannot run `lab`: install it there too ({error})"
            ) from error
        count, places = Counter(node for _, node, _ in found), list[_Place]()
        given: Counter[str] = Counter()
        for worker, node, number in found:
            place = _Place(node, given[node], count[node], {False: worker})
            given[node] += 1
            self._settle(place, worker, number)
            places.append(place)
        return places

    def _leave(self) -> None:
        self._mailbox.close()
        ray.shutdown()
        _await_end(self._numbers)
        self._numbers.clear()
        if self._own_folder is not None:
            shutil.rmtree(self._own_folder, ignore_errors=True)

    # Workers

    def _worker(self, place: _Place) -> Any:
        """The actor of a place for what is at hand, begun where there is none alive."""
        worker = place.workers.get(place.fresh)
        try:
            if worker is not None:
                ray.get(worker.about.remote())
                return worker
        except RayError:
            pass  # It has died since.
        where = NodeAffinitySchedulingStrategy(place.node, soft=True)
        worker = place.workers[place.fresh] = self._actor(fresh=place.fresh, where=where)
        self._settle(place, worker, ray.get(worker.about.remote())[1])
        return worker

    def _actor(self, *, fresh: bool, where: Any) -> Any:
        """A new actor. Those for scoring are at work while those for stages are not."""
        graphics, devices = "GPU" in ray.cluster_resources(), self._opening.devices
        share = 0.5 if devices == 1 else (1 if fresh else devices)
        return (
            ray.remote(Worker)
            .options(
                num_cpus=0 if fresh else 1,
                num_gpus=share if graphics else 0,
                scheduling_strategy=where,
            )
            .remote()
        )

    def _settle(self, place: _Place, worker: Any, number: int) -> None:
        worker.take_share.remote(place.index, place.of)
        if place.node == self._here:
            self._numbers.add(number)

    # What they say

    def _heard(self, one: _Place) -> list[Said]:
        """News of a place; what its worker said is complete once the worker has ended."""
        if one.letter is None:
            return []
        has_ended = bool(ray.wait([one.call], timeout=0)[0])
        said: list[Said] = list(one.letter.news())
        if not one.letter.is_over:
            if not has_ended:
                return said
            one.ended = one.ended or time.monotonic()
            if one.node != self._here and time.monotonic() - one.ended < _PATIENCE_SECONDS:
                return said
            said.append(self._died(one))
        one.letter.forget()
        one.letter = None
        return said

    def _died(self, one: _Place) -> Said:
        """The worker at work is gone: what to record."""
        ray.kill(one.workers.pop(one.fresh))
        try:
            ray.get(one.call)
            why = "it ended without a word"
        except RayError as error:
            why = str(error)
        message = "the Ray worker died; out of memory is the usual reason"
        return {"event": "died", "message": message, "traceback": why}


def _connected() -> Path | None:
    """Connect to the cluster; where none is named, start one, with its files in a folder."""
    _see_that_it_answers(os.environ.get("RAY_ADDRESS", ""))
    with _sigterm_kept():
        try:
            if os.environ.get("RAY_ADDRESS"):
                ray.init(log_to_driver=False, logging_level="error")
                return None
        except (ConnectionError, RuntimeError) as error:
            address = os.environ["RAY_ADDRESS"]
            raise LabError(f"there is no Ray cluster at RAY_ADDRESS={address}: {error}") from error
        print(_WARNING, file=sys.stderr)
        folder = Path(tempfile.mkdtemp(prefix="lab-ray-"))
        ray.init(
            address="local",
            num_cpus=len(cores()),
            object_store_memory=_STORE_BYTES,
            include_dashboard=False,
            log_to_driver=False,
            logging_level="error",
            _temp_dir=str(folder),
        )
        return folder


def _see_that_it_answers(address: str) -> None:
    """Refuse an address at which nobody is: Ray would try for minutes."""
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if not host or not port.isdigit():
        return
    try:
        socket.create_connection((host, int(port)), timeout=_PATIENCE_SECONDS).close()
    except OSError as error:
        raise LabError(f"there is no Ray cluster at RAY_ADDRESS={address}: {error}") from error


@contextmanager
def _sigterm_kept() -> Generator[None]:
    """Connecting puts Ray's own answer to SIGTERM in place of the command's."""
    before = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, before)


def _slots(opening: Opening) -> int:
    """How many places the cluster has room for, of those that are wanted."""
    there = ray.cluster_resources()
    if "GPU" in there:
        each = opening.devices if opening.devices == 1 else opening.devices + 1
        room = int(there["GPU"]) // each
    else:
        room = int(there.get("CPU", 1))
    return max(1, min(opening.jobs or room, room, opening.widest))


def _await_end(numbers: set[int]) -> None:
    """Wait for processes that were ended to be gone."""
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until and any(Path(f"/proc/{one}").exists() for one in numbers):
        time.sleep(_LOOK_SECONDS)
