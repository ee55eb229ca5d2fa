"""Work shared between the processes that run plans on one store."""

import os
import time
from collections.abc import Iterable
from typing import Literal

from lab.runtime.leases import Leases
from lab.runtime.store import FAILURES, Store

#: `ours`: do it. `done`, `failed`: another process has. `elsewhere`: another is at it.
Claim = Literal["ours", "done", "failed", "elsewhere"]
#: What another process is at work on is asked about again after so many seconds.
PAUSE_SECONDS = 0.5


class Sharing:
    """What of a plan this process may do, asked stage by stage just before it is done."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._leases = Leases(store.root, store.owner)
        self._failures = self._times_of_failures()
        self._asked: dict[str, float] = {}

    def claim(self, key: str) -> Claim:
        """Ask for a stage. What is `ours` is kept from others until it is released."""
        now = time.monotonic()
        if now - self._asked.get(key, -PAUSE_SECONDS) < PAUSE_SECONDS:
            return "elsewhere"
        if not self._leases.take([key]):
            self._asked[key] = now
            return "elsewhere"
        self._asked.pop(key, None)
        # It may have been done between our look at the store and our lease.
        found = self._found(key)
        if found != "ours":
            self._leases.release([key])
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
            return (self._store.root / FAILURES / f"{key}.json").stat().st_mtime_ns
        except FileNotFoundError:
            return None
