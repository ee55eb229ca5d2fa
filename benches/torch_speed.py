"""How long forward and backward take, beside torch: a training step without its optimizer.

    python benches/torch_speed.py [NAME …] [--zoo] [--quick] [--threads 2]

Both sides have the same weights, the same batch, float32, the same cores and as many threads; the
loss is the mean square of the first answer, nothing is dropped, batch norms train. Where a training
would have several cores share its batches (`lab.runtime.sharding`), ours does. They take turns
in one process for each network, of a few steps each. The first step of a turn is not counted: it
takes up to 1.7 times as long, because the other side has given its memory back to the system, and a
training has no such neighbor. Each figure is the median over turns of our time over torch's: by the
clock, and by processor time. A busy machine keeps torch's threads waiting for each other, so that
the clock is right on a quiet one only; `--threads 1` and processor time are right on both.

On a CPU torch is eager; on a graphics processor it is `torch.compile`. `--zoo` takes the networks
of `benches.zoo` in place of the named ones. Seconds of converting, tracing and compiling are
printed beside; they are of processor time.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from lab.runtime.device import LARGE_PAGES

#: So that `benches.zoo` is found from a script of its folder.
sys.path.insert(0, str(Path(__file__).parents[1]))


@dataclass(frozen=True)
class Subject:
    """A network, how many examples of which size it is given, and how long it may take.

    `size` is the side of images, or the length of texts. `most` is times torch's.
    """

    library: str
    name: str
    batch: int
    size: int
    most: float


SUBJECTS = {
    "deit_tiny": Subject("timm", "deit_tiny_patch16_224", 8, 224, 1.1),
    "bert_base": Subject("bert", "bert-base", 4, 128, 1.1),
    "resnet50": Subject("torchvision", "resnet50", 4, 224, 1.3),
    "resnet20": Subject("resnet20", "converted", 64, 32, 1.6),
    "resnet20_native": Subject("resnet20", "native", 64, 32, 1.6),
    "resnet18": Subject("torchvision", "resnet18", 4, 224, 3),
    "mobilenet_v2": Subject("torchvision", "mobilenet_v2", 4, 224, 3),
    "efficientnet_b0": Subject("torchvision", "efficientnet_b0", 4, 224, 3),
}
ZOO_BATCH, ZOO_MOST = 4, 3.0
#: Steps of a turn that count.
STEPS = 2


@dataclass(frozen=True)
class Ratios:
    """Our time over torch's, and what came before the first step, in processor seconds."""

    by_clock: float
    by_processor: float
    preparing: float
    tracing: float
    compiling: float


def module_of(subject: Subject) -> tuple[Any, dict[str, Any]]:
    """A torch module with random weights, and inputs by keyword."""
    import torch

    if subject.library == "zoo":
        return of_the_zoo(subject)
    torch.manual_seed(0)
    images = torch.randn(subject.batch, 3, subject.size, subject.size)
    if subject.library == "torchvision":
        import torchvision

        return torchvision.models.get_model(subject.name, weights=None), {"x": images}
    if subject.library == "timm":
        import timm

        return timm.create_model(subject.name, pretrained=False), {"x": images}
    if subject.library == "resnet20":
        return resnet20_of_torch(), {"x": images}
    import transformers

    words = torch.randint(1000, 30000, (subject.batch, subject.size))
    network = transformers.BertForSequenceClassification(transformers.BertConfig())
    return network, {"input_ids": words, "attention_mask": torch.ones_like(words)}


def zoo() -> dict[str, Subject]:
    """The networks of the zoo, by library and name."""
    from benches.zoo.models import ZOO

    names = [f"{entry.library}/{entry.name}" for entry in ZOO]
    return {
        name: Subject("zoo", name, ZOO_BATCH, entry.size, ZOO_MOST)
        for name, entry in zip(names, ZOO, strict=True)
    }


def of_the_zoo(subject: Subject) -> tuple[Any, dict[str, Any]]:
    """The module and the inputs that the zoo has."""
    from benches.zoo.built import build, inputs_of
    from benches.zoo.models import ZOO

    (entry,) = [one for one in ZOO if f"{one.library}/{one.name}" == subject.name]
    module = build(entry)
    return module, inputs_of(entry, module, subject.batch)


def resnet20_of_torch() -> Any:
    """ResNet-20 as it is usually written in torch: option A, no parameters in shortcuts."""
    import torch
    from torch import nn
    from torch.nn import functional

    class Block(nn.Module):
        def __init__(self, inputs: int, outputs: int, stride: int) -> None:
            super().__init__()
            self.stride, self.extra = stride, (outputs - inputs) // 2
            self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(outputs)
            self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(outputs)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(x)))))
            if self.stride > 1:
                pads = (0, 0, 0, 0, self.extra, self.extra)
                x = functional.pad(x[:, :, :: self.stride, :: self.stride], pads)
            return functional.relu(x + y)

    class ResNet20(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(16)
            for number, (inputs, outputs) in enumerate(((16, 16), (16, 32), (32, 64)), start=1):
                first = Block(inputs, outputs, 1 if number == 1 else 2)
                rest = [Block(outputs, outputs, 1) for _ in range(2)]
                self.add_module(f"layer{number}", nn.Sequential(first, *rest))
            self.linear = nn.Linear(64, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = functional.relu(self.bn1(self.conv1(x)))
            x = self.layer3(self.layer2(self.layer1(x)))
            return self.linear(x.mean((2, 3)))

    return ResNet20()


def theirs(module: Any, inputs: dict[str, Any]) -> Callable[[], None]:
    """A step in torch; on a graphics processor compiled, and waited for."""
    import torch

    from lab.runtime.bridge.parity import answers

    on_gpu = torch.cuda.is_available()
    device = torch.device("cuda" if on_gpu else "cpu")
    module = module.to(device)
    inputs = {name: value.to(device) for name, value in inputs.items()}
    parameters = list(module.parameters())
    forward = torch.compile(module) if on_gpu else module

    def step() -> None:
        loss = answers(forward(**inputs))[0].square().mean()
        torch.autograd.grad(loss, parameters, allow_unused=True)
        if on_gpu:
            torch.cuda.synchronize()

    return step


def cores(subject: Subject, module: Any, inputs: dict[str, Any]) -> int:
    """How many cores a training here would have share the batch."""
    from lab.runtime.bridge.counting import costs
    from lab.runtime.sharding import cores_that_pay

    trained = sum(parameter.numel() for parameter in module.parameters())
    return cores_that_pay(subject.batch, costs(module, inputs)["macs"], trained)


def ours(subject: Subject, module: Any, inputs: dict[str, Any]) -> tuple[Callable, list[float]]:
    """The same step here, and processor seconds of converting, tracing and compiling."""
    import jax
    import jax.numpy as jnp

    from lab.runtime.bridge.exported import convert
    from lab.runtime.bridge.parity import arrays, weights
    from lab.runtime.foreign.run import compute
    from lab.runtime.sharding import on_all, shared_by, spread

    devices = cores(subject, module, inputs)
    marks = [time.process_time()]
    if subject.name == "native":
        from lab.runtime.models.resnet20 import ResNet20

        params, buffers = ResNet20().init(jax.random.key(0))
        given: Any = jax.random.randint(jax.random.key(1), (subject.batch, 32, 32, 3), 0, 256)

        def answer(params: Any, buffers: Any, given: Any) -> tuple[Any, Any]:
            return ResNet20().apply(params, buffers, given.astype(jnp.uint8), train=True)
    else:
        made = convert(module, inputs, about={})
        params, buffers = weights(module, made)
        given = arrays(inputs)

        def answer(params: Any, buffers: Any, given: Any) -> tuple[Any, Any]:
            found, moved = compute(made.training, params, buffers, given)
            return next(iter(found.values())), moved

    def loss(params: Any, buffers: Any, given: Any) -> tuple[Any, Any]:
        with shared_by(devices):
            found, moved = answer(params, buffers, spread(given, devices))
        return jnp.mean(jnp.square(found)), moved

    def step(params: Any, buffers: Any, given: Any) -> Any:
        found = jax.value_and_grad(loss, has_aux=True)(params, buffers, given)
        return on_all(found, devices)

    marks.append(time.process_time())
    params, buffers, given = on_all((params, buffers, given), devices)
    traced = jax.jit(step).lower(params, buffers, given)
    marks.append(time.process_time())
    program = traced.compile()
    marks.append(time.process_time())
    return lambda: jax.block_until_ready(program(params, buffers, given)), [
        later - sooner for sooner, later in pairwise(marks)
    ]


def measured(subject: Subject, *, turns: int, threads: int) -> Ratios:
    """Both sides, a turn each; cores are taken before either library looks at them."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    import torch

    from lab.runtime.bridge.parity import without_dropping
    from lab.runtime.bridge.torchvision_schemas import declare
    from lab.runtime.serving import configure

    configure(threads)
    torch.set_num_threads(threads)
    declare()
    module, inputs = module_of(subject)
    step, before = ours(subject, module, inputs)
    without_dropping(module.train())
    other = theirs(module, inputs)
    for warm in (step, other, step, other):
        warm()
    clock, processor = zip(*(_turn(step, other) for _ in range(turns)), strict=True)
    return Ratios(statistics.median(clock), statistics.median(processor), *before)


def _turn(step: Callable[[], Any], other: Callable[[], Any]) -> tuple[float, float]:
    spent = []
    for one in (step, other):
        one()
        wall, processor = time.perf_counter(), time.process_time()
        for _ in range(STEPS):
            one()
        spent.append((time.perf_counter() - wall, time.process_time() - processor))
    (mine, my_processor), (its, its_processor) = spent
    return mine / its, my_processor / its_processor


def report(name: str, subject: Subject, *flags: str) -> None:
    """Print one network's ratios, measured in a process of its own."""
    script = [sys.executable, __file__, "--one", json.dumps(asdict(subject)), *flags]
    # As workers are started; torch's memory is in large pages too then.
    environment = {**LARGE_PAGES, **os.environ}
    done = subprocess.run(script, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = done.stderr.strip().splitlines() or ["no word"]
        print(f"{name:<48}not measured: {reason[-1]}", flush=True)
        return
    found = Ratios(**json.loads(done.stdout.splitlines()[-1]))
    beyond = "  beyond it" if found.by_clock > subject.most else ""
    print(
        f"{name:<48}{found.by_clock:6.2f}x by the clock,{found.by_processor:6.2f}x by processor"
        f" (at most {subject.most}x asked){beyond}; batch {subject.batch}, size {subject.size};"
        f" {found.preparing:.1f} s preparing, {found.tracing:.1f} tracing,"
        f" {found.compiling:.1f} compiling",
        flush=True,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="A step beside torch's, as ratios.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(SUBJECTS))
    parser.add_argument("--zoo", action="store_true", help="the networks of the zoo")
    parser.add_argument("--quick", action="store_true", help="three turns instead of nine")
    parser.add_argument("--threads", type=int, default=2, help="cores and threads of both sides")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args(arguments)
    turns = 3 if given.quick else 9
    if given.one:
        subject = Subject(**json.loads(given.one))
        print(json.dumps(asdict(measured(subject, turns=turns, threads=given.threads))))
        return 0
    known = zoo() if given.zoo else SUBJECTS
    unknown = [name for name in given.names if name not in known]
    if unknown:
        print(f"no network {', '.join(unknown)}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    print(f"our time over torch's, {given.threads} threads each, median of {turns} turns")
    for name in given.names or known:
        flags = ["--threads", str(given.threads), *(["--quick"] if given.quick else [])]
        report(name, known[name], *flags)
    return 0


if __name__ == "__main__":
    sys.exit(main())
