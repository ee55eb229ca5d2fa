"""A measurement that behaves as a test wants: it works, fails, dies, waits and so on."""

import os
import signal
import threading
import time
from typing import Literal

from lab.runtime.work import Measurement, Work
from lab.spec.declare import component, parameter


@component("act", kind="measurement")
class Act(Measurement):
    """What the process that does it is, after it did as it was told."""

    does: Literal["work", "linger", "fail", "die", "wait", "preempted"] = parameter(
        "work", "what to do"
    )
    value: float = parameter(0.0, "what comes of it")

    def measure(self, work: Work) -> dict[str, float]:
        """The value, and the number of the process."""
        if self.does == "linger":
            time.sleep(0.3)  # Longer than what is not worth a word on its way.
        work.progress(1, 2, {"half": 0.5})
        if self.does == "fail":
            raise ValueError("it was told to fail")
        if self.does == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        if self.does == "wait":
            (work.folder / "waiting").touch()
            threading.Event().wait()
        if self.does == "preempted" and not (work.folder / "was preempted").exists():
            (work.folder / "was preempted").touch()
            os.kill(os.getpid(), signal.SIGUSR2)
        return {"value": self.value, "process": float(os.getpid())}
