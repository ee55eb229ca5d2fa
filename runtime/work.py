"""What a stage is handed, and what it hands back."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jaxtyping import PRNGKeyArray

from lab.runtime.artifact import Artifact
from lab.runtime.checkpoints import Checkpoints, Nowhere
from lab.runtime.reparameterization import Split

#: `(step, total steps, {name: value})`: called now and then while a stage works.
Progress = Callable[[int, int, Mapping[str, float]], None]


@dataclass(frozen=True)
class Work:
    """The inputs of one stage or measurement.

    `inputs` maps roles to what earlier stages made (`before` is the stage this one continues).
    `stream(name)` is the random key of a stream (`init`, `batches`, `augment`, `dropout`): equal in
    every arm of a replicate. `folder` resolves the study's relative file names. `packed` maps a
    role to the packed file of that input, the one whose length is counted. A stage that takes long
    says now and then where it stands to `checkpoints`, and goes on from what they restore. What can
    be spread over several `devices` is; over cores of a processor where that pays, if None. Its
    process may have `memory_bytes`, where that is limited.
    """

    inputs: Mapping[str, Artifact]
    stream: Callable[[str], PRNGKeyArray]
    progress: Progress
    folder: Path
    packed: Mapping[str, Path] = field(default_factory=dict)
    checkpoints: Checkpoints = field(default_factory=Nowhere)
    devices: int | None = None
    memory_bytes: float | None = None


class Stage(ABC):
    """One step of a method: what came before, and what is made of it."""

    @abstractmethod
    def run(self, work: Work) -> Artifact:
        """Do it. A stage is a pure function of its fields, its inputs and its random streams."""


class Measurement(ABC):
    """A number, or several, about a stage's result.

    `fresh` measurements (see `component`) are called in a process that has nothing but the packed
    file, the model's code and the data.
    """

    @abstractmethod
    def measure(self, work: Work) -> Mapping[str, float | Sequence[float]]:
        """The measured values; `value` is the one that a metric means by the bare name.

        Empty where the measurement does not apply to what it was given.
        """


@dataclass(frozen=True)
class Trained:
    """What training returns: the split and buffers at the end, and the history of the way there."""

    split: Split
    buffers: Mapping[str, object]
    history: Mapping[str, Sequence[float]]
