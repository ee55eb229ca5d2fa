"""How much of the weights a method kept: R² of what it ships, tensor by tensor."""

import numpy as np

from lab.runtime.artifact import Artifact, shipped_weights


def explained_notes(made: Artifact, before: Artifact) -> dict[str, float]:
    """R² of the weights behind a method: `r2:<path>` of each, and `r2`, averaged by size."""
    shipped, wanted = shipped_weights(made), shipped_weights(before)
    paths = list(made.shapes)
    scores = [r2(np.asarray(shipped[path]), np.asarray(wanted[path])) for path in paths]
    sizes = [max(1, int(np.prod(made.shapes[path]))) for path in paths]
    each = {f"r2:{path}": score for path, score in zip(paths, scores, strict=True)}
    return {**each, "r2": float(np.average(scores, weights=sizes))}


def r2(made: np.ndarray, target: np.ndarray) -> float:
    """The share of a tensor's variance that is explained; of a constant one, 1 where it is met."""
    wanted = target.astype(np.float64)
    missed = float(np.sum((made - wanted) ** 2))
    there = float(np.sum((wanted - wanted.mean()) ** 2))
    if there:
        return 1 - missed / there
    return 1.0 if missed == 0 else 0.0
