"""`lab ui`: Aim's user interface on a study's runs.

The server runs in a session of its own, because Aim leaves a child behind when it is asked to end:
its whole group is ended when we are.
"""

import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from lab.runtime.errors import LabError, MissingFile

__all__ = ["addresses", "serve"]

HOST = "127.0.0.1"
_LOG = "lab-ui.log"
_SECONDS_TO_START = 90.0
_SECONDS_TO_END = 5.0
#: Characters that JavaScript's `encodeURI` leaves as they are.
_KEPT = ";,/?:@&=+$-_.!~*'()#"


def serve(repo: Path, study: str, port: int) -> int:
    """Serve the Aim repository in `repo` until interrupted, and say where to look at a study.

    Returns the server's exit code, 0 when it was ended by us. Raises MissingFile where there is no
    repository, LabError where the port is taken or the server does not start.
    """
    if not (repo / ".aim").is_dir():
        raise MissingFile(f"there is no Aim repository in {repo}: `lab run` makes one")
    if _answers(port):
        raise LabError(f"something else listens on port {port}: choose another with --port")
    with _server(repo, port) as server:
        _wait_until_up(server, repo, port)
        for what, address in addresses(study, port).items():
            print(f"{what:8} {address}")
        print("Press Ctrl+C to end.", flush=True)
        try:
            return server.wait()
        except KeyboardInterrupt:
            return 0


def addresses(study: str, port: int) -> dict[str, str]:
    """Where to look: the study's runs in a table, and its recorded curves by method."""
    query = f'run.experiment == "{study}"'
    select = {"options": [], "query": query, "advancedMode": False, "advancedQuery": ""}
    recorded = f"{query} and metric.context.stage"
    curves = {**select, "advancedMode": True, "advancedQuery": recorded}
    base = f"http://{HOST}:{port}"
    grouping = encoded(_grouping(color="run.params.settings.method", chart="name"))
    return {
        "runs": f"{base}/runs?select={encoded(select)}",
        "curves": f"{base}/metrics?grouping={grouping}&select={encoded(curves)}",
    }


def encoded(state: Mapping[str, Any]) -> str:
    """A part of an Aim page's state as its address has it."""
    text = quote(json.dumps(state, separators=(",", ":")), safe=_KEPT)
    return "O-" + base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _grouping(*, color: str, chart: str) -> dict[str, Any]:
    flags = {"color": False, "stroke": False, "chart": False}
    return {
        "color": [color],
        "stroke": [],
        "chart": [chart],
        "reverseMode": flags,
        "isApplied": dict.fromkeys(flags, True),
        "persistence": {"color": False, "stroke": False},
        "seed": {"color": 10, "stroke": 10},
        "paletteIndex": 0,
    }


@contextmanager
def _server(repo: Path, port: int) -> Iterator["subprocess.Popen[bytes]"]:
    import lab

    above = str(Path(lab.__file__).resolve().parents[1])
    path = os.pathsep.join(filter(None, (above, os.environ.get("PYTHONPATH"))))
    command = [sys.executable, "-m", "lab.runtime.trackers.offline", "--host", HOST]
    command += ["--port", str(port), "--workers", "1", "--repo", str(repo)]
    with (repo / ".aim" / _LOG).open("wb") as log:
        server = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        before = signal.signal(signal.SIGTERM, _interrupt)
        try:
            yield server
        finally:
            signal.signal(signal.SIGTERM, before)
            _end_group(server)
            _wait_until_free(port)


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def _end_group(server: "subprocess.Popen[bytes]") -> None:
    """End the server and all it started, gently at first."""
    for one in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(server.pid, one)
        except ProcessLookupError:
            break
        try:
            server.wait(timeout=3)
        except subprocess.TimeoutExpired:
            continue
    server.wait()


def _wait_until_up(server: "subprocess.Popen[bytes]", repo: Path, port: int) -> None:
    deadline = time.monotonic() + _SECONDS_TO_START
    while not _answers(port):
        if server.poll() is not None or time.monotonic() > deadline:
            raise LabError(f"Aim's user interface did not start: see {repo / '.aim' / _LOG}")
        time.sleep(0.1)


def _wait_until_free(port: int) -> None:
    """Killed processes let go of their port a moment later."""
    deadline = time.monotonic() + _SECONDS_TO_END
    while _answers(port) and time.monotonic() < deadline:
        time.sleep(0.05)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, port)) == 0
