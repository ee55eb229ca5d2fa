"""An engine that makes something of every task at once, in this process, or fails as told."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.cli.load import load
from lab.compiler.plan import Plan
from lab.runtime.engine import Engine, Said
from lab.runtime.execution import Outcome, execute
from lab.runtime.layout import keys_in
from lab.runtime.store import Store
from lab.runtime.task import Batch, Task

TINY = Path(__file__).parents[1] / "cli" / "tiny.lab"

#: Says how a task fails, None where it does not.
Fault = Callable[[Task], Said | None]


class Pretended(Engine):
    """Results are a file and a number each, equal for equal keys."""

    def __init__(self, fault: Fault = lambda _: None) -> None:
        self.fault = fault
        self.stopped = False
        self._said: list[tuple[int, Said]] = []

    @property
    def places(self) -> int:
        return 1

    def start(self, place: int, batch: Batch) -> None:
        for task in batch.tasks:
            self._said.append((place, {"event": "started", "key": task.key}))
            (Path(task.output) / "made").write_text(task.key)
            record: dict[str, Any] = {"values": {"value": 1.0}, "wall_seconds": 1.0}
            ended = self.fault(task) or {"event": "done", "record": record}
            self._said.append((place, {**ended, "key": task.key}))
            if ended["event"] == "died":
                return
        self._said.append((place, {"event": "idle"}))

    def events(self) -> list[tuple[int, Said]]:
        said, self._said = self._said, []
        return said

    def stop(self) -> None:
        self.stopped = True


def tiny(*sets: str) -> Plan:
    """A plan of some thirty stages and measurements."""
    plan = load(TINY, sets=sets).plan
    assert plan is not None
    return plan


def done(plan: Plan, root: Path, fault: Fault = lambda _: None, **more: Any) -> Outcome:
    """Run a plan with this engine."""
    return execute(
        plan,
        Store(root),
        folder=TINY.parent,
        listener=more.pop("listener", lambda _: None),
        engine=Pretended(fault),
        **more,
    )


def made(root: Path) -> dict[str, Any]:
    """What stands in a store, by key."""
    store = Store(root)
    found: dict[str, Any] = {}
    for key in keys_in(root):
        store.verify(key)
        record = store.record(key)
        found[key] = (record["values"], record["files"])
    return found


def leftovers(root: Path) -> list[str]:
    """What no process that is over may leave in a store."""
    folders = ("owners", "running", "leases")
    found = [path for name in folders for path in (root / name).glob("*") if path.name != ".lock"]
    return [str(path) for path in [*found, *root.glob(".tmp-*"), *root.rglob("*.part")]]
