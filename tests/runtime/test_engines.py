"""What every engine does, found by its file: all work once, in order, and nothing left behind."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from acts_told import ACTS, batch

from lab.cli.load import load
from lab.cli.main import ARGUMENTS
from lab.compiler.plan import Node, Plan
from lab.runtime import nursery
from lab.runtime.engine import Engine, Opening, Said, engines, open_engine
from lab.runtime.errors import LabError
from lab.runtime.execution import Outcome, execute
from lab.runtime.layout import RECORD
from lab.runtime.owners import BEAT_SECONDS, PATIENCE_SECONDS
from lab.runtime.store import Store

#: In the environment of every process that an engine begins.
MARK = "LAB_TEST_OF_ENGINES"
STUDY = """\
study tiny "A study for engines"
data  images = digits()
model net    = mlp(width: 8, layers: 1)
method dense = train(by: adam(lr: 1e-2), for: 1 epochs, batch: 256)
method eight = dense then quantize(bits: 8)
metric ratio = bytes(dense) / bytes(method)
repeat 2 as seed
grid arms { method: dense | eight }
report { table(ratio, accuracy, by: method) }
"""
#: What a record says of how it was made, not of what was.
HOW = (
    "wall_seconds",
    "compile_seconds",
    "compilations",
    "memory_bytes",
    "usage",
    "finished_at",
    "checksum",
)


@pytest.fixture(scope="module", autouse=True)
def _alone() -> Generator[None]:
    """Engines that have a cluster of their own, on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(MARK, "yes")
        patch.setenv("LAB_SLURM", "local")
        patch.delenv("RAY_ADDRESS", raising=False)
        yield


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engines")


@pytest.fixture(scope="module", params=engines())
def engine(request: pytest.FixtureRequest, root: Path, _alone: None) -> Generator[Engine]:
    name = request.param
    folder = root / name
    folder.mkdir()
    try:
        opened = open_engine(name, Opening(folder, widest=2, jobs=2))
    except LabError as error:
        if "is not installed" in str(error):
            pytest.skip(str(error))
        raise
    yield opened
    opened.stop()


def folder_of(engine: Engine, root: Path) -> Path:
    return root / type(engine).__name__.lower()


def heard(engine: Engine, places: Sequence[int]) -> dict[int, list[Said]]:
    """What places say until they are free."""
    said: dict[int, list[Said]] = {place: [] for place in places}
    busy = set(places)
    while busy:
        for place, one in engine.events():
            assert place in busy, "a place that is free says nothing"
            said[place].append(one)
            if one["event"] in {"idle", "died"}:
                busy.discard(place)
    return said


def order(said: Sequence[Said]) -> list[tuple[str, str]]:
    return [(one["event"], one.get("key", "")) for one in said if one["event"] != "progress"]


def marked(value: str = "yes") -> dict[int, str]:
    """Processes of a test, but for itself: their numbers and commands."""
    found: dict[int, str] = {}
    for path in Path("/proc").glob("[0-9]*/environ"):
        with suppress(OSError):
            if f"{MARK}={value}".encode() in path.read_bytes():
                command = path.with_name("cmdline").read_text(encoding="utf-8")
                found[int(path.parent.name)] = command.replace("\0", " ")
    found.pop(os.getpid(), None)
    return found


def records(root: Path) -> dict[str, Any]:
    found = {}
    for path in root.glob(f"*/{RECORD}"):
        record = json.loads(path.read_text())
        found[path.parent.name] = {k: v for k, v in record.items() if k not in HOW}
    return found


def test_the_command_line_knows_the_engines_that_there_are() -> None:
    assert ARGUMENTS["--engine"][1]["choices"] == engines()


def test_an_engine_that_is_not_there_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="no engine `abacus`: there is local"):
        open_engine("abacus", Opening(tmp_path, widest=1))


def test_an_engine_whose_package_is_missing_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "submitit", None)
    monkeypatch.delitem(sys.modules, "lab.runtime.engines.slurm", raising=False)
    with pytest.raises(LabError, match=r"pip install 'lab-studies\[slurm\]'"):
        open_engine("slurm", Opening(tmp_path, widest=1))


def test_every_task_is_done_once_and_in_order(engine: Engine, root: Path) -> None:
    folder = folder_of(engine, root)
    assert engine.places == 2
    (folder / "other").mkdir()
    engine.start(0, batch(folder, "work", "work", "work"))
    engine.start(1, batch(folder / "other", "linger"))
    said = heard(engine, (0, 1))
    keys = [f"{i}-work" for i in range(3)]
    assert order(said[0]) == [
        *((event, key) for key in keys for event in ("started", "done")),
        ("idle", ""),
    ]
    assert order(said[1]) == [("started", "0-linger"), ("done", "0-linger"), ("idle", "")]
    done = [one["record"] for one in said[0] if one["event"] == "done"]
    assert [one["values"]["value"] for one in done] == [2.5] * 3
    assert {one["values"]["process"] for one in done}.isdisjoint({float(os.getpid())})
    steps = [one["event"] for one in said[1]]
    assert steps == ["started", "progress", "done", "idle"], "what takes a while says how far it is"
    at_once = [one["key"] for one in said[0] if one["event"] == "progress"]
    assert set(at_once) <= {keys[0]}, "what is over at once does not, but for the first, that loads"
    assert said[1][1]["values"] == {"half": 0.5}


def test_a_failure_is_said_and_the_others_go_on(engine: Engine, root: Path) -> None:
    engine.start(0, batch(folder_of(engine, root), "fail", "work"))
    said = heard(engine, (0,))[0]
    assert order(said) == [
        ("started", "0-fail"),
        ("failed", "0-fail"),
        ("started", "1-work"),
        ("done", "1-work"),
        ("idle", ""),
    ]
    failure = next(one for one in said if one["event"] == "failed")
    assert failure["message"] == "it was told to fail"
    assert "acts.py" in failure["traceback"]


def test_a_worker_that_is_killed_has_died_and_its_place_is_free(engine: Engine, root: Path) -> None:
    folder = folder_of(engine, root)
    engine.start(0, batch(folder, "work", "die", "work"))
    said = heard(engine, (0,))[0]
    assert order(said) == [
        ("started", "0-work"),
        ("done", "0-work"),
        ("started", "1-die"),
        ("died", ""),
    ]
    assert said[-1]["message"]
    engine.start(0, batch(folder, "work"))
    assert order(heard(engine, (0,))[0])[-1] == ("idle", "")


def ran(root: Path, text: str, engine: Engine | None) -> Outcome:
    file = root / "study.lab"
    file.write_text(text, encoding="utf-8")
    plan = load(file, profile=None).plan
    assert plan is not None
    store = Store(root / "store")
    return execute(plan, store, folder=root, listener=lambda _: None, jobs=2, engine=engine)


@pytest.fixture(scope="module")
def local(root: Path) -> dict[str, Any]:
    """The records that this machine's workers make of the study."""
    folder = root / "reference"
    folder.mkdir()
    assert not ran(folder, STUDY, None).failed
    return records(folder / "store")


def test_records_are_those_of_the_local_engine_to_the_bit(
    engine: Engine, root: Path, local: dict[str, Any]
) -> None:
    folder = folder_of(engine, root) / "study"
    folder.mkdir()
    assert not ran(folder, STUDY, engine).failed
    made = records(folder / "store")
    assert len(made) == len(local)
    for key, record in local.items():
        assert made[key] == record


def acting(*acts: str) -> Plan:
    """A plan of measurements that are lanes of no common program but the same component."""
    nodes = tuple(
        Node(
            key=f"{i}-{act}",
            role="measurement",
            component="act",
            arguments={"does": act, "value": 1.5},
            inputs={},
            seed=i,
            vary=(),
            version="1",
            fresh=False,
            label=act,
        )
        for i, act in enumerate(acts)
    )
    return Plan(
        "acts",
        title=None,
        profile=None,
        nodes=nodes,
        runs=(),
        claims=(),
        figures=(),
        axes=(),
        removed=(),
        wall_seconds=None,
        memory_bytes=None,
        components=(str(ACTS),),
    )


def test_a_plan_goes_on_without_what_its_workers_died_of(engine: Engine, root: Path) -> None:
    store = Store(folder_of(engine, root) / "killed")
    plan = acting("work", "die", "work", "fail", "work")
    outcome = execute(plan, store, folder=root, listener=lambda _: None, engine=engine)
    assert sorted(outcome.made) == ["0-work", "2-work", "4-work"]
    causes = {key: failure["cause"] for key, failure in outcome.failed.items()}
    assert causes == {"1-die": "worker died", "3-fail": "defect"}


def test_stop_ends_what_is_at_work_and_leaves_nothing(engine: Engine, root: Path) -> None:
    folder = folder_of(engine, root)
    (folder / "waiting").unlink(missing_ok=True)
    engine.start(0, batch(folder, "wait"))
    until = time.monotonic() + 120
    while not (folder / "waiting").exists() and time.monotonic() < until:
        engine.events()
    assert (folder / "waiting").exists()
    assert marked()
    engine.stop()
    nursery.end()  # It waits for the next execution of this process, at no work.
    assert not marked()
    assert not list(folder.glob(".tmp-batches-*"))
    assert not list((folder / "owners").glob("*"))


@pytest.mark.verify
@pytest.mark.parametrize("name", engines())
def test_a_killed_command_leaves_nobody_at_work_and_goes_on(
    name: str, tmp_path: Path, local: dict[str, Any]
) -> None:
    file = tmp_path / "study.lab"
    file.write_text(STUDY, encoding="utf-8")
    results = tmp_path / "results"
    command = [sys.executable, "-m", "lab", "run", str(file), "--results", str(results)]
    command += ["--engine", name]
    environment = {**os.environ, MARK: "killed"}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    store = results / "store"
    while process.poll() is None and not list(store.glob(f"*/{RECORD}")):
        time.sleep(0.02)
    process.kill()
    assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"
    until = time.monotonic() + PATIENCE_SECONDS + 2 * BEAT_SECONDS
    while marked("killed") and time.monotonic() < until:
        time.sleep(0.1)
    assert not marked("killed")
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    assert not marked("killed")
    made = records(store)
    assert {key: made[key] for key in local} == local
    assert not list(store.glob(".tmp-*"))
