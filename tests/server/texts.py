"""Studies for the tests of the server."""

from pathlib import Path

from lab.server.notes import Analysis, analyze
from lab.spec.catalog import builtin_catalog
from lab.spec.source import Source

CATALOG = builtin_catalog()
STUDY = """\
study small "How small does it get? 😀"

data images = digits()
model net = mlp(width: 16, layers: 1)

let effort = 40 steps

method dense = train(by: adam(lr: 3e-3), for: effort)
method field(size: 8) = dense then inwf(width: size, layers: 1, for: effort)
method eight = dense then quantize(bits: 8)

metric ratio "how much smaller 😀 it is" = bytes(dense) / bytes(method)
metric drop = accuracy(dense) - accuracy(method)

repeat 3 as seed

grid arms {
  method: dense | field | eight
}

grid sizes {
  method: field
  field.size: 8 | 16
  field.layers: 1 .. 3
}

claim eight_is_small "😀": ratio(eight) > 3 and drop(eight) < 1% paired by seed

report {
  table(ratio, drop, by: method)
}
"""
STUDIES = sorted((Path(__file__).parents[2] / "studies").glob("*.lab"))


def analysis_of(text: str = STUDY, name: str = "small.lab") -> Analysis:
    """A text, checked."""
    return analyze(Source(name, text), CATALOG)


def cursor_in(text: str) -> tuple[str, int]:
    """A text without its cursor `‸`, and where that was."""
    offset = text.index("‸")
    return text.replace("‸", ""), offset
