"""How far a lane is from what it is alone, kept beside the store's journals of programs.

    max |together - alone| / max |alone|, the largest of all tensors

Numbers that are drawn are the same, so that the order of additions is all that differs; a training
amplifies that, step by step.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from lab.runtime.files import write_atomically
from lab.runtime.lane_journal import FOLDER

_VERIFIED = "verified"


@dataclass(frozen=True)
class Deviation:
    """Of one result: the number of lanes it was made among, and the steps it took, if it says."""

    key: str
    deviation: float
    lanes: int
    steps: float | None = None

    def text(self) -> str:
        """In words."""
        among = "one after another" if self.lanes == 1 else f"among {self.lanes} lanes"
        if self.deviation == 0:
            return f"{among}; alone it is the same, bit for bit"
        return f"{among}; alone, weights differ by {self.deviation:.1e} of the largest"


def keep(root: Path, found: Deviation) -> None:
    """Keep what was found with the result."""
    folder = root / FOLDER / _VERIFIED
    folder.mkdir(parents=True, exist_ok=True)
    write_atomically(folder / f"{found.key}.json", (json.dumps(asdict(found)) + "\n").encode())


def deviation_of(root: Path, key: str) -> Deviation | None:
    """What was last found of a result."""
    try:
        return Deviation(**json.loads((root / FOLDER / _VERIFIED / f"{key}.json").read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def deviation(together: Path, alone: Path) -> float:
    """Between what stages left in two folders."""
    import jax
    import numpy as np

    from lab.runtime.artifact import load

    made = [load(folder) for folder in (together, alone)]
    one, other = (jax.tree.leaves((a.split, dict(a.rest), dict(a.buffers))) for a in made)
    pairs = [
        (np.asarray(a, np.float64), np.asarray(b, np.float64))
        for a, b in zip(one, other, strict=True)
        if a.size
    ]
    return max((_relative(a, b) for a, b in pairs), default=0.0)


def _relative(one: Any, other: Any) -> float:
    furthest, size = float(abs(one - other).max()), float(abs(other).max())
    return furthest / size if size else furthest


def of_record(key: str, record: Mapping[str, Any], found: float) -> Deviation:
    """What was found, with what the record says of how it was made."""
    steps = record.get("notes", {}).get("steps")
    return Deviation(key, found, int(record.get("lanes", 1)), steps)
