"""A short training that starts from a good model: the same stage with gentler defaults."""

from lab.runtime.optimizer import Optimizer
from lab.runtime.optimizers.sgd import SGD
from lab.runtime.stages.train import Train
from lab.spec.declare import component, parameter
from lab.spec.units import Duration


@component(
    "finetune",
    kind="stage",
    streams=("init", "batches", "augment", "dropout"),
    facts="lab.runtime.facts.stages:train",
    curves=(
        "epoch",
        "loss",
        "train_accuracy",
        "rate",
        "validation_accuracy",
        "test_accuracy",
        "watched",
    ),
    notes=(),
)
class Finetune(Train):
    """Train on with a small learning rate; keeps a mask, trains a quantizer or an adapter on."""

    by: Optimizer = parameter(SGD(lr=0.01, momentum=0.9), "how gradients become steps")
    duration: Duration = parameter(Duration(1, "epochs"), "how long", name="for")
