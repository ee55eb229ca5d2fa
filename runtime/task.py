"""Work as a worker gets it: lanes of one program, as one line of JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Task:
    """A node for a worker: `inputs` are the folders of the stages it uses; JSON round-trips.

    `occurrence` counts earlier stages of the same component in the pipeline. `folder` is the
    study's, where relative file names start. `components` are files of a person's own components.
    `checkpoints` is the folder of the stage's checkpoints, written every so many seconds, never if
    None. `log` is the file for what is printed while it is done; nowhere if empty.
    `memory_bytes` is the most that its process may have. A training is spread over so
    many `devices`; over cores that pay if None.
    """

    key: str
    role: str
    component: str
    arguments: Mapping[str, Any]
    inputs: Mapping[str, str]
    seed: int | None
    vary: Sequence[str]
    occurrence: int
    fresh: bool
    folder: str
    output: str
    components: Sequence[str] = ()
    log: str = ""
    checkpoints: str = ""
    checkpoint_seconds: float | None = None
    memory_bytes: float | None = None
    devices: int | None = None


@dataclass(frozen=True)
class Batch:
    """Lanes of one program, to be done together. Always holds: at least one, all `fresh` or none.

    `program` names the program; equal ones share a compilation. `journal` is the file that says how
    its lanes are done (`lab.runtime.lane_journal`). A `trial` is there to find that out: what would
    be done one after another may be returned, for others to do.
    """

    program: str
    tasks: tuple[Task, ...]
    journal: str = ""
    trial: bool = False

    @property
    def fresh(self) -> bool:
        """Whether it must run where no trained model ever was."""
        return self.tasks[0].fresh

    def to_json(self) -> str:
        """One line."""
        # Not by `asdict`, which copies all arguments.
        return json.dumps({**vars(self), "tasks": [vars(task) for task in self.tasks]})


def batch_from_json(text: str) -> Batch:
    """The batch that `to_json` wrote."""
    data = json.loads(text)
    return Batch(**{**data, "tasks": tuple(Task(**one) for one in data["tasks"])})
