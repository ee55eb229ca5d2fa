"""How fast images get into a step: gathered, cropped, mirrored, beside torch's loader.

Both sides have 50,000 images of 32 × 32 pixels in memory, visit them in a new random order every
epoch, crop each out of a margin of four black pixels and mirror half of them, and hand over batches
of bytes with their labels. Ours is what `train` does: the batch is drawn and augmented inside the
program. Torch's is what anybody would write: a Dataset of tensors, a DataLoader with workers, and
torchvision's RandomCrop and RandomHorizontalFlip on each image. Each side lives in a process of its
own on the same cores, and they take turns; a figure is the best of several turns.

    python benches/data.py [--quick] [--threads 2]

prints examples per second of both, by wall time and by processor time, their ratio, and whether
ours reaches a million a second. On a machine with other work the wall time is noise: processor time
says what the same work costs with the cores to itself.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

EXAMPLES, SIDE, MARGIN = 50_000, 32, 4
GOAL = 1_000_000
BATCH = 512


@dataclass(frozen=True)
class Turn:
    """Examples that got into a step, and the seconds it took: on the wall, and of all cores."""

    examples: int
    wall: float
    processor: float


def _images():
    import numpy as np

    random = np.random.default_rng(0)
    return random.integers(0, 256, (EXAMPLES, SIDE, SIDE, 3)).astype(np.uint8)


def ours(steps: int) -> Callable[[], Turn]:
    """A function that takes a turn with what `train` draws its batches with."""
    import jax
    import jax.numpy as jnp
    import numpy as np

    from lab.runtime.augmentation import around, beforehand
    from lab.runtime.augmentations.crop import Crop
    from lab.runtime.augmentations.flip import Flip
    from lab.runtime.batches import drawn, epoch_order
    from lab.runtime.loss import terms_of
    from lab.runtime.losses.task import Task
    from lab.runtime.models.resnet20 import ResNet20
    from lab.runtime.optimizers.sgd import SGD
    from lab.runtime.recipe import Leg, Recipe, Supply
    from lab.runtime.selectors.all import All

    images, augmentations = _images(), (Crop(pad=MARGIN), Flip())
    recipe = Recipe(
        model=ResNet20(),
        through=None,
        select=All(),
        loss=terms_of(Task()),
        by=SGD(lr=0.1),
        augment=augmentations,
        batch=BATCH,
        steps=10**9,
        steps_per_epoch=EXAMPLES // BATCH,
        classes=10,
        margin=beforehand(augmentations, images),
    )
    batches, augment, dropout = jax.random.split(jax.random.key(0), 3)
    supply = Supply(
        inputs=jnp.asarray(np.pad(images, around(recipe.margin))),
        labels=jnp.asarray(np.arange(EXAMPLES, dtype=np.int32) % 10),
        fixed={},
        batches=batches,
        augment=augment,
        dropout=dropout,
        numbers=(),
        frozen={},
        start={},
        teachers={},
    )

    @jax.jit
    def step(number, supply, order):
        batch = drawn(recipe, number, supply, Leg(order, number))
        return number + 1, batch.inputs, batch.targets

    # The number of the step stays on the device, as it does in training.
    state = {"step": 0, "order": None, "number": jnp.zeros((), jnp.int32)}

    def turn() -> Turn:
        begun, used = time.perf_counter(), time.process_time()
        last = None
        for _ in range(steps):
            if state["step"] % recipe.steps_per_epoch == 0 or state["order"] is None:
                epoch = jnp.asarray(state["step"] // recipe.steps_per_epoch)
                state["order"] = epoch_order(batches, epoch, count=EXAMPLES)
            state["number"], *last = step(state["number"], supply, state["order"])
            state["step"] += 1
        jax.block_until_ready(last)
        return Turn(steps * BATCH, time.perf_counter() - begun, time.process_time() - used)

    return turn


def theirs(steps: int) -> Callable[[], Turn]:
    """A function that takes a turn with torch's loader, its workers started once."""
    import torch

    from lab.runtime.bridge import torchvision_schemas

    torchvision_schemas.declare()
    from torchvision import transforms

    images = torch.from_numpy(_images()).permute(0, 3, 1, 2).contiguous()
    changed = transforms.Compose(
        [transforms.RandomCrop(SIDE, padding=MARGIN), transforms.RandomHorizontalFlip()]
    )

    class Images(torch.utils.data.Dataset):
        def __len__(self) -> int:
            return EXAMPLES

        def __getitem__(self, row: int):
            return changed(images[row]), row % 10

    workers = len(os.sched_getaffinity(0))
    loader = torch.utils.data.DataLoader(
        Images(), BATCH, shuffle=True, num_workers=workers, persistent_workers=True, drop_last=True
    )
    flow = iter(loader)

    def turn() -> Turn:
        nonlocal flow
        begun, used = time.perf_counter(), _of_all_processes()
        for _ in range(steps):
            batch = next(flow, None)
            if batch is None:
                flow = iter(loader)
                batch = next(flow)
        return Turn(steps * BATCH, time.perf_counter() - begun, _of_all_processes() - used)

    return turn


def _of_all_processes() -> float:
    """Processor seconds of this process and of its workers, from the kernel's books."""
    from pathlib import Path

    tick = os.sysconf("SC_CLK_TCK")
    mine, total = str(os.getpid()), time.process_time()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        if fields[1] == mine:
            total += (int(fields[11]) + int(fields[12])) / tick
    return total


SIDES = {"ours": ours, "torch": theirs}


def serve(side: str, threads: int, steps: int) -> None:
    """Take a turn for each line that is read; the first one, which compiles, is not told."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    turn = SIDES[side](steps)
    turn()
    for _ in sys.stdin:
        print(json.dumps(asdict(turn())), flush=True)


class Side:
    """One side, in its own process."""

    def __init__(self, name: str, threads: int, steps: int) -> None:
        command = [sys.executable, __file__, "--side", name]
        command += ["--threads", str(threads), "--steps", str(steps)]
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def turn(self) -> Turn:
        """Let the side take a turn."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(file=self.process.stdin, flush=True)
        return Turn(**json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        """End its process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def compare(threads: int, turns: int, quick: bool) -> None:
    """Print examples per second of both, their ratio, and whether the goal is reached."""
    lengths = {"ours": 40 if quick else 200, "torch": 4 if quick else 20}
    sides = {name: Side(name, threads, steps) for name, steps in lengths.items()}
    best: dict[str, tuple[float, float]] = dict.fromkeys(sides, (0.0, 0.0))
    for _ in range(turns):
        for name, side in sides.items():
            one = side.turn()
            rates = one.examples / one.wall, threads * one.examples / max(one.processor, 1e-9)
            best[name] = tuple(map(max, best[name], rates))  # type: ignore[assignment] - two
    for side in sides.values():
        side.close()
    print(f"{threads} cores, {EXAMPLES:,} images of {SIDE} × {SIDE}, batches of {BATCH}")
    print(f"{'':8}{'examples/s':>14}{'of busy cores':>16}")
    for name, (wall, busy) in best.items():
        print(f"{name:8}{wall:>14,.0f}{busy:>16,.0f}")
    ratios = [mine / other for mine, other in zip(best["ours"], best["torch"], strict=True)]
    print(f"ours / torch: {ratios[0]:.1f}x by wall time, {ratios[1]:.1f}x by processor time")
    reached = "is" if best["ours"][0] >= GOAL else "is not"
    print(f"a million examples per second {reached} reached by wall time")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--steps", type=int, default=10, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="shorter turns")
    given = parser.parse_args(arguments)
    if given.side:
        serve(given.side, given.threads, given.steps)
    else:
        compare(given.threads, given.turns, given.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
