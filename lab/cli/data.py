"""`lab data`: data sets fetched by name into the data folder, and what lies there."""

import json
import sys
import time
from collections.abc import Callable, Sequence

from lab.cli import exits
from lab.cli.options import Options
from lab.cli.plan_tables import table
from lab.cli.units import bytes_text, duration_text
from lab.runtime.errors import LabError
from lab.spec.suggest import nearest

#: Seconds between two lines of progress.
PERIOD = 0.2
WIDTH = 78


def data(options: Options) -> int:
    """Do one of the actions on data sets."""
    action, *names = options.names
    found = ACTIONS.get(action)
    if found is None:
        close = nearest(action, ACTIONS)
        hint = f": did you mean `{close}`?" if close else ""
        raise LabError(f"`lab data {action}` is none of {', '.join(ACTIONS)}{hint}")
    return found(options, names)


def _fetch(options: Options, names: Sequence[str]) -> int:
    from lab.runtime.fetching import ACTIONS as KNOWN
    from lab.runtime.fetching import fetch

    if not names:
        raise LabError(f"name what to fetch: {', '.join(KNOWN)}")
    places: dict[str, str] = {}
    for name in names:
        watching = Watching()
        try:
            places[name] = str(fetch(name, watching).place)
        finally:
            watching.end()
        if not options.json:
            print(f"{name} is in {places[name]}", flush=True)
    if options.json:
        print(json.dumps({"schema": 1, "fetched": places}, indent=1))
    return exits.DONE


def _ls(options: Options, names: Sequence[str]) -> int:
    if names:
        raise LabError("`lab data ls` takes no name: it lists the data folder")
    from lab.runtime.dataset import data_folder
    from lab.runtime.fetching import ACTIONS as KNOWN
    from lab.runtime.fetching import at_hand

    found = at_hand()
    if options.json:
        rows = [{"name": name, "bytes": size} for name, size in found]
        print(json.dumps({"schema": 1, "folder": str(data_folder()), "at_hand": rows}, indent=1))
        return exits.DONE
    print(*table([("name", "size"), *((n, bytes_text(s)) for n, s in found)]), sep="\n")
    print(f"{len(found)} in {data_folder()}; `lab data fetch` knows {', '.join(KNOWN)}")
    return exits.DONE


class Watching:
    """Progress of a fetch on a terminal: bytes, their rate, and how long it will take."""

    def __init__(self) -> None:
        self._name = ""
        self._began = self._shown = 0.0
        self._first = 0
        self._is_open = False

    def __call__(self, name: str, done: int, total: int | None) -> None:
        """Say how far a file is."""
        now = time.monotonic()
        if name != self._name:
            self._name, self._began, self._first, self._shown = name, now, done, 0.0
        if not sys.stderr.isatty() or now - self._shown < PERIOD:
            return
        self._shown, self._is_open = now, True
        line = self.line(done, total, now - self._began)
        print(f"\r{line:<{WIDTH}.{WIDTH}}", end="", file=sys.stderr, flush=True)

    def line(self, done: int, total: int | None, seconds: float) -> str:
        """What is said of a file."""
        rate = (done - self._first) / seconds if seconds > 0 else 0.0
        parts = [bytes_text(done) + (f" of {bytes_text(total)}" if total else "")]
        if rate > 0:
            parts.append(f"{bytes_text(rate)}/s")
            if total:
                parts.append(f"{duration_text((total - done) / rate)} left")
        return f"{self._name}: {', '.join(parts)}"

    def end(self) -> None:
        """Leave the line of progress."""
        if self._is_open:
            print(file=sys.stderr)
            self._is_open = False


ACTIONS: dict[str, Callable[[Options, Sequence[str]], int]] = {"fetch": _fetch, "ls": _ls}
