"""Does what a card says, where neither `lab` nor JAX can be imported, and keeps the logits.

Run as a program: `child.py REQUEST.json`. It stands alone, and imports nothing of `lab`.
"""

import json
import runpy
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

import numpy as np


class Absent(MetaPathFinder):
    """Packages that are not to be had."""

    def __init__(self, names: list[str]) -> None:
        self.names = frozenset(names)

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        """Refuses those, and knows nothing of the others."""
        del path, target
        if fullname.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)


def main(request: Path) -> None:
    """Run the code in the export's folder on the batch, and write what it calls `logits`."""
    asked = json.loads(request.read_text(encoding="utf-8"))
    sys.meta_path.insert(0, Absent(asked["absent"]))
    sys.path.insert(0, asked["folder"])
    # What is declared goes when what declared it goes.
    kept = runpy.run_path(asked["declares"]) if asked["declares"] else {"declare": tuple}
    kept["declare"]()
    with np.load(asked["inputs"], allow_pickle=False) as file:
        names = {name: file[name] for name in file.files}
    if asked["tensors"]:
        import torch

        torch.set_num_threads(1)
        torch.set_grad_enabled(False)
        names = {name: torch.from_numpy(values) for name, values in names.items()}
    exec("\n".join(asked["code"]), names)
    logits = names["logits"]
    logits = logits if isinstance(logits, np.ndarray) else logits.numpy()
    np.save(asked["logits"], logits, allow_pickle=False)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
