"""What the numbers of a report mean: the notes that apply to what it measured."""

from collections.abc import Iterator

from lab.runtime.results import Results

__all__ = ["notes"]

_MEASUREMENTS = {
    "bytes": (
        "**bytes** counts the file on disk from which alone, plus decoder code, the model is "
        "rebuilt: scales, masks, fields, norms, biases, classifier and headers are all in it. "
        "A ratio of bytes is relative to the same network's float32 state in the same format."
    ),
    "accuracy": (
        "**accuracy** is that of a model rebuilt from its file in a fresh process. *accuracy "
        "before* is that of the same checkpoint before it was compressed."
    ),
    "r2": (
        "**r2** is the share of the weights' variance that a field explains, over the tensors it "
        "replaced, weighted by their size."
    ),
}


def notes(results: Results) -> Iterator[str]:
    """The notes that apply, one sentence or two each."""
    components = {node.component for node in results.plan.nodes}
    yield from (note for name, note in _MEASUREMENTS.items() if name in components)
    yield (
        "**±** is half the 95 % interval of the mean over replicates: Student t below ten "
        "replicates, studentized bootstrap from ten on, none below three. Replicate *k* draws the "
        "same random numbers in every arm, so arms are compared pair by pair."
    )
    yield from _conditional(results)
    if results.plan.claims:
        yield (
            "**Verdicts** come from two one-sided tests, for the claim and for its opposite, at "
            "the level the claim states, corrected over settings (Bonferroni) and over the "
            "study's claims (Holm). UNDECIDED is a verdict too: the evidence is too thin. "
            "What is deterministic is tested over test examples, or exactly if nothing is sampled."
        )
    yield (
        "**wall time** is the sum over a point's stages, shared ones included, mean over "
        "replicates; **key** names its last stage in the store: the folder `store/KEY…`."
    )


def _conditional(results: Results) -> Iterator[str]:
    """What replicates share, which their intervals therefore take as given."""
    shared: dict[str, None] = {}
    for point in results.points:
        nodes = [[results.node(key) for key in run.stages] for run in point.runs]
        if len(nodes) > 1 and any(node.seed is not None for node in nodes[0]):
            root = nodes[0][0]
            if root.seed is None and all(others[0] == root for others in nodes[1:]):
                shared[root.label] = None
    if shared:
        names = ", ".join(f"`{label}`" for label in shared)
        yield (
            f"Replicates share one checkpoint ({names}): their intervals are conditional on it, "
            "and say nothing about another training run."
        )
