"""Workers by forking: as good as processes begun from nothing, and nothing is left of them."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import IO, Any

import pytest
from acts_told import batch
from pretended import TINY, leftovers, made, tiny

from lab.runtime import nursery
from lab.runtime.execution import execute
from lab.runtime.nursery import Forked, Nursery
from lab.runtime.store import Store

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="processes are forked on Linux")


@pytest.fixture
def complaints() -> Generator[IO[bytes]]:
    with tempfile.TemporaryFile() as file:
        yield file


@pytest.fixture
def one() -> Generator[Nursery]:
    core = sorted(os.sched_getaffinity(0))[0]
    begun = Nursery(dict(os.environ), [core])
    yield begun
    begun.close()
    while _asked:
        left(_asked.pop())


_asked: list[Forked] = []


def left(worker: Forked) -> None:
    """Nobody speaks to a worker any more."""
    worker.stdin.close()
    worker.stdout.close()


def asked(one: Nursery, complaints: IO[bytes], **variables: str) -> Forked:
    core = sorted(os.sched_getaffinity(0))[-1]
    worker = one.worker({**os.environ, **variables}, [core], complaints)
    assert worker is not None
    _asked.append(worker)
    return worker


def handed(worker: Forked, folder: Path, does: str) -> None:
    """A task for a worker."""
    worker.stdin.write(batch(folder, does).to_json().encode() + b"\n")
    worker.stdin.flush()


def done(worker: Forked, folder: Path, does: str) -> dict[str, Any]:
    """What comes of it."""
    handed(worker, folder, does)
    for line in worker.stdout:
        said = json.loads(line)
        if said["event"] == "done":
            return said["record"]
    raise AssertionError("the worker has ended")


def until(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < end, "it never came to that"
        time.sleep(0.02)


def test_what_is_imported_begins_no_thread_and_no_device() -> None:
    script = (
        "import os, sys; os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1]);"
        "from lab.runtime import nursery; nursery._import();"
        "from jax._src import xla_bridge;"
        "threads = len(os.listdir('/proc/self/task'));"
        "print(threads, len(xla_bridge._backends), 'torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["1", "0", "False"]


def test_workers_are_processes_of_their_own_and_end_with_their_input(
    one: Nursery, complaints: IO[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    workers = [asked(one, complaints, LAB_TEST=name) for name in ("first", "second")]
    for worker in workers:
        worker.poll()
    found = [done(worker, tmp_path, "work")["values"] for worker in workers]
    assert [values["value"] for values in found] == [2.5, 2.5]
    processes = [int(values["process"]) for values in found]
    assert len({os.getpid(), one._process.pid, *processes}) == 4
    folders = {Path(f"/proc/{process}/cwd").readlink() for process in processes}
    assert folders == {tmp_path}, "a worker works where it was asked for"
    bound = [os.sched_getaffinity(process) for process in processes]
    assert bound == [{sorted(os.sched_getaffinity(0))[-1]}] * 2
    assert [worker.poll() for worker in workers] == [None, None]
    workers[0].stdin.close()
    assert workers[0].wait(20) == 0
    assert workers[1].poll() is None, "the other one goes on"
    workers[1].stdin.close()
    assert workers[1].wait(20) == 0


def test_how_a_worker_died_is_known(one: Nursery, complaints: IO[bytes], tmp_path: Path) -> None:
    worker = asked(one, complaints)
    handed(worker, tmp_path, "die")
    assert worker.wait(20) == -signal.SIGKILL
    worker = asked(one, complaints)
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(0.01)
    process = int(done(worker, tmp_path, "work")["values"]["process"])
    worker.kill()
    assert worker.wait(20) == -signal.SIGKILL
    assert not Path(f"/proc/{process}").exists(), "it is no zombie"


def test_a_worker_is_asked_for_and_ended_while_the_nursery_imports(
    one: Nursery, complaints: IO[bytes]
) -> None:
    worker = asked(one, complaints)
    worker.kill()
    assert worker.wait(20) == 1
    assert one.worker(dict(os.environ), [0], complaints) is None


def test_workers_outlive_a_nursery_that_died(
    one: Nursery, complaints: IO[bytes], tmp_path: Path
) -> None:
    worker = asked(one, complaints)
    done(worker, tmp_path, "work")
    one._process.kill()
    one._process.wait()
    assert done(worker, tmp_path, "work")["values"]["value"] == 2.5
    assert worker.poll() is None
    assert one.worker(dict(os.environ), [0], complaints) is None, "there is no other from there"
    worker.stdin.close()
    assert worker.wait(20) == 1, "how it ended nobody knows"


def test_a_nursery_that_dies_while_it_imports_costs_no_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nursery, "_are_given_up", [])
    nursery.end()
    begun = Nursery.__init__

    def stillborn(one: Nursery, *arguments: Any) -> None:
        begun(one, *arguments)
        one._process.kill()

    monkeypatch.setattr(Nursery, "__init__", stillborn)
    plan = tiny()
    ended = execute(plan, Store(tmp_path), folder=TINY.parent, listener=lambda _: None)
    assert not ended.failed
    assert nursery._are_given_up, "nobody waits for it a second time"


def test_a_folder_that_is_gone_is_no_matter_to_those_begun_elsewhere(
    complaints: IO[bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    one = Nursery(dict(os.environ), sorted(os.sched_getaffinity(0))[:1])
    monkeypatch.chdir(tmp_path)
    try:
        done(asked(one, complaints), tmp_path, "work")
        (tmp_path / "gone").rmdir()
        assert done(asked(one, complaints), tmp_path, "work")["values"]["value"] == 2.5
    finally:
        one.close()
        while _asked:
            left(_asked.pop())


def test_nothing_is_left_where_the_parent_is_killed(tmp_path: Path) -> None:
    script = (
        "import os, sys, tempfile, time; from lab.runtime import nursery;"
        "worker = nursery.forked(dict(os.environ), [sorted(os.sched_getaffinity(0))[0]],"
        " tempfile.TemporaryFile());"
        "nurseries = list(nursery._nurseries.values());"
        "worker._nursery._hear(None);"
        "print(nurseries[0]._process.pid, worker._nursery._processes[1], flush=True);"
        "time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    begun = [int(word) for word in parent.stdout.readline().split()]
    assert len(begun) == 2
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until(lambda: not any(nursery._is_alive(process) for process in begun))


def test_where_processes_are_not_to_be_forked_none_are(complaints: IO[bytes]) -> None:
    environment = {**os.environ, nursery.SWITCH: "0"}
    assert nursery.forked(environment, [0], complaints) is None


def test_forked_workers_make_what_begun_ones_make(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = tiny()
    for switch in ("0", "1"):
        root = tmp_path / switch
        monkeypatch.setenv(nursery.SWITCH, switch)
        ended = execute(plan, Store(root), folder=TINY.parent, listener=lambda _: None)
        assert not ended.failed
        assert not leftovers(root)
    assert made(tmp_path / "0") == made(tmp_path / "1"), "to the bit"


def test_one_nursery_serves_all_that_imports_would_find_alike(complaints: IO[bytes]) -> None:
    core = sorted(os.sched_getaffinity(0))[:1]
    nursery.end()
    try:
        first = nursery.forked({**os.environ, "LAB_DATA": "here"}, core, complaints)
        second = nursery.forked({**os.environ, "LAB_DATA": "there"}, core, complaints)
        other = nursery.forked({**os.environ, "XLA_FLAGS": "--other"}, core, complaints)
        assert first is not None
        assert second is not None
        assert other is not None
        assert first._nursery is second._nursery
        assert first._nursery is not other._nursery
        for worker in (first, second, other):
            left(worker)
    finally:
        nursery.end()
