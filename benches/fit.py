"""How fast fields are fitted: all tensors of ResNet-20 at once, against a plain torch loop.

Both sides have the same fields, batch, optimizer, number of steps, cores and normalized targets.
The torch loop is the one that anybody would write: a module and an Adam per tensor, features of all
coordinates computed beforehand, a step after a step. Each side lives in a process of its own, and
they take turns; a figure is the best of several turns. Compilation is reported apart.

    python benches/fit.py [--quick] [--threads 2]

prints, for each setting, how many times faster ours is, in wall time and in processor time. Wall
time on a machine with other work on it is noise; processor time is less so.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise, product

#: Weight tensors of ResNet-20 and how many there are of each.
SHAPES = (
    ((16, 3, 3, 3), 1),
    ((16, 16, 3, 3), 6),
    ((32, 16, 3, 3), 1),
    ((32, 32, 3, 3), 5),
    ((64, 32, 3, 3), 1),
    ((64, 64, 3, 3), 5),
    ((10, 64), 1),
)
W0, BANDS, RATE = 30.0, 4, 1e-3


@dataclass(frozen=True)
class Setting:
    """One fit: `batch` coordinates of each tensor in a step, or all."""

    width: int
    layers: int
    batch: int | None

    @property
    def steps(self) -> int:
        """Steps in a turn: some tenths of a second."""
        points = 20 * self.batch if self.batch else sum(math.prod(s) * n for s, n in SHAPES)
        operations = 6 * points * self.width * (16 + self.layers * self.width)
        return max(1, min(100, round(1e10 / operations)))


@dataclass(frozen=True)
class Cost:
    """Seconds of one step, and of whatever came before the first."""

    wall: float
    processor: float
    start: float


def timed(advance: Callable[[], None], steps: int, start: float) -> Cost:
    """The cost of a step of `advance`, which takes `steps` of them."""
    wall, processor = time.perf_counter(), time.process_time()
    advance()
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    return Cost(wall / steps, processor / steps, start)


def ours(setting: Setting) -> Callable[[], Cost]:
    """A function that takes a turn with this project's fit."""
    import jax
    import jax.numpy as jnp

    from lab.runtime import fitting
    from lab.runtime.objective import objective_of
    from lab.runtime.optimizers.adam import Adam
    from lab.runtime.reparameterizations.inwf import INWF

    key = jax.random.key(0)
    shapes = [shape for shape, count in SHAPES for _ in range(count)]
    target = {
        f"{place}.weight": jax.random.normal(jax.random.fold_in(key, place), shape)
        for place, shape in enumerate(shapes)
    }
    method = INWF(width=setting.width, layers=setting.layers, w0=W0, min_size=0)
    fit = fitting.Fit(
        objective=objective_of(method, target, batch=setting.batch),
        by=Adam(lr=RATE),
        steps=setting.steps,
        importance=(1 / len(shapes),) * len(shapes),
    )
    begun = time.perf_counter()
    state, supply = fitting.begin(fit, method.init(target, key=key), target, key=key)
    held = [fitting.program(fit)(state, supply, jnp.int32(1))[0]]
    jax.block_until_ready(held)
    start = time.perf_counter() - begun

    def advance() -> None:
        stop = held[0].step + setting.steps
        held[0], _ = fitting.program(fit)(held[0], supply, stop)
        jax.block_until_ready(held)

    return lambda: timed(advance, setting.steps, start)


def theirs(setting: Setting) -> Callable[[], Cost]:
    """A function that takes a turn with the plain torch loop."""
    import torch

    torch.manual_seed(0)

    class Sine(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.sin(W0 * x)

    def features(shape: tuple[int, ...]) -> torch.Tensor:
        axes = [(2 * torch.arange(n) + 1) / n - 1 for n in shape]
        places = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(shape))
        angles = (places[..., None] * math.pi * 2.0 ** torch.arange(BANDS)).flatten(1)
        return torch.cat([angles.sin(), angles.cos()], 1)

    def network(count: int) -> torch.nn.Module:
        sizes = [count] + [setting.width] * setting.layers
        parts: list[torch.nn.Module] = []
        for fan_in, out in pairwise(sizes):
            parts += [torch.nn.Linear(fan_in, out), Sine()]
        return torch.nn.Sequential(*parts, torch.nn.Linear(setting.width, 1))

    begun = time.perf_counter()
    fits = []
    for shape in [shape for shape, count in SHAPES for _ in range(count)]:
        x = features(shape)
        model = network(x.shape[1])
        y = torch.randn(len(x), 1)
        fits.append((x, y, model, torch.optim.Adam(model.parameters(), lr=RATE)))
    start = time.perf_counter() - begun

    def advance() -> None:
        for x, y, model, optimizer in fits:
            for _ in range(setting.steps):
                rows = slice(None)
                if setting.batch is not None:
                    rows = torch.randint(0, len(x), (setting.batch,))
                optimizer.zero_grad()
                loss = torch.nn.functional.mse_loss(model(x[rows]), y[rows])
                loss.backward()
                optimizer.step()

    return lambda: timed(advance, setting.steps, start)


SIDES = {"ours": ours, "torch": theirs}


def serve(side: str, threads: int) -> None:
    """Read settings, one a line, and take turns with the latest; answer each with its cost."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    turn: Callable[[], Cost] | None = None
    latest = None
    for line in sys.stdin:
        setting = Setting(**json.loads(line))
        if setting != latest:
            latest, turn = setting, SIDES[side](setting)
            turn()
        assert turn is not None
        print(json.dumps(asdict(turn())), flush=True)


class Side:
    """One side, in its own process."""

    def __init__(self, name: str, threads: int) -> None:
        threads_of = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
        self.process = subprocess.Popen(
            [sys.executable, __file__, "--side", name, "--threads", str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **threads_of},
        )

    def turn(self, setting: Setting) -> Cost:
        """Let the side take a turn."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        print(json.dumps(asdict(setting)), file=self.process.stdin, flush=True)
        return Cost(**json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        """End its process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def settings(quick: bool) -> Iterator[Setting]:
    """The settings to be compared."""
    if quick:
        yield from (Setting(16, 2, 1024), Setting(64, 2, 1024), Setting(64, 2, None))
        return
    for width, layers, batch in product((16, 64, 128), (1, 2, 3), (256, 1024, None)):
        yield Setting(width, layers, batch)


def best(costs: list[Cost]) -> Cost:
    """The smallest of each."""
    return Cost(*(min(values) for values in zip(*(asdict(c).values() for c in costs), strict=True)))


def compare(threads: int, quick: bool, turns: int) -> None:
    """Print the table and its geometric mean."""
    sides = {name: Side(name, threads) for name in SIDES}
    print(f"{threads} threads; how many times faster than torch: by wall time, by processor time")
    print(f"{'width':>6}{'layers':>7}{'batch':>7}{'wall':>8}{'processor':>11}{'compile':>11}")
    ratios: list[tuple[float, float]] = []
    for setting in settings(quick):
        costs: dict[str, list[Cost]] = {name: [] for name in sides}
        for _ in range(turns):
            for name, side in sides.items():
                costs[name].append(side.turn(setting))
        mine, other = best(costs["ours"]), best(costs["torch"])
        ratios.append((other.wall / mine.wall, other.processor / mine.processor))
        print(
            f"{setting.width:>6}{setting.layers:>7}{setting.batch or 'all':>7}"
            f"{ratios[-1][0]:>7.2f}x{ratios[-1][1]:>10.2f}x"
            f"{mine.start / mine.wall:>6.0f} steps",
            flush=True,
        )
    for side in sides.values():
        side.close()
    means = [math.exp(sum(map(math.log, each)) / len(each)) for each in zip(*ratios, strict=True)]
    least = [min(each) for each in zip(*ratios, strict=True)]
    print(f"geometric mean {means[0]:.2f}x by wall time, {means[1]:.2f}x by processor time")
    print(f"smallest {least[0]:.2f}x by wall time, {least[1]:.2f}x by processor time")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", choices=SIDES, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--turns", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="three settings instead of 27")
    given = parser.parse_args(arguments)
    if given.side:
        serve(given.side, given.threads)
    else:
        compare(given.threads, given.quick, given.turns)
    return 0


if __name__ == "__main__":
    sys.exit(main())
