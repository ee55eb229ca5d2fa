"""Where a method starts: a model with its checkpoint's weights, or with weights drawn anew."""

from lab.runtime import registry
from lab.runtime.artifact import Artifact, plain
from lab.runtime.bridge.checkpoint import load_into
from lab.runtime.model import Model
from lab.runtime.work import Work


def starting_point(model: Model, work: Work) -> Artifact:
    """The model before anything was done to it; what it is does not depend on its checkpoint."""
    located, key = model.located(work.folder), work.stream("init")
    path = located.checkpoint()
    if path is None:
        params, buffers = located.init(key)
    else:
        params, buffers = load_into(located, path, key=key)
    return plain(registry.value_of(model.settled(work.folder)), params, buffers)
