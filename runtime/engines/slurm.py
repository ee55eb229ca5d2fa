"""A Slurm cluster, through submitit: each batch is an element of an array of jobs.

An element has all lanes of a program that are ready, since it begins in a process of its own. An
element that is preempted or out of time is requeued and goes on: with the task it was at, from its
checkpoint. Every node must see the store's folder and the environment that `lab` runs in.

What jobs ask for is said in Slurm's own variables: SBATCH_PARTITION, SBATCH_ACCOUNT, SBATCH_GPUS,
SBATCH_TIMELIMIT, SBATCH_MEM_PER_NODE and so on. LAB_SLURM=local has submitit run the jobs on this
machine instead, without Slurm.
"""

import os
import shutil
import time
from dataclasses import dataclass
from typing import Any

import submitit as untyped
from submitit.core.utils import FailedJobError, FailedSubmissionError
from submitit.helpers import Checkpointable

from lab.runtime.device import cores, workers_here
from lab.runtime.engine import Engine, Opening, Said
from lab.runtime.errors import LabError
from lab.runtime.mailbox import Correspondence, Mailbox, Posted, attend
from lab.runtime.task import Batch

submitit: Any = untyped

#: Jobs at a time, where nobody says how many.
_JOBS = 64
#: Minutes that a job asks for, where SBATCH_TIMELIMIT says nothing, and how often it may go on.
_MINUTES, _TIMES = 24 * 60, 1000
#: Seconds between two looks at what was said.
_LOOK_SECONDS = 0.1
#: Seconds in which the end of what a job said must be there once it has ended.
_PATIENCE_SECONDS = 10.0
#: Seconds in which a job whose worker has ended ends itself.
_MOMENT = 3.0


class Element(Checkpointable):
    """A job: it does a batch, in a process of its own, and goes on with it when it is requeued."""

    def __call__(self, posted: Posted, share: tuple[int, int] | None) -> None:
        """Do what is left of a batch, on a share of this machine's cores if it is shared."""
        if share is not None and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(0, cores()[share[0] :: share[1]])
        attend(posted)


@dataclass
class _Place:
    """A batch under way: `job` is None until it is submitted. `ended`: when the job was seen to."""

    letter: Correspondence
    job: Any = None
    ended: float | None = None


class Slurm(Engine):
    """Jobs of a Slurm cluster."""

    lanes_at_a_time = 256

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._is_here = os.environ.get("LAB_SLURM") == "local"
        if not self._is_here and shutil.which("sbatch") is None:
            raise LabError(
                "there is no `sbatch` here: run on a machine that submits jobs to Slurm, or set "
                "LAB_SLURM=local to have submitit run them on this one"
            )
        most = (
            workers_here(opening.widest, opening.jobs, opening.devices)
            if self._is_here
            else opening.widest
        )
        self._count = max(1, min(opening.jobs or _JOBS, most))
        self._at_work: dict[int, _Place] = {}
        self._jobs: list[Any] = []
        self._mailbox: Mailbox | None = None

    @property
    def places(self) -> int:
        """One for each job that may be queued at a time."""
        return self._count

    def start(self, place: int, batch: Batch) -> None:
        """Put a batch in the next array."""
        if self._mailbox is None:
            self._mailbox = Mailbox(self._opening.root)
        self._at_work[place] = _Place(self._mailbox.post(batch))

    def events(self) -> list[tuple[int, Said]]:
        """What the jobs have to say; waits a second at most for the first."""
        self._submit()
        until = time.monotonic() + 1.0
        found: list[tuple[int, Said]] = []
        while not found and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)
            for place in tuple(self._at_work):
                found.extend((place, said) for said in self._heard(place))
        return found

    def stop(self) -> None:
        """End the jobs. Without its mailbox a worker ends by itself, too, wherever it is."""
        if self._is_here and self._mailbox is not None:
            self._mailbox.kill()
            _await_end(self._jobs, seconds=_MOMENT)
        for job in self._jobs:
            if not job.done():
                job.cancel(check=False)
        if self._is_here:
            _await_end(self._jobs, seconds=_PATIENCE_SECONDS)
        if self._mailbox is not None:
            self._mailbox.close()
        self._at_work.clear()
        self._jobs.clear()
        self._mailbox = None

    def _submit(self) -> None:
        """Submit what waits, as one array."""
        new = {place: one for place, one in self._at_work.items() if one.job is None}
        if not new or self._mailbox is None:
            return
        executor = self._executor(self._mailbox)
        letters = [one.letter.posted for one in new.values()]
        shares = [(place, self._count) if self._is_here else None for place in new]
        try:
            jobs = executor.map_array(Element(), letters, shares)
        except (FailedJobError, FailedSubmissionError) as error:
            raise LabError(f"Slurm takes no jobs: {error}") from error
        for one, job in zip(new.values(), jobs, strict=True):
            one.job = job
        self._jobs = [job for job in self._jobs if not job.done()] + jobs

    def _executor(self, mailbox: Mailbox) -> Any:
        folder = mailbox.folder / "jobs"
        if self._is_here:
            made = submitit.LocalExecutor(folder, max_num_timeout=_TIMES)
            made.update_parameters(timeout_min=_MINUTES)
            return made
        made = submitit.SlurmExecutor(folder, max_num_timeout=_TIMES)
        made.update_parameters(job_name="lab", time=_MINUTES, nodes=1, ntasks_per_node=1)
        if self._opening.devices > 1:
            made.update_parameters(gpus_per_node=self._opening.devices)
        return made

    def _heard(self, place: int) -> list[Said]:
        """News of a place; what its job said is complete once the job has ended."""
        one = self._at_work[place]
        has_ended = one.job.done()
        said: list[Said] = list(one.letter.news())
        if not one.letter.is_over:
            if not has_ended:
                return said
            one.ended = one.ended or time.monotonic()
            if not self._is_here and time.monotonic() - one.ended < _PATIENCE_SECONDS:
                return said
            words = one.job.stderr() or ""
            message = f"the job ended before its work did ({one.job.state.lower()})"
            said.append({"event": "died", "message": message, "traceback": words})
        one.letter.forget()
        del self._at_work[place]
        return said


def _await_end(jobs: list[Any], *, seconds: float) -> None:
    """Wait for jobs to have ended, for a while."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not all(job.done() for job in jobs):
        time.sleep(_LOOK_SECONDS)
