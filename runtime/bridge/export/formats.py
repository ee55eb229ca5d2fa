"""The formats of an export: what each writes, what it fits, and how it is loaded."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import safetensors.numpy
from torch import nn

from lab.runtime.bridge.export import adapters, compact, folders, modules
from lab.runtime.bridge.export.networks import Network
from lab.runtime.bridge.export.subject import Subject
from lab.runtime.bridge.export.written import Job, Written
from lab.runtime.bridge.shrink import Smaller, without_dead
from lab.runtime.errors import NotExportable

WEIGHTS = "model.safetensors"
ARCHIVE = "model.pt2"
ONNX = "model.onnx"


@dataclass(frozen=True)
class Format:
    """A format. `refusal` says why it does not fit a model, None where it does."""

    summary: str
    refusal: Callable[[Subject, Network], str | None]
    write: Callable[[Job, Path], Written]


def format_of(name: str, subject: Subject, network: Network, *, shrink: bool = False) -> Format:
    """The format of a name. Raises `NotExportable` listing those that fit the model."""
    if shrink and name in FORMATS and name not in NARROWER:
        raise NotExportable(
            f"`{name}` has the widths of the whole network: a shrunk model goes to "
            + ", ".join(NARROWER)
        )
    known = FORMATS.get(name)
    why = None if known is None else known.refusal(subject, network)
    if known is not None and why is None:
        return known
    fitting = [n for n, one in FORMATS.items() if one.refusal(subject, network) is None]
    problem = f"there is no format `{name}`" if known is None else f"`{name}` does not fit: {why}"
    raise NotExportable(f"{problem}; this model goes to {', '.join(fitting)}")


def _torch(job: Job, folder: Path) -> Written:
    state = modules.dense_state(job.subject, job.network)
    (folder / WEIGHTS).write_bytes(safetensors.numpy.save(state))
    _beside(job, folder)
    return Written(
        weights=(WEIGHTS,),
        code=(
            "from safetensors.torch import load_file",
            *_build(job.network),
            f'model.load_state_dict(load_file("{WEIGHTS}"), strict=True)',
            "model.eval()",
            *job.network.answer,
        ),
        needs=_needs(job.network),
        notes=("Weights are dense float32, whatever they were made of.",),
    )


def _compact(job: Job, folder: Path) -> Written:
    modules.compact_module(job.subject, job.network)
    (folder / WEIGHTS).write_bytes(compact.content(job.subject, job.network))
    compact.copy_package(job.subject, folder)
    _beside(job, folder, package=False)
    own = job.network.own is not None
    given = f'"{WEIGHTS}"' if own else f'"{WEIGHTS}", model'
    build = ("import lab_torch",) if own else ("import lab_torch", *_build(job.network))
    return Written(
        weights=(WEIGHTS,),
        code=(*build, f"model = lab_torch.load({given})", *job.network.answer),
        needs=_needs(job.network),
        whole=compact.whole_numbers(job.subject),
        notes=(
            "Weights are computed from what the file holds at every use. `with "
            "lab_torch.cached():` computes each once, `lab_torch.streaming(model, budget=bytes)` "
            "keeps only so many bytes of them, `lab_torch.fold(model)` makes an ordinary module.",
        ),
    )


def _pt2(job: Job, folder: Path) -> Written:
    from lab.runtime.bridge.export import graphs

    whole = _whole(job)
    module, said = _module(job)
    content, found = graphs.archive(module, job.inputs)
    _demand_whole(found, whole)
    (folder / ARCHIVE).write_bytes(content)
    given = ", ".join(f"{name}={name}" for name in job.inputs)
    return Written(
        weights=(ARCHIVE,),
        code=(
            "import torch",
            f'model = torch.export.load("{ARCHIVE}").module()',
            f"logits = model({given})",
        ),
        needs=("torch",),
        whole=whole,
        notes=(*said, "It evaluates: there is no training graph in it."),
    )


def _onnx(job: Job, folder: Path) -> Written:
    from lab.runtime.bridge.export import graphs

    whole = _whole(job)
    module, said = _module(job)
    content, found = graphs.onnx(module, job.inputs)
    _demand_whole(found, whole)
    (folder / ONNX).write_bytes(content)
    given = ", ".join(f'"{name}": {name}' for name in job.inputs)
    return Written(
        weights=(ONNX,),
        code=(
            "import onnxruntime",
            f'session = onnxruntime.InferenceSession("{ONNX}", providers=["CPUExecutionProvider"])',
            f"(logits,) = session.run(None, {{{given}}})  # arrays of numpy",
        ),
        needs=("onnxruntime",),
        whole=whole,
        tensors=False,
        notes=(
            *said,
            f"Operator set {graphs.OPSET}; the first axis of inputs and logits is of any length.",
        ),
    )


def _computed(job: Job) -> tuple[str, ...]:
    if job.subject.method is None:
        return ()
    return (
        "Weights are computed in the graph from what the file holds: ONNX runtimes do that once, "
        "`torch` at every call. Export with `dense` to trade bytes for that time.",
    )


def _module(job: Job) -> tuple[nn.Module, tuple[str, ...]]:
    """The module that a graph is made of, and what there is to say of it.

    It has codes where there are some that are not folded, and a decoder is known.
    """
    if job.shrink:
        smaller = without_dead(
            modules.dense_module(job.subject, job.network), modules.example(job.inputs)
        )
        return smaller.module, (_said_of(smaller),)
    if _is_folded(job):
        return modules.dense_module(job.subject, job.network), ()
    return modules.compact_module(job.subject, job.network), _computed(job)


def _said_of(smaller: Smaller) -> str:
    return (
        f"Shrunk: {smaller.left} of {smaller.channels} removable channels are left, and "
        f"{smaller.macs:,} of {smaller.macs_before:,} multiplications for an example. Weights are "
        "dense float32."
    )


def _is_folded(job: Job) -> bool:
    return job.dense or job.shrink or compact.lacking(job.subject) is not None


def _whole(job: Job) -> int:
    return 0 if _is_folded(job) else compact.whole_numbers(job.subject)


def _demand_whole(found: int, expected: int) -> None:
    """Codes are whole numbers in what was written, each at least once."""
    if expected and not found:
        raise NotExportable(f"of {expected} arrays of codes none is whole numbers in the graph")


def _build(network: Network) -> Sequence[str]:
    if network.build is None:
        raise NotExportable("the Python file of the network is not here")
    return network.build


def _beside(job: Job, folder: Path, *, package: bool = True) -> None:
    """What building the network needs."""
    if job.network.own is not None and package:
        compact.copy_package(job.subject, folder)
    for name, content in job.network.files.items():
        (folder / name).write_bytes(content)


def _needs(network: Network) -> tuple[str, ...]:
    extra = () if network.library in ("lab_torch", "torch") else (network.library,)
    return ("torch", "safetensors", *extra)


def _always(subject: Subject, network: Network) -> str | None:
    del subject, network
    return None


def _buildable(subject: Subject, network: Network) -> str | None:
    del subject
    if network.build is None:
        return "the Python file that makes the network is not here, only the network's graph"
    return None


def _decodable(subject: Subject, network: Network) -> str | None:
    lacking = compact.lacking(subject)
    if lacking is not None:
        return f"`{lacking}` has no decoder in torch (`docs/export.md` says how one is written)"
    return _buildable(subject, network)


#: Formats that need no class of a network, and so hold one of other widths.
NARROWER = ("pt2", "onnx")
FORMATS: dict[str, Format] = {
    "torch": Format("dense weights that load strictly into the torch module", _buildable, _torch),
    "compact": Format("codes and scales, for the torch package beside it", _decodable, _compact),
    "pt2": Format("a torch.export archive, which needs no class", _always, _pt2),
    "onnx": Format("an ONNX model, codes kept as whole numbers", _always, _onnx),
    "peft": Format("an adapter for Hugging Face PEFT", adapters.refusal, adapters.write),
    "transformers": Format(
        "a folder that transformers loads by itself", folders.refusal, folders.write
    ),
}
