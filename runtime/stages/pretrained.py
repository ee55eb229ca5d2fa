"""The model as its weights have it."""

from lab.runtime.artifact import Artifact
from lab.runtime.errors import MissingFile, UnsuitableSetting
from lab.runtime.model import Model
from lab.runtime.starting import starting_point
from lab.runtime.work import Stage, Work
from lab.spec.declare import component, parameter


@component(
    "pretrained",
    kind="stage",
    facts="lab.runtime.facts.stages:pretrained",
    curves=(),
    notes=(),
    needs=("model.weights|pretrained",),
)
class Pretrained(Stage):
    """The network with the weights of its checkpoint, nothing trained."""

    model: Model | None = parameter(None, "the network; the point's where left out")

    def run(self, work: Work) -> Artifact:
        """Read the checkpoint."""
        if self.model is None:
            raise UnsuitableSetting("`pretrained` has no model: declare one, or give `model:`")
        if self.model.located(work.folder).checkpoint() is None:
            raise MissingFile(
                "`pretrained` needs a checkpoint: give the model one, as in "
                '`resnet20(weights: "weights/net.safetensors")`, or train it'
            )
        return starting_point(self.model, work)
