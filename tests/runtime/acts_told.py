"""Tasks whose process does as it is told (`own/acts.py`)."""

from pathlib import Path

from lab.runtime.task import Batch, Task

ACTS = Path(__file__).parent / "own" / "acts.py"


def batch(folder: Path, *acts: str) -> Batch:
    """A task for each act, in a folder; the first is called `0-act`."""
    return Batch("acts", tuple(_task(folder, f"{i}-{act}", act) for i, act in enumerate(acts)))


def _task(folder: Path, key: str, act: str) -> Task:
    output = folder / f".tmp-{key}"
    output.mkdir(exist_ok=True)
    return Task(
        key=key,
        role="measurement",
        component="act",
        arguments={"does": act, "value": 2.5},
        inputs={},
        seed=None,
        vary=(),
        occurrence=0,
        fresh=False,
        folder=str(folder),
        output=str(output),
        components=(str(ACTS),),
    )
