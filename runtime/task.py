"""A node as a worker gets it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Task:
    """A node for a worker: `inputs` are the folders of the stages it uses; JSON round-trips.

    `occurrence` counts earlier stages of the same component in the pipeline. `folder` is the
    study's, where relative file names start. `components` are files of a person's own components.
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


def task_from_json(text: str) -> Task:
    """The task that `json.dumps(asdict(task))` wrote."""
    return Task(**json.loads(text))
