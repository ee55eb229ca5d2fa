"""What probes said, read back: nothing heavy is imported, for `lab plan` asks every time."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from lab.compiler.prices import Seen

#: The folder beside the stages of a store.
FOLDER = "probes"


def known_probes(root: Path, keys: Sequence[str], device: str) -> dict[str, Seen]:
    """What probes on a device said of programs."""
    folder = root / FOLDER
    if not folder.is_dir():
        return {}
    return {key: seen for key in keys if (seen := _read(folder / f"{key}.json", device))}


def _read(path: Path, device: str) -> Seen | None:
    try:
        said: Any = json.loads(path.read_text(encoding="utf-8"))
        one = said[device]
        return Seen(one["lane_seconds"], one["compile_seconds"], one["memory_bytes"])
    except (OSError, ValueError, KeyError, TypeError):  # absent, or not written by this code
        return None
