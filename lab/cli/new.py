"""`lab new NAME`: a study that checks and runs, to begin from."""

import re
from pathlib import Path

from lab.cli import exits
from lab.cli.options import Options
from lab.runtime.errors import LabError
from lab.runtime.files import write_atomically

_NAME = re.compile(r"[a-z][a-z0-9_]*")

_TEXT = """\
# Hardware: any; a minute on two cores. Expect eight bits to cost next to nothing.
study {name} "What does rounding the weights of a small network cost?"

data  images = digits()
model net    = mlp(width: 32)

let effort = 5 epochs

method dense = train(by: adam(lr: 1e-2), for: effort)
method few   = dense then quantize(bits: 8)

metric ratio = bytes(dense) / bytes(method)
metric drop  = accuracy(dense) - accuracy(method)

repeat 3 as seed

grid arms {{ method: dense }}
grid bits {{
  method:   few
  few.bits: 8 | 4 | 2
}}

claim eight_bits_are_enough: ratio(few) > 3 and drop(few) < 2% over some few.bits

report {{
  table(ratio, accuracy, drop, by: [method, few.bits])
}}

profile long {{ effort: 30 epochs; repeat 10 as seed }}
"""


def new(options: Options) -> int:
    """Write a study of each name into `studies/`, or here where this folder is called that."""
    for name in options.names:
        if not _NAME.fullmatch(name):
            raise LabError(f"`{name}` is no name of a study: small letters, digits and _")
        here = Path.cwd()
        folder = here if here.name == "studies" else Path("studies")
        path = folder / f"{name}.lab"
        if path.exists():
            raise LabError(f"{path} is there already")
        folder.mkdir(exist_ok=True)
        write_atomically(path, _TEXT.format(name=name).encode())
        print(f"{path}: `lab plan {path}` says what it would run, `lab run {path}` runs it")
    return exits.DONE
