"""Work shared between the processes that run plans on one store."""

import os
from collections.abc import Iterable, Sequence
from typing import Literal

from lab.runtime.layout import FAILURES
from lab.runtime.leases import Leases
from lab.runtime.store import Store

#: `ours`: do it. `done`, `failed`: another process has. `elsewhere`: another is at it.
Claim = Literal["ours", "done", "failed", "elsewhere"]
#: Seconds after which to ask again about what another process is at work on.
PAUSE_SECONDS = 0.5


class Sharing:
    """What of a plan this process may do, asked stage by stage just before it is done."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._leases = Leases(store.root, store.owner)
        self._failures = self._times_of_failures()

    def claims(self, keys: Sequence[str]) -> dict[str, Claim]:
        """Ask for stages. Those that are `ours` are kept from others until they are released."""
        taken = self._leases.take(keys)
        # One may have been done between our look at the store and our lease.
        found: dict[str, Claim] = {
            key: self._found(key) if key in taken else "elsewhere" for key in keys
        }
        self._leases.release([key for key in taken if found[key] != "ours"])
        return found

    def release(self, keys: Iterable[str]) -> None:
        """What was ours is done, or given up."""
        self._leases.release(keys)

    def close(self) -> None:
        """Give up everything."""
        self._leases.close()

    def _found(self, key: str) -> Claim:
        if self._store.has(key):
            return "done"
        if self._time_of_failure(key) != self._failures.get(key):
            return "failed"
        return "ours"

    def _times_of_failures(self) -> dict[str, int]:
        try:
            entries = list(os.scandir(self._store.root / FAILURES))
        except FileNotFoundError:
            return {}
        return {entry.name.removesuffix(".json"): entry.stat().st_mtime_ns for entry in entries}

    def _time_of_failure(self, key: str) -> int | None:
        try:
            # A path object costs more than the question, which is asked for every run.
            return os.stat(f"{self._store.root}/{FAILURES}/{key}.json").st_mtime_ns  # noqa: PTH116 - see above
        except FileNotFoundError:
            return None
