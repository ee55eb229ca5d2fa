"""Where a method starts: a model with its checkpoint's weights, or with weights drawn anew."""

from lab.runtime import registry
from lab.runtime.artifact import Artifact, plain
from lab.runtime.bridge.checkpoint import load_into
from lab.runtime.model import Model
from lab.runtime.work import Work


def starting_point(model: Model, work: Work) -> Artifact:
    """The model before anything was done to it; what it is does not depend on its checkpoint."""
    if model.weights is None:
        params, buffers = model.init(work.stream("init"))
    else:
        params, buffers = load_into(model, work.folder / model.weights)
    return plain(registry.value_of(model.settled(work.folder)), params, buffers)
