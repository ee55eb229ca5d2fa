"""Where a stage stood when it last looked back, so that a killed run goes on from there.

A checkpoint is a folder that Orbax writes and, written last, a file with the checksums of what is
in it: without that file it is none, and one whose bytes differ is passed over for the one before.
Two are kept. Checkpoints stand outside a stage's scratch folder, under `checkpoints/<key>/`, since
they outlive the process that made them; they are removed when the stage is stored.

They change no result: what a stage does between two steps does not depend on whether it was
interrupted there. Nor do they end a run: one that cannot be written is reported and left out.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.runtime.files import sha256, write_atomically

FOLDER = "checkpoints"
#: Seconds of work that a kill may cost.
SECONDS = 60.0
_KEPT = 2
_SUMS = ".json"


class Checkpoints:
    """The checkpoints of one stage. `every` is the time between two, in seconds."""

    def __init__(
        self, folder: Path, every: float, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._folder = folder
        self._every = every
        self._now = now
        self._last = self._began = now()
        #: The step that this process went on from, and the seconds that were spent before it did.
        self.resumed_at: int | None = None
        self.seconds_before = 0.0

    @property
    def is_due(self) -> bool:
        """Whether enough work has been done to be worth keeping."""
        return self._now() - self._last >= self._every

    def save(self, step: int, state: Any, about: Any) -> None:
        """Keep where a stage stands.

        Args:
            step: how many steps are done. `state`: a tree of arrays.
            about: the rest of it, which JSON can say.
        """
        place = self._folder / str(step)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            _write(place, state)
            sums = {
                str(path.relative_to(place)): sha256(path)
                for path in sorted(place.rglob("*"))
                if path.is_file()
            }
            spent = self.seconds_before + self._now() - self._began
            said = {"files": sums, "form": _form(state), "about": about, "seconds": spent}
            text = json.dumps(said)
            write_atomically(self._folder / f"{step}{_SUMS}", text.encode())
            self._drop(self._steps()[:-_KEPT])
        except (OSError, ValueError) as error:  # what Orbax raises for a disk that is full, too
            self._drop([step])
            print(f"no checkpoint at step {step}: {error}", file=sys.stderr)
        self._last = self._now()

    def restore(self, like: Any) -> tuple[Any, Any] | None:
        """The last whole checkpoint as `(state, about)`, None where there is none.

        Args:
            like: a tree of arrays with the structure, shapes and types of the state.
        """
        for step in reversed(self._steps()):
            said = self._said(step)
            if said is not None and said.get("form") == _form(like):
                self.resumed_at, self.seconds_before = step, float(said.get("seconds", 0.0))
                return _read(self._folder / str(step), like), said["about"]
            print(f"the checkpoint at step {step} is no use, and removed", file=sys.stderr)
            self._drop([step])
        return None

    def _steps(self) -> list[int]:
        if not self._folder.is_dir():  # as for most, and looking for files takes far longer
            return []
        stems = [path.stem for path in self._folder.glob(f"*{_SUMS}")]
        return sorted(int(stem) for stem in stems if stem.isdigit())

    def _said(self, step: int) -> dict[str, Any] | None:
        """What was written with a checkpoint, None where its files are not what was written."""
        try:
            said = json.loads((self._folder / f"{step}{_SUMS}").read_text(encoding="utf-8"))
            whole = all(
                sha256(self._folder / str(step) / name) == checksum
                for name, checksum in said["files"].items()
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None
        return said if whole else None

    def _drop(self, steps: list[int]) -> None:
        for step in steps:
            (self._folder / f"{step}{_SUMS}").unlink(missing_ok=True)
            shutil.rmtree(self._folder / str(step), ignore_errors=True)


class Nowhere(Checkpoints):
    """Checkpoints of work that nobody could go on with."""

    def __init__(self) -> None:
        super().__init__(Path(), float("inf"))

    def restore(self, like: Any) -> None:
        """There is none."""
        del like


def resumable(root: Path) -> frozenset[str]:
    """Keys of the stages in a store that were begun and would go on from a checkpoint."""
    return frozenset(path.parent.name for path in (root / FOLDER).glob(f"*/*{_SUMS}"))


def _write(place: Path, state: Any) -> None:
    import orbax.checkpoint as ocp

    shutil.rmtree(place, ignore_errors=True)
    with ocp.StandardCheckpointer() as checkpointer:
        checkpointer.save(place.absolute(), _leaves(state))


def _read(place: Path, like: Any) -> Any:
    import jax
    import orbax.checkpoint as ocp

    leaves, structure = jax.tree.flatten(like)
    shapes = {
        name: jax.ShapeDtypeStruct(one.shape, one.dtype) for name, one in _leaves(like).items()
    }
    with ocp.StandardCheckpointer() as checkpointer:
        found = checkpointer.restore(place.absolute(), shapes)
    return structure.unflatten(found.get(str(i), leaf) for i, leaf in enumerate(leaves))


def _form(state: Any) -> list[list[Any]]:
    """Shapes and types of a tree's arrays: Orbax cuts and fills what does not fit."""
    return [[name, list(leaf.shape), str(leaf.dtype)] for name, leaf in _leaves(state).items()]


def _leaves(state: Any) -> dict[str, Any]:
    """The arrays of a tree by number, without the empty ones, which Orbax refuses."""
    import jax

    return {str(i): leaf for i, leaf in enumerate(jax.tree.leaves(state)) if leaf.size}
