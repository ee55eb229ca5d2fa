"""The process with torch in it, so that the others are free of it.

A helper is started when a question comes that only torch can answer (a conversion, first weights),
stays for the questions that follow, and ends when it was not asked for a while or whoever started
it ends. Questions and answers are lines of JSON; arrays go through files.
"""

import atexit
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any

from lab.runtime import errors
from lab.runtime.errors import LabError

#: Seconds that a helper waits for another question.
PATIENCE = 90
_MODULE = "lab.runtime.bridge.convert"


class Helper:
    """One helper process, and whoever asks it, one at a time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None
        atexit.register(self.close)

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """The answer. Raises the `LabError` that the helper found; anything else is a defect."""
        with self._lock:
            line = self._asked(json.dumps(question))
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            kind: type[LabError] = getattr(errors, answer["error"])
            raise kind(answer["message"])
        return answer

    def _asked(self, question: str) -> str:
        for _ in range(2):  # A helper may have just ended for want of questions.
            process = self._running()
            with suppress(BrokenPipeError):
                _pipe(process.stdin).write(question + "\n")
                _pipe(process.stdin).flush()
                line = _pipe(process.stdout).readline()
                if line:
                    return line
            code = self._end()
            if code != 0:
                raise RuntimeError(
                    f"the process that has torch ended with code {code}; what it wrote is above"
                )
        raise RuntimeError("the process that has torch does not answer")

    def _running(self) -> "subprocess.Popen[str]":
        if self._process is None or self._process.poll() is not None:
            self._end()
            self._process = subprocess.Popen(
                [sys.executable, "-m", _MODULE, str(PATIENCE)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, **_SURROUNDINGS},
            )
        return self._process

    def close(self) -> None:
        """End the helper."""
        with self._lock:
            self._end()

    def _end(self) -> int:
        process, self._process = self._process, None
        if process is None:
            return 0
        with suppress(OSError):
            _pipe(process.stdin).close()
        code = process.wait()
        _pipe(process.stdout).close()
        return code


#: Quiet, on the CPU, and without words to anybody about what is used.
_SURROUNDINGS = {
    "CUDA_VISIBLE_DEVICES": "",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "PYTHONWARNINGS": "ignore",
}


def _pipe(stream: Any) -> Any:
    if stream is None:
        raise TypeError("the helper was started without pipes")
    return stream


@cache
def _of_process(process: int) -> Helper:
    del process
    return Helper()


def ask(question: Mapping[str, Any]) -> dict[str, Any]:
    """Ask this process' helper; a fork has one of its own."""
    return _of_process(os.getpid()).ask(question)
