"""What measurements share: the model that is measured, and the examples it is measured on."""

import numpy as np

from lab.runtime import registry, scoring
from lab.runtime.artifact import weights
from lab.runtime.dataset import Data, Examples, SplitName
from lab.runtime.errors import UnsuitableSetting
from lab.runtime.model import Model, State
from lab.runtime.scores import SCORES
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


def score_of(
    name: str, work: Work, data: Data | None, split: SplitName
) -> dict[str, float | list[float]]:
    """A score of `lab.runtime.scores` on a split, with the answers and labels that it is of.

    Raises `UnsuitableSetting` where it is of numbers and labels are classes, or the other way.
    """
    score = SCORES[name]
    examples = examples_of(data, split)
    if np.issubdtype(examples.labels.dtype, np.floating) != score.of_numbers:
        here, other = ("numbers", "classes") if score.of_numbers else ("classes", "numbers")
        fit = [one for one, its in SCORES.items() if its.of_numbers != score.of_numbers]
        raise UnsuitableSetting(
            f"`{name}` is of {here}, and the labels are {other}: measure {' or '.join(fit)}"
        )
    logits = scoring.logits(*measured(work), examples.inputs)
    answers = logits[:, 0] if score.of_numbers else logits.argmax(axis=1)
    value = score.value(answers, examples.labels)
    if not np.isfinite(value):
        return {}
    return {
        "value": value,
        "answers": answers.tolist(),
        "labels": examples.labels.tolist(),
        "examples": len(answers),
    }
