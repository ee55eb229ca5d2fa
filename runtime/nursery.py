"""Workers as forks of a process that has imported what they need.

Most of the time until a worker can work goes by in importing JAX. The nursery does so once, for as
many workers as are asked for. It never computes: a fork of it has no data, no model, no device and
no threads, and is as new as a process begun from nothing. Where there is none, or it dies before it
has forked, workers are begun without it (`lab.runtime.engines.local`).

A request is one packet with the worker's environment, folder and cores, and its standard input,
output and error. The answers are its number and process, and at its end its exit code.
"""

import atexit
import ctypes
import json
import math
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, NoReturn

#: Set to `0`, every worker is begun from nothing.
SWITCH = "LAB_FORK"
#: Nurseries at once. Workers with another number of cores have another one: libraries begin so
#: many threads as they find cores when they are imported.
_MOST = 2
#: Variables that no import looks at: they may differ between workers of one nursery.
_LATER = ("LAB_", "PYTEST_", "CUDA_VISIBLE_DEVICES")
_PACKET_BYTES = 1 << 18
_SECONDS_BETWEEN_LOOKS = 0.02


class Forked:
    """A worker, as `subprocess.Popen` has it."""

    def __init__(self, nursery: "Nursery", number: int, inward: int, outward: int) -> None:
        self._nursery, self._number = nursery, number
        self.stdin: IO[bytes] = os.fdopen(inward, "wb")
        self.stdout: IO[bytes] = os.fdopen(outward, "rb")

    @property
    def has_begun(self) -> bool:
        """Whether it is a process, or has been one: the nursery may import still, or have died."""
        return self._nursery.has_begun(self._number)

    def poll(self) -> int | None:
        """The exit code, negative for a signal; None while it runs."""
        return self._nursery.exit_code(self._number, 0)

    def wait(self, timeout: float | None = None) -> int:
        """The exit code, when there is one. Raises `subprocess.TimeoutExpired`."""
        code = self._nursery.exit_code(self._number, timeout)
        if code is None:
            raise subprocess.TimeoutExpired("a worker", timeout or 0)
        return code

    def kill(self) -> None:
        """End it, whatever it is at."""
        self._nursery.kill(self._number)


class Nursery:
    """The process that forks, as its parent sees it."""

    def __init__(self, environment: Mapping[str, str], cores: Sequence[int]) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            handle = theirs.fileno()
            command = [sys.executable, "-m", "lab.runtime.nursery", str(handle), _text(cores)]
            self._process = subprocess.Popen(
                command,
                env=environment,
                pass_fds=[handle],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        self.is_there = True
        self._asked = 0
        self._processes: dict[int, int] = {}
        self._codes: dict[int, int] = {}

    def worker(
        self, environment: Mapping[str, str], cores: Sequence[int], complaints: IO[bytes]
    ) -> Forked | None:
        """A new worker; None where the nursery is there no more."""
        inward, outward = os.pipe(), os.pipe()
        theirs = [inward[0], outward[1]]
        try:
            request = {
                "environment": dict(environment),
                "folder": str(Path.cwd()),
                "cores": list(cores),
            }
            handles = [*theirs, complaints.fileno()]
            socket.send_fds(self._socket, [json.dumps(request).encode()], handles)
        except OSError:
            theirs += [inward[1], outward[0]]
            self.close()
            return None
        finally:
            for handle in theirs:
                os.close(handle)
        self._asked += 1
        return Forked(self, self._asked, inward[1], outward[0])

    def exit_code(self, number: int, timeout: float | None) -> int | None:
        """The exit code of a worker; None where there is none after so many seconds."""
        end = math.inf if timeout is None else time.monotonic() + timeout
        while number not in self._codes:
            left = max(0.0, end - time.monotonic())
            if not self._hear(None if timeout is None else left) and time.monotonic() >= end:
                break
        return self._codes.get(number)

    def has_begun(self, number: int) -> bool:
        """Whether a worker is a process, or has been one."""
        while self.is_there and self._hear(0):
            pass
        return number in self._processes

    def kill(self, number: int) -> None:
        """End a worker; the nursery with it, where that is still importing."""
        if not self.has_begun(number):
            self.close()
        elif number not in self._codes:
            with suppress(ProcessLookupError):
                os.kill(self._processes[number], signal.SIGKILL)

    def close(self) -> None:
        """End the nursery. Its workers go on."""
        self.is_there = False
        self._socket.close()
        self._process.kill()
        self._process.wait()

    def _hear(self, seconds: float | None) -> bool:
        """Take one answer in, waiting so long for it; whether there was one."""
        if not self.is_there:
            self._look_for_the_living()
            pause = _SECONDS_BETWEEN_LOOKS
            time.sleep(pause if seconds is None else min(pause, seconds))
            return False
        if not select.select([self._socket], [], [], seconds)[0]:
            return False
        try:
            packet = self._socket.recv(_PACKET_BYTES)
        except OSError:  # It died with a request that it never read.
            packet = b""
        if not packet:
            self.close()
            return False
        answer = json.loads(packet)
        if "process" in answer:
            self._processes[answer["worker"]] = answer["process"]
        else:
            self._codes[answer["worker"]] = answer["code"]
        return True

    def _look_for_the_living(self) -> None:
        """Nobody says what became of the workers of a nursery that died: those that are gone have
        ended, of what is not known."""
        for number in range(1, self._asked + 1):
            process = self._processes.get(number)
            if number not in self._codes and (process is None or not _is_alive(process)):
                self._codes[number] = 1


_nurseries: dict[tuple[Any, ...], Nursery] = {}
#: That none is of use here.
_are_given_up: list[bool] = []


def give_up() -> None:
    """Fork no more in this process: a nursery died before it had forked what it was asked for."""
    _are_given_up.append(True)


def forked(
    environment: Mapping[str, str], cores: Sequence[int], complaints: IO[bytes]
) -> Forked | None:
    """A worker bound to some cores, by forking; None where it has to be begun in another way.

    The nursery it is from stays for the next one, until this process ends.

    Args:
        environment: of the worker. `complaints`: the file for its standard error.
    """
    if sys.platform != "linux" or environment.get(SWITCH) == "0" or _are_given_up:
        return None
    seen = {name: value for name, value in environment.items() if not name.startswith(_LATER)}
    key = (len(cores), *sorted(seen.items()))
    nursery = _nurseries.pop(key, None)
    if nursery is None or not nursery.is_there:
        nursery = Nursery(environment, cores)
    _nurseries[key] = nursery
    while len(_nurseries) > _MOST:
        _nurseries.pop(next(iter(_nurseries))).close()
    return nursery.worker(environment, cores, complaints)


def end() -> None:
    """End the nurseries of this process. Their workers go on."""
    while _nurseries:
        _nurseries.popitem()[1].close()


atexit.register(end)


def _is_alive(process: int) -> bool:
    """Whether a process works: one that has ended may wait for somebody to ask of what."""
    try:
        about = Path(f"/proc/{process}/stat").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    return about.rpartition(")")[2].split()[0] not in {"Z", "X"}


def _text(cores: Sequence[int]) -> str:
    return ",".join(map(str, cores))


# The process that forks


def main() -> None:
    """Import, then fork a worker for each request, until the parent is gone."""
    begun_in = "" if sys.flags.safe_path else sys.path[0]
    _be_called("lab-nursery")
    os.sched_setaffinity(0, [int(core) for core in sys.argv[2].split(",")])
    with _ended_with_the_parent():
        _import()
    wake, woken = os.pipe()
    for handle in (wake, woken):
        os.set_blocking(handle, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(woken)
    workers: dict[int, int] = {}
    with socket.socket(fileno=int(sys.argv[1])) as asked:
        number = 0
        while True:
            ready, _, _ = select.select([asked, wake], [], [])
            if asked in ready:
                packet, handles, _, _ = socket.recv_fds(asked, _PACKET_BYTES, 3)
                if not packet:
                    return
                number += 1
                process = os.fork()
                if process == 0:
                    for handle in (wake, woken):
                        os.close(handle)
                    asked.close()
                    _work(json.loads(packet), handles, begun_in)
                workers[process] = number
                # Before the pipes are left: where nobody has them, it has been a process at least.
                asked.send(json.dumps({"worker": number, "process": process}).encode())
                for handle in handles:
                    os.close(handle)
            if wake in ready:
                os.read(wake, 512)
            _say_what_ended(asked, workers)


def _import() -> None:
    """What every worker needs, and what most do. No backend of JAX begins, and no thread."""
    from lab.runtime import perform, registry, serving, together  # noqa: F401 - for the forks
    from lab.runtime.measurements import accuracy  # noqa: F401 - for the forks
    from lab.runtime.stages import fit, train  # noqa: F401 - for the forks

    registry.catalog()


def _work(request: Mapping[str, Any], handles: Sequence[int], begun_in: str) -> NoReturn:
    """Be a worker: as a process that was begun with this environment, here, with these pipes."""
    try:
        from lab.runtime import worker

        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        _be_called("lab-worker")
        for place, handle in enumerate(handles):
            os.dup2(handle, place)
            os.close(handle)
        os.environ.clear()
        os.environ.update(request["environment"])
        if sys.path[0] == begun_in:
            sys.path[0] = request["folder"]
        os.chdir(request["folder"])
        worker.work(request["cores"])
    except BaseException:  # noqa: BLE001 - nothing may go on as the nursery
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        os._exit(1)


def _be_called(name: str) -> None:
    """The name of this process, for `top` and people who look."""
    with suppress(OSError):
        Path("/proc/self/comm").write_text(name, encoding="ascii")


def _say_what_ended(asked: socket.socket, workers: dict[int, int]) -> None:
    """The exit codes of workers that have ended since this was last said."""
    with suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            process, status = ended
            if process in workers:
                code = os.waitstatus_to_exitcode(status)
                asked.send(json.dumps({"worker": workers.pop(process), "code": code}).encode())


@contextmanager
def _ended_with_the_parent() -> Generator[None]:
    """While this process imports, it would not notice that its parent is gone.

    Afterwards it does: what the system watches is the thread that began it, which may end earlier.
    """
    parent_death_signal, library = 1, ctypes.CDLL(None)
    library.prctl(parent_death_signal, signal.SIGKILL)
    try:
        yield
    finally:
        library.prctl(parent_death_signal, 0)


if __name__ == "__main__":
    main()
