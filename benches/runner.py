"""What running costs besides the numbers themselves.

* A study of many tiny runs (one step of a small perceptron on the digits, at other learning rates
  and seeds), by `lab run`, by a plain Python loop of the same JAX training, and by Ray Tune. The
  start of each is left out: what is compared is the slope, from a few runs to many.
* The same command on the finished study, which has nothing to do.
* A process that begins to train with an empty compilation cache, and with a full one.
* A sweep of fields that differ in learning rate and seed, beside as many fits in torch, one after
  another.

Ray Tune lives in an environment of its own in the user's cache, which is made once (it needs an
index of packages).

    python benches/runner.py [--quick] [--no-ray]

prints ratios, by wall time and by processor time: on a machine with other work on it, wall time is
noise.
"""

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise
from pathlib import Path

#: Times that a study of few runs and one of many are done, in turns.
TURNS = 5
RAY = "ray[tune]==2.60.0"
STUDY = """\
study many
data digits_set = digits()
model net = mlp(width: 8, layers: 1)
method small = train(by: sgd(lr: 0.1), for: 1 steps, batch: 32)
metric acc = accuracy(method)
repeat {seeds} as seed
grid rates {{ small.lr: log 1e-4 .. 1e-1 by 20 points }}
report {{ table(acc, by: small.lr) }}
"""
#: What people write: a compiled step, arguments for what changes, a file at the end.
LOOP = """
import json, math, os, sys, time
import jax, jax.numpy as jnp, numpy as np
data = np.load("digits.npz")
x, y, tx, ty = (jnp.asarray(data[n]) for n in ("x", "y", "tx", "ty"))

def logits(p, x):
    h = jax.nn.relu(x.reshape(len(x), -1) @ p["a"] + p["b"])
    return h @ p["c"] + p["d"]

def loss(p, x, y):
    return -jnp.mean(jax.nn.log_softmax(logits(p, x))[jnp.arange(len(y)), y])

@jax.jit
def run(seed, rate):
    a, b, c = jax.random.split(jax.random.key(seed), 3)
    n = x[0].size
    p = {"a": jax.random.normal(a, (n, 8)) / n**0.5, "b": jnp.zeros(8),
         "c": jax.random.normal(b, (8, 10)) / 8**0.5, "d": jnp.zeros(10)}
    rows = jax.random.permutation(c, len(x))[:32]
    g = jax.grad(loss)(p, x[rows], y[rows])
    return jax.tree.map(lambda p, g: p - rate * g, p, g)

@jax.jit
def right(p):
    return jnp.mean(jnp.argmax(logits(p, tx), 1) == ty)

def train(config):
    p = run(config["seed"], config["rate"])
    return {"accuracy": float(right(p))}

def points(count):
    seeds = count // 20
    return [{"seed": s, "rate": 10 ** (-4 + 3 * i / 19)} for s in range(seeds) for i in range(20)]
"""
PLAIN = """
count = int(sys.argv[1])
made = [train(config) for config in points(20)]
begun, used = time.perf_counter(), time.process_time()
made = []
for config in points(count):
    made.append({**config, **train(config)})
json.dump(made, open("made.json", "w"))
print(json.dumps([time.perf_counter() - begun, time.process_time() - used]))
"""
TUNE = """
import ray
from ray import tune

def cpu():
    # Of this process and all below it, those that have ended included.
    found, own = {}, os.getpid()
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            rest = open(f"/proc/{name}/stat").read().rpartition(")")[2].split()
        except OSError:
            continue
        found[int(name)] = int(rest[1]), sum(map(int, rest[11:15]))
    total = 0
    for pid, (parent, ticks) in found.items():
        at = pid
        while at in found and at != own:
            at = found[at][0]
        total += ticks if at == own else 0
    return total / os.sysconf("SC_CLK_TCK")

ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False)
def timed(count):
    begun, used = time.perf_counter(), cpu()
    space = {"point": tune.grid_search(points(count))}
    def trial(config):
        tune.report(train(config["point"]))
    tune.Tuner(trial, param_space=space, run_config=tune.RunConfig(
        storage_path=os.getcwd(), verbose=0)).fit()
    return time.perf_counter() - begun, cpu() - used
few, many = timed(20), timed(int(sys.argv[1]))
each = [(b - a) / (int(sys.argv[1]) - 20) for a, b in zip(few, many)]
print(json.dumps(each))
"""


@dataclass(frozen=True)
class Spent:
    """Seconds on the wall, and of processors, those of processes that were begun included."""

    wall: float
    processor: float

    def per(self, less: "Spent", runs: int) -> "Spent":
        """The slope: what each further run costs."""
        return Spent((self.wall - less.wall) / runs, (self.processor - less.processor) / runs)

    def over(self, other: "Spent") -> str:
        """How many times as much this is."""
        by_wall, by_processor = self.wall / other.wall, self.processor / other.processor
        return f"{by_wall:8.2f}x by wall time, {by_processor:8.2f}x by processor time"


def spent(command: Sequence[str], folder: Path, **variables: str) -> Spent:
    """Run a command to its end."""
    begun, before = time.perf_counter(), os.times()
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"{' '.join(command)}\n{done.stdout}{done.stderr}")
    after = os.times()
    used = sum(after[2:4]) - sum(before[2:4])
    return Spent(time.perf_counter() - begun, used)


def median(several: Sequence[Spent]) -> Spent:
    """The median of each figure."""
    return Spent(*map(statistics.median, zip(*map(astuple, several), strict=True)))


def lab(folder: Path, runs: int, **variables: str) -> list[str]:
    """A command that runs a study of so many runs, in a folder of its own."""
    file = folder / f"many{runs}" / "studies" / "many.lab"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(STUDY.format(seeds=runs // 20), encoding="utf-8")
    return [sys.executable, "-m", "lab", "run", str(file)]


def overhead(folder: Path, runs: int, *, with_ray: bool) -> None:
    """Print what a run costs here, beside others, and what a finished study costs."""
    few = 40
    _executed(folder, few)
    # A start is as long as hundreds of runs, and its noise is divided by their number.
    turns = [(_executed(folder, few), _executed(folder, runs)) for _ in range(TURNS)]
    few_spent, many_spent = (median(side) for side in zip(*turns, strict=True))
    mine = many_spent.per(few_spent, runs - few)
    print(f"a run: {1e3 * mine.wall:.2f} ms on the wall, {1e3 * mine.processor:.2f} ms processor")
    _digits(folder)
    (folder / "loop.py").write_text(LOOP + PLAIN, encoding="utf-8")
    script = [sys.executable, "loop.py", str(runs)]
    said = subprocess.run(script, cwd=folder, capture_output=True, text=True, check=True).stdout
    plain = Spent(*(seconds / runs for seconds in json.loads(said)))
    print(f"the same training in a plain loop: {1e3 * plain.wall:.2f} ms")
    print(f"{'beside a plain loop':<34}{mine.over(plain)}", flush=True)
    if with_ray:
        (folder / "tune.py").write_text(LOOP + TUNE, encoding="utf-8")
        answer = subprocess.run(
            [str(ray_python()), "tune.py", str(min(runs, 200))],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        theirs = Spent(*json.loads(answer.splitlines()[-1]))
        print(f"{'Ray Tune, beside this':<34}{theirs.over(mine)}")
    spent(lab(folder, runs), folder)
    again = spent(lab(folder, runs), folder)
    print(f"finished, {runs} runs: {again.wall:.1f} s on the wall, {again.processor:.1f} s")


def _executed(folder: Path, runs: int) -> Spent:
    """A new store filled by the workers; reports and Aim's copy of it left out."""
    file = lab(folder, runs)[-1]
    store = tempfile.mkdtemp(dir=folder)
    script = [sys.executable, __file__, "--execute", file, store]
    said = subprocess.run(script, capture_output=True, text=True, check=True).stdout
    return Spent(*json.loads(said))


def execute(file: Path, root: Path) -> Spent:
    """Execute a study, and end its workers."""
    from lab.cli.load import load
    from lab.runtime import execution, nursery
    from lab.runtime.store import Store

    plan = load(file).plan
    assert plan is not None
    begun, used = time.perf_counter(), sum(os.times()[:4])
    execution.execute(plan, Store(root), folder=file.parent, listener=lambda _: None)
    wall = time.perf_counter() - begun
    nursery.end()  # What workers used counts for the process that forked them, when that has ended.
    return Spent(wall, sum(os.times()[:4]) - used)


def starts(folder: Path) -> None:
    """Print how much sooner a process trains whose programs were compiled before."""
    cold, warm = [], []
    for turn in range(2):
        for found in (cold, warm):
            where = str(folder / f"cache{turn}")
            script = [sys.executable, __file__, "--start"]
            answer = subprocess.run(
                script,
                env={**os.environ, "LAB_COMPILATION_CACHE": where},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            found.append(Spent(*json.loads(answer)))
    print(f"{'cold start, beside a warm one':<34}{best(cold).over(best(warm))}")


def start() -> None:
    """From imported libraries to a trained network and a field: compiling, or loading.

    The examples and the catalog are read before the clock starts: no compiler has a part in them.
    """
    import jax

    from lab.runtime import registry
    from lab.runtime.asking import alone
    from lab.runtime.data.digits import Digits
    from lab.runtime.models.mlp import MLP
    from lab.runtime.reparameterizations.inwf import INWF
    from lab.runtime.serving import configure
    from lab.runtime.stages.fit import Fit
    from lab.runtime.stages.train import Train
    from lab.runtime.work import Work
    from lab.spec.units import Duration

    configure()
    registry.catalog()
    Digits().loaded()
    names = ("init", "batches", "augment", "dropout")
    method = INWF(width=16, layers=2, min_size=0)
    keys = dict(zip(names, jax.random.split(jax.random.key(0), 4), strict=True))
    stage = Train(model=MLP(), data=Digits(), duration=Duration(1, "steps"), batch=16)
    begun, used = time.perf_counter(), time.process_time()
    made = alone(stage.going(Work({}, keys.__getitem__, lambda *_: None, Path())))
    fit = Fit(through=method, duration=Duration(1, "steps"))
    alone(fit.going(Work({"before": made}, keys.__getitem__, lambda *_: None, Path())))
    print(json.dumps([time.perf_counter() - begun, time.process_time() - used]))


def sweep(fits: int, steps: int) -> None:
    """Print how much faster a sweep of fields is on two cores than torch, one after another.

    As in `lab run`, a worker has a core of its own and half of the fits. Torch has a thread for
    each core, or a single one: on a busy machine its threads wait for each other at work.
    """
    mine = best([_side("lab", fits, steps, workers=2) for _ in range(2)])
    for threads in (1, 2):
        theirs = best([_side("torch", fits, steps, threads=threads) for _ in range(2)])
        name = f"{fits} fits in torch, {threads} thread{'s' * (threads > 1)}"
        print(f"{name:<34}{theirs.over(mine)}", flush=True)


def _side(side: str, fits: int, steps: int, *, workers: int = 1, threads: int = 1) -> Spent:
    cores = sorted(os.sched_getaffinity(0))[:2]
    limits = {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)}
    begun: list[subprocess.Popen[str]] = []
    for place in range(workers):
        own = cores if threads > 1 else [cores[place % len(cores)]]
        script = [sys.executable, __file__, "--sweep", side, str(fits // workers), str(steps)]
        command = [*script, ",".join(map(str, own))]
        begun.append(
            subprocess.Popen(
                command, stdout=subprocess.PIPE, text=True, env={**os.environ, **limits}
            )
        )
    found = [Spent(*json.loads(one.communicate()[0])) for one in begun]
    return Spent(max(one.wall for one in found), sum(one.processor for one in found))


WIDTH, LAYERS, BATCH, W0, BANDS = 32, 2, 1024, 30.0, 4
SHAPE = (64, 64, 3, 3)


def sweep_lab(fits: int, steps: int) -> Spent:
    """Fits of one weight tensor, on all cores: each of a process of its own, as `lab run` does."""
    import jax
    import numpy as np

    from lab.runtime import fitting
    from lab.runtime.asking import alone
    from lab.runtime.checkpoints import Nowhere
    from lab.runtime.objective import objective_of
    from lab.runtime.optimizers.adam import Adam
    from lab.runtime.reparameterizations.inwf import INWF

    target = {"w": jax.random.normal(jax.random.key(0), SHAPE)}
    method = INWF(width=WIDTH, layers=LAYERS, w0=W0, min_size=0)
    objective = objective_of(method, target, batch=BATCH)

    def one(place: int, steps: int) -> None:
        key = jax.random.key(place)
        by = Adam(lr=1e-4 * (1 + place))
        fit = fitting.Fit(objective=objective, by=by, steps=steps, importance=(1.0,))
        split = method.init(target, key=key)
        made = fitting.going(
            fit, split, target, key=key, progress=lambda *_: None, checkpoints=Nowhere()
        )
        jax.block_until_ready(np.asarray(jax.tree.leaves(alone(made)[0])[0]))

    one(0, steps)
    return timed(lambda: [one(place, steps) for place in range(fits)])


def sweep_torch(fits: int, steps: int) -> Spent:
    """The same with a module and an Adam each, features of all coordinates computed beforehand."""
    import torch

    axes = [(2 * torch.arange(n) + 1) / n - 1 for n in SHAPE]
    places = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).reshape(-1, len(SHAPE))
    angles = (places[..., None] * math.pi * 2.0 ** torch.arange(BANDS)).flatten(1)
    x = torch.cat([angles.sin(), angles.cos()], 1)
    y = torch.randn(len(x), 1)

    class Sine(torch.nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.sin(W0 * x)

    def one(place: int) -> None:
        torch.manual_seed(place)
        sizes = [x.shape[1]] + [WIDTH] * LAYERS
        parts: list[torch.nn.Module] = []
        for fan_in, out in pairwise(sizes):
            parts += [torch.nn.Linear(fan_in, out), Sine()]
        model = torch.nn.Sequential(*parts, torch.nn.Linear(WIDTH, 1))
        by = torch.optim.Adam(model.parameters(), lr=1e-4 * (1 + place))
        for _ in range(steps):
            rows = torch.randint(0, len(x), (BATCH,))
            by.zero_grad()
            torch.nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
            by.step()

    one(0)
    return timed(lambda: [one(place) for place in range(fits)])


def timed(work: object) -> Spent:
    """What a call costs in this process."""
    assert callable(work)
    begun, used = time.perf_counter(), time.process_time()
    work()
    return Spent(time.perf_counter() - begun, time.process_time() - used)


def best(costs: Sequence[Spent]) -> Spent:
    """The smallest of each."""
    return Spent(min(one.wall for one in costs), min(one.processor for one in costs))


def ray_python() -> Path:
    """The interpreter of Ray's own environment, which is made where there is none."""
    import jax

    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    home = cache / "lab-benches" / "ray-tune-2.60.0"
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        venv.create(home, with_pip=True, clear=True)
        packages = [RAY, f"jax=={jax.__version__}"]
        subprocess.run([str(python), "-m", "pip", "install", "-q", *packages], check=True)
        (home / "ready").touch()
    return python


def _digits(folder: Path) -> None:
    import numpy as np

    from lab.runtime.data.digits import Digits

    data = Digits().loaded()
    train, test = data.train, data.split("test")
    parts = {"x": train.inputs, "y": train.labels, "tx": test.inputs, "ty": test.labels}
    np.savez(folder / "digits.npz", **{name: np.asarray(part) for name, part in parts.items()})


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description="What running costs besides the numbers.")
    parser.add_argument("--start", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--execute", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--sweep", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--quick", action="store_true", help="fewer runs and fits")
    parser.add_argument("--no-ray", action="store_true", help="leave Ray Tune out")
    given = parser.parse_args(arguments)
    if given.execute:
        found = execute(*map(Path, given.execute))
        print(json.dumps([found.wall, found.processor]))
    elif given.start:
        start()
    elif given.sweep:
        side, fits, steps, own = given.sweep
        os.sched_setaffinity(0, {int(core) for core in own.split(",")})
        found = (sweep_lab if side == "lab" else sweep_torch)(int(fits), int(steps))
        print(json.dumps([found.wall, found.processor]))
    else:
        with tempfile.TemporaryDirectory() as name:
            sweep(16 if given.quick else 64, 200)
            starts(Path(name))
            overhead(Path(name), 200 if given.quick else 1000, with_ray=not given.no_ray)
    return 0


if __name__ == "__main__":
    sys.exit(main())
