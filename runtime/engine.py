"""Where batches of lanes run: places to work, and what they say.

An engine knows nothing of plans, stores or results. It is handed batches (`lab.runtime.task`), has
the same worker entry (`lab.runtime.serving`) do them wherever it works, and passes on what that
says. Nothing else in the code knows which engine runs.

An engine is one file in `runtime/engines/`, with a final class of its name: `ray.py` has `Ray`.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from lab.runtime.errors import LabError
from lab.runtime.task import Batch

#: What a worker says (`lab.runtime.serving`), or `{"event": "died", "message", "traceback"}`.
Said = Mapping[str, Any]

_FOLDER = Path(__file__).parent / "engines"


@dataclass(frozen=True)
class Opening:
    """What an engine is opened with.

    `root`: the store's folder, which every place can see. `widest`: batches that can ever be at
    work at once. `jobs`: how many a person wants at most. `devices`: how many a place needs.
    """

    root: Path
    widest: int
    jobs: int | None = None
    devices: int = 1


class Engine(ABC):
    """Places to work, numbered from 0, each with one batch at a time. Final classes open them.

    Always holds: after `start`, a place says what happens to each task and then `idle`, or `died`;
    after either it is free. What was `started` and not ended when a place died is what it died of.
    """

    #: Lanes of a program that a batch should have; as many as take a moment if None.
    lanes_at_a_time: int | None = None

    @property
    @abstractmethod
    def places(self) -> int:
        """How many batches can be worked on at a time."""

    @abstractmethod
    def start(self, place: int, batch: Batch) -> None:
        """Give a free place a batch."""

    @abstractmethod
    def events(self) -> list[tuple[int, Said]]:
        """What places have said since; waits a second at most for the first."""

    @abstractmethod
    def stop(self) -> None:
        """End everything that was begun, whatever it is doing. Afterwards nothing of it is left."""


def engines() -> tuple[str, ...]:
    """The names of the engines that there are."""
    return tuple(sorted(path.stem for path in _FOLDER.glob("[!_]*.py")))


def open_engine(name: str, opening: Opening) -> Engine:
    """An engine, open. Raises LabError where what it needs is not installed."""
    if name not in engines():
        raise LabError(f"there is no engine `{name}`: there is {', '.join(engines())}")
    try:
        module = import_module(f"lab.runtime.engines.{name}")
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("lab"):
            raise
        raise LabError(
            f"the engine `{name}` needs the package `{error.name}`, which is not installed: "
            f"pip install 'lab-studies[{name}]'"
        ) from error
    return getattr(module, name.title())(opening)
