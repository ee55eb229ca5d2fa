"""What measurements share: the model that is measured, and the examples it is measured on."""

from lab.runtime import registry
from lab.runtime.artifact import weights
from lab.runtime.dataset import Data, Examples, SplitName
from lab.runtime.errors import UnsuitableSetting
from lab.runtime.model import Model, State
from lab.runtime.work import Work


def measured(work: Work) -> tuple[Model, State, State]:
    """The measured model, its parameters and its buffers."""
    artifact = work.inputs["of"]
    model: Model = registry.instantiate(artifact.model)
    return model, weights(artifact), dict(artifact.buffers)


def examples_of(data: Data | None, split: SplitName) -> Examples:
    """A split of a data source."""
    if data is None:
        raise UnsuitableSetting("nothing to score on: declare data, or give `data:`")
    return data.loaded().split(split)
