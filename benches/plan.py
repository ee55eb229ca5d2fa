"""How fast a large study is planned, and how much memory that takes.

`lab plan` is run as a process on studies of 10,000 runs (nothing stored, then everything stored)
and of a million, beside Hydra's expansion of the same grid: `--multirun` with a launcher that
starts nothing, so that what is left is its sweeper, which composes every job. Hydra lives in an
environment of its own in the user's cache, which is made once (it needs an index of packages).
Hydra expands a part of the grid, and its time is taken to grow with the number of jobs.

    python benches/plan.py [--quick] [--million]

prints ratios, processor seconds and the largest resident memory. Processor time is compared, since
wall time on a machine with other work is noise.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

HYDRA = "hydra-core==1.3.2"
HEAD = """\
study large
data  d = digits()
model m = mlp()
method dense = train(for: 1 epochs)
method field = dense then inwf(width: 16, layers: 2, by: adam(lr: 1e-3), for: 1k steps)
metric ratio = bytes(dense) / bytes(method)
metric drop = accuracy(dense) - accuracy(method)
report { table(ratio, drop, by: method) }
"""
#: Points by shape: grids of them are what people write.
SHAPES = {
    "2,000 points, 5 replicates": (
        "repeat 5 as seed\n"
        "grid g { method: field; field.width: 8 .. 107; field.w0: 1 .. 20 }\n"
        "claim small: ratio(field) > 2 over every field.width\n"
    ),
    "10,000 points, 1 replicate": (
        "repeat 1 as seed\ngrid g { method: field; field.width: 8 .. 107; field.w0: 1 .. 100 }\n"
    ),
}
MILLION = "repeat 10 as seed\ngrid g { method: field; field.width: 8 .. 507; field.w0: 1 .. 200 }\n"
#: A launcher that starts nothing. Hydra's sweeper has composed every job by then.
LAUNCHER = """
from dataclasses import asdict, dataclass
from hydra.core.config_store import ConfigStore
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher

class Idle(Launcher):
    def setup(self, *, hydra_context, task_function, config):
        pass
    def launch(self, job_overrides, initial_job_idx):
        return [JobReturn(status=JobStatus.COMPLETED) for _ in job_overrides]

@dataclass
class Config:
    _target_: str = "hydra_plugins.idle.Idle"

ConfigStore.instance().store(group="hydra/launcher", name="idle", node=Config, provider="bench")
"""
APP = """
import hydra
from hydra.core.config_store import ConfigStore

ConfigStore.instance().store(name="config", node={
    "method": "field", "seed": 0,
    "field": {"width": 16, "layers": 2, "w0": 30.0, "by": {"name": "adam", "lr": 1e-3}},
})

@hydra.main(version_base=None, config_path=None, config_name="config")
def main(config):
    pass

if __name__ == "__main__":
    main()
"""


@dataclass(frozen=True)
class Spent:
    """Processor seconds and the largest resident memory of a process, in MB."""

    seconds: float
    memory: float


def spent(command: Sequence[str], folder: Path) -> Spent:
    """What a process and all that it starts take; the process must succeed."""
    process = subprocess.Popen(
        command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr is not None
    said = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed:\n{said}")
    return Spent(used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def best(command: Sequence[str], folder: Path, turns: int) -> Spent:
    """The quickest of several turns."""
    return min((spent(command, folder) for _ in range(turns)), key=lambda one: one.seconds)


def planned(text: str, folder: Path) -> list[str]:
    """The command that plans a study, which is written first."""
    studies = folder / "studies"
    studies.mkdir(exist_ok=True)
    (studies / "large.lab").write_text(HEAD + text, encoding="utf-8")
    return [sys.executable, "-m", "lab", "plan", "studies/large.lab"]


def store_everything(folder: Path) -> None:
    """Records of everything that the study asks for, as far as `lab plan` looks at them."""
    from lab.cli.load import load

    plan = load(folder / "studies" / "large.lab").plan
    assert plan is not None
    store = folder / "results" / "store"
    store.mkdir(parents=True)
    (store / "VERSION").write_text("1\n", encoding="utf-8")
    for node in plan.nodes:
        (store / node.key).mkdir()
        record = json.dumps(asdict(node))
        (store / node.key / "record.json").write_text(record, encoding="utf-8")


def hydra_python() -> Path:
    """The interpreter of Hydra's own environment, which is made where there is none."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    home = cache / "lab-benches" / HYDRA.replace("==", "-")
    python = home / "bin" / "python"
    if not (home / "ready").exists():
        venv.create(home, with_pip=True, clear=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", HYDRA], check=True)
        (home / "ready").touch()
    return python


def hydra_seconds(folder: Path, replicates: int, jobs: int) -> float:
    """Processor seconds that Hydra takes for a job of the grid, its start left out."""
    (folder / "app.py").write_text(APP, encoding="utf-8")
    (folder / "hydra_plugins").mkdir()
    (folder / "hydra_plugins" / "idle.py").write_text(LAUNCHER, encoding="utf-8")
    python = str(hydra_python())

    def run(count: int) -> float:
        widths = ",".join(map(str, range(8, 8 + count // replicates)))
        seeds = ",".join(map(str, range(replicates)))
        grid = [f"field.width={widths}", f"seed={seeds}", "hydra/launcher=idle"]
        return spent([python, "app.py", "--multirun", *grid], folder).seconds

    return (run(jobs) - run(replicates * 2)) / (jobs - replicates * 2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the figures."""
    parser = argparse.ArgumentParser(description="How fast a large study is planned.")
    parser.add_argument("--quick", action="store_true", help="one turn, fewer jobs of Hydra")
    parser.add_argument("--million", action="store_true", help="a million runs too, when quick")
    given = parser.parse_args(arguments)
    turns = 1 if given.quick else 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bare = best([sys.executable, "-c", ""], folder, 5)
        mine: list[float] = []
        for shape, text in SHAPES.items():
            used = best(planned(text, folder), folder, turns)
            mine.append(_said(f"10,000 runs, {shape}", used, bare))
        store_everything(folder)
        again = planned(SHAPES["10,000 points, 1 replicate"], folder)
        spent(again, folder)  # a run would have left an index of the store
        used = best(again, folder, turns)
        _said("the same, everything stored", used, bare)
        each = hydra_seconds(folder, 5, 100 if given.quick else 500)
        print(f"Hydra's expansion of 10,000 jobs takes {1e4 * each / max(mine):.0f} times as long")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if given.million or not given.quick:
            used = spent(planned(MILLION, folder), folder)
            seconds = _said("1,000,000 runs", used, bare)
            print(f"Hydra's expansion of a million takes {1e6 * each / seconds:.0f} times as long")
    return 0


def _said(what: str, used: Spent, bare: Spent) -> float:
    print(
        f"{what}: {used.seconds:.2f} s of a processor, {used.seconds / bare.seconds:.0f} times "
        f"the start of a bare Python; {used.memory:.0f} MB",
        flush=True,
    )
    return used.seconds


if __name__ == "__main__":
    sys.exit(main())
