"""Where batches of lanes run: places to work, and what they say.

An engine knows nothing of plans, stores or results. It is handed batches (`lab.runtime.task`), has
the same worker entry (`lab.runtime.worker`) do them wherever it works, and passes on what that
says. Nothing else in the code knows which engine runs.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from lab.runtime.task import Batch

#: What a worker says (`lab.runtime.worker`), or `{"event": "died", "message", "traceback"}`.
Said = Mapping[str, Any]

ENGINES = {"local": "lab.runtime.engines.local:Local"}


class Engine(ABC):
    """Places to work, numbered from 0, each with one batch at a time. Final classes open them.

    Always holds: after `start`, a place says what happens to each task and then `idle`, or `died`;
    after either it is free. What was `started` and not ended when a place died is what it died of.
    """

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


def open_engine(name: str, places: int) -> Engine:
    """An engine with so many places."""
    module, _, made = ENGINES[name].partition(":")
    return getattr(import_module(module), made)(places)
