"""How near `lab plan --probe` comes to the time that a run takes.

Each study is probed in an empty store and then run, both with an empty cache of compiled programs;
for each program the seconds that the plan said are beside those that its records tell, compilation
included, and at the end the whole run's wall time beside what was said of it.

    python benches/estimates.py [--quick] [NAME …]

prints `said / took`, which is 1 where the plan is right. Wall time is compared, so that other work
on the machine between the two shows: the processor time of a fixed calculation is printed before
and after, and a bench of a busy machine is worth little.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
#: A trained network, and fields of its weights: two widths are two programs.
FIELDS = """\
study fields
data  images = digits()
model net = mlp(width: 128, layers: 2)
method dense = train(for: 4 epochs, batch: 64)
method field = dense then inwf(width: 64, layers: 2, w0: 10, by: adam(lr: 5e-3), for: {steps} steps)
grid g { method: field; field.width: 48 | 96 }
report { table(accuracy, by: field.width) }
"""
#: Two networks, each trained several times.
NETWORKS = """\
study networks
data  images = digits()
model narrow = mlp(width: 128, layers: 2)
model wide = mlp(width: 512, layers: 3)
method dense = train(by: adam(lr: 1e-3), for: {epochs} epochs, batch: 64)
repeat 2 as seed
grid g { method: dense; model: narrow | wide }
report { table(accuracy, by: model) }
"""
#: A study that comes with `lab`: five methods, three replicates.
QUICKSTART = (HERE.parent / "studies" / "quickstart.lab").read_text(encoding="utf-8")
#: Seconds are those of the processor in every process: others that use the machine do not count.
CLOCK = "import time\ntime.perf_counter = time.process_time\n"
#: Programs that take less than this share of a run are not told of one by one.
_NOTABLE = 0.05


def texts(*, quick: bool) -> dict[str, str]:
    """The studies by name."""
    fields = FIELDS.replace("{steps}", "400" if quick else "2000")
    networks = NETWORKS.replace("{epochs}", "20" if quick else "80")
    return {"fields": fields, "networks": networks, "quickstart": QUICKSTART}


@dataclass(frozen=True)
class Compared:
    """Seconds of a program, as the plan said and as its records tell."""

    label: str
    lanes: int
    said: float
    took: float

    def __str__(self) -> str:
        lanes = f"{self.lanes} lane{'' if self.lanes == 1 else 's'}"
        numbers = f"said {self.said:7.2f} s, took {self.took:7.2f} s"
        return f"  {numbers}, ratio {self.said / self.took:.2f}: {self.label}, {lanes}"


def compared(plan: Mapping[str, Any], store: Path) -> Iterator[Compared]:
    """Each program of a plan beside the records of its lanes."""
    for one in plan["programs"]:
        lanes = one["lanes"]
        took = sum(_seconds(store / key / "record.json") for key in lanes)
        yield Compared(one["label"], len(lanes), one["seconds"], took)


def _seconds(record: Path) -> float:
    return float(json.loads(record.read_text(encoding="utf-8"))["wall_seconds"])


def lab(folder: Path, *arguments: str) -> str:
    """What a command prints; its compiled programs are kept in a folder of its own."""
    (folder / "clock").mkdir(exist_ok=True)
    (folder / "clock" / "sitecustomize.py").write_text(CLOCK, encoding="utf-8")
    paths = [str(folder / "clock"), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {
        **os.environ,
        "XDG_CACHE_HOME": str(folder / "cache"),
        "PYTHONPATH": os.pathsep.join(paths),
    }
    command = [sys.executable, "-m", "lab", *arguments]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"lab {' '.join(arguments)} failed:\n{done.stderr}")
    return done.stdout


def study(name: str, text: str) -> None:
    """Probe a study, run it, and print what was said beside what it took."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "study.lab").write_text(text, encoding="utf-8")
        where = ("study.lab", "--results", "results")
        plan = json.loads(lab(folder, "plan", *where, "--probe", "--json"))["costs"]
        begun = time.perf_counter()
        lab(folder, "run", *where)
        wall = time.perf_counter() - begun
        found = list(compared(plan, folder / "results" / "store"))
        rest = sum(one.took for one in found) * _NOTABLE
        print(f"{name}: {plan['device']['workers']} workers")
        for one in found:
            if one.took >= rest or one.said >= rest:
                print(one)
        both = Compared("all programs", sum(one.lanes for one in found), *_sums(found))
        print(both)
        print(Compared("the whole run, by the clock", both.lanes, plan["wall_seconds"], wall))
        sys.stdout.flush()


def _sums(found: Sequence[Compared]) -> tuple[float, float]:
    return sum(one.said for one in found), sum(one.took for one in found)


def _reference() -> float:
    """Seconds by the clock of a fixed calculation: more where others use the machine."""
    begun = time.perf_counter()
    sum(i * i for i in range(5_000_000))
    return time.perf_counter() - begun


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description="How near estimates are to what runs take.")
    parser.add_argument("names", nargs="*", help="studies; all of them where none is named")
    parser.add_argument("--quick", action="store_true", help="shorter studies")
    given = parser.parse_args(arguments)
    for name, text in texts(quick=given.quick).items():
        if not given.names or name in given.names:
            before = _reference()
            study(name, text)
            print(f"  a fixed calculation: {before:.2f} s before, {_reference():.2f} s after")
    return 0


if __name__ == "__main__":
    sys.exit(main())
