"""Put weights through a reparameterization as it starts, with nothing trained."""

from dataclasses import replace

from lab.runtime.artifact import Artifact, reparametrize
from lab.runtime.explained import explained_notes
from lab.runtime.reparameterization import Reparameterization
from lab.runtime.work import Stage, Work
from lab.spec.declare import component, parameter


@component(
    "apply",
    kind="stage",
    facts="lab.runtime.facts.stages:apply",
    curves=(),
    notes=("r2",),
)
class Apply(Stage):
    """The model with its weights through a reparameterization: rounded, pruned, …"""

    through: Reparameterization = parameter(
        doc="the weights as a function of other numbers", positional=True
    )

    def run(self, work: Work) -> Artifact:
        """Start `through` from the weights that the stage before ships."""
        before = work.inputs["before"]
        made = reparametrize(before, self.through, key=work.stream("init"))
        return replace(made, notes={**made.notes, **explained_notes(made, before)})
