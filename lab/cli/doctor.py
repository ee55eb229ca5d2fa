"""`lab doctor`: what this environment has, and whether a network converts."""

import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from lab.cli import exits
from lab.cli.options import Options
from lab.spec.known import lists
from lab.spec.values import Value

if TYPE_CHECKING:
    from lab.runtime.model import Model

_PACKAGES = {
    "jax": "running studies",
    "flax": "native models",
    "optax": "training",
    "aim": "`lab ui`",
    "torch": "networks of torch libraries, .pt and .th checkpoints (extra `torch`)",
    "torchvision": "`torchvision(…)` (extra `models`)",
    "timm": "`timm(…)` (extra `models`)",
    "transformers": "`transformers(…)` (extra `models`)",
    "tensorflow-datasets": "prepared TFDS folders (extra `tfds`)",
    "ray": "`lab run --engine ray` (extra `ray`)",
    "submitit": "`lab run --engine slurm` (extra `slurm`)",
}


def doctor(options: Options) -> int:
    """Print versions of what `lab` uses; of models that are named, what they are."""
    if options.names:
        return max(_examined(text) for text in options.names)
    for package, purpose in _PACKAGES.items():
        try:
            found = version(package)
        except PackageNotFoundError:
            found = "missing"
        print(f"{package:20} {found:12} {purpose}")
    return exits.DONE


def _examined(text: str) -> int:
    """Build and convert a network. A refusal is raised, with what is missing and where."""
    from lab.runtime import registry

    library, slash, name = text.partition("/")
    written = f'{library}("{name}")' if slash and library in lists() else text
    value = _value(written)
    if value is None:
        return exits.STUDY_IS_WRONG
    model: Model = registry.instantiate(value).located(Path.cwd())
    print(written)
    for label, said in _facts(model):
        print(f"  {label:12} {said}")
    return exits.DONE


def _value(text: str) -> Value:
    """The resolved value of a model as a study writes it; None after what is wrong was said."""
    from lab.cli.load import Given, load_text, show_diagnostics
    from lab.spec.source import Source

    study = (
        f"model m = {text}\ndata d = digits()\nmethod a = train(for: 1 epochs)\n"
        "grid g {\n  method: a\n}\n"
    )
    loaded = load_text(Source("MODEL", study), Path("MODEL").absolute(), Given())
    if loaded.plan is None or loaded.is_wrong:
        show_diagnostics(loaded, sys.stderr)
        return None
    values = [node.arguments["model"] for node in loaded.plan.nodes if "model" in node.arguments]
    return values[0]


def _facts(model: "Model") -> Iterator[tuple[str, str]]:
    from lab.compiler.facts import count
    from lab.runtime.foreign.model import ForeignModel

    shape = model.input_shape
    is_text = len(shape) == 2
    yield "takes", f"texts of {shape[1]} tokens" if is_text else f"images {_times(shape)}"
    if isinstance(model, ForeignModel):
        graph = model.conversion.evaluating
        kinds = {node.operator for node in graph.nodes}
        yield "converts", f"yes: {len(graph.nodes)} operators of {len(kinds)} kinds"
        yield "answers", f"{model.about['answers']} numbers for an example"
    params, buffers = model.shapes()
    yield "parameters", f"{count(params.values()):,} in {len(params)} tensors"
    yield "buffers", f"{count(buffers.values()):,} in {len(buffers)} tensors"
    if isinstance(model, ForeignModel):
        macs, kept = model.about["macs"], model.about["activations"]
        yield "costs", f"{macs:,} multiplications an example, {kept:,} activations"
    for word, patterns in model.parts.items():
        yield word, ", ".join(patterns)


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))
