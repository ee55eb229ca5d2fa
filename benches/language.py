"""How fast the language answers: `lab check` as a process, and an editor after each key.

A study of 300 lines is written from a seed. `lab check` of it is put beside the start of a bare
Python, as the smallest of several turns. Then an editor opens it with `lab lsp`, types words at
random places with the pauses that people make, and waits for the findings of each version.

    python benches/language.py [--quick]

prints a ratio and percentiles. On a machine with other work both are noise.
"""

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "server"))

from editor import Editor

LINES = 300
HEAD = """\
study big "Three hundred lines"

data images = digits()
model net = mlp(width: 16, layers: 1)

method dense = train(by: adam(lr: 3e-3), for: 40 steps)

metric ratio = bytes(dense) / bytes(method)
metric drop = accuracy(dense) - accuracy(method)

repeat 3 as seed
"""
PART = """
method field{i} = dense then inwf(width: {w}, layers: 2, by: adam(lr: 3e-3), for: 1k steps)
grid sizes{i} "The {i}th size" {{
  method: field{i} | dense
  field{i}.layers: 1 .. 3
  field{i}.activation: sine | relu
  skip field{i}.layers == 2 and field{i}.activation == relu because "nobody asked"
}}
claim smaller{i}: ratio(field{i}) > 3 and drop(field{i}) < 1%
"""
WORDS = (" then quantize(bits: 8)", "width: 12, ", "# a thought", " | gelu", "grid more {\n")


def written(lines: int = LINES) -> str:
    """A right study with at least so many lines."""
    text, i = HEAD, 0
    while text.count("\n") < lines:
        text += PART.format(i=i, w=4 + i)
        i += 1
    return text


def fastest(do: Callable[[], object], turns: int) -> float:
    """Seconds of the quickest turn."""
    times: list[float] = []
    for _ in range(turns):
        start = time.perf_counter()
        do()
        times.append(time.perf_counter() - start)
    return min(times)


def check_ratio(file: Path, turns: int) -> float:
    """`lab check` of a file, in starts of a bare Python."""
    bare = fastest(lambda: subprocess.run([sys.executable, "-c", ""], check=True), turns)
    command = [sys.executable, "-m", "lab", "check", str(file)]

    def checked() -> None:
        subprocess.run(command, check=True, capture_output=True)

    return fastest(checked, turns) / bare


def key_presses(folder: Path, text: str, keys: int) -> list[float]:
    """Milliseconds from a key press to the findings of that version, sorted."""
    chance = random.Random(0)
    editor = Editor(folder)
    editor.write("typed.lab", text)
    times: list[float] = []
    while len(times) < keys:
        place = chance.randrange(len(text))
        word = chance.choice(WORDS)
        for length in range(1, len(word) + 1):
            time.sleep(0.6 if chance.random() < 0.1 else chance.uniform(0.02, 0.12))
            start = time.perf_counter()
            editor.write("typed.lab", text[:place] + word[:length] + text[place:])
            times.append(1e3 * (time.perf_counter() - start))
    editor.leave()
    return sorted(times)


def main() -> int:
    """Print both figures."""
    quick = "--quick" in sys.argv
    text = written()
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "big.lab"
        file.write_text(text, encoding="utf-8")
        ratio = check_ratio(file, 3 if quick else 10)
        lines = text.count("\n")
        print(f"`lab check` of {lines} lines: {ratio:.1f} times the start of a bare Python")
        times = key_presses(Path(name), text, 60 if quick else 300)
    for share in (50, 95, 99):
        at = times[min(len(times) - 1, len(times) * share // 100)]
        print(f"findings after a key press, {share}th percentile: {at:.0f} ms")
    return 0


if __name__ == "__main__":
    sys.exit(main())
