"""How fast the language answers: `lab check` as a process, and an editor after each key.

A study of 300 lines is written from a seed. `lab check` of it is put beside the start of a bare
Python, as the smallest of several turns. Then an editor opens it with `lab lsp`, types words at
random places with the pauses that people make, and waits for the findings of each version.

    python benches/language.py [--quick]

prints ratios and percentiles, each by the clock and by processor time. On a machine with other work
the clock tells of that work; processor time says what a quiet machine would take.
"""

import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
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


def spent(command: Sequence[str]) -> tuple[float, float]:
    """Seconds that a process takes by the clock, and of a processor; it must succeed."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    assert status == 0, command
    return time.perf_counter() - start, used.ru_utime + used.ru_stime


def check_ratios(file: Path, turns: int) -> tuple[float, float]:
    """`lab check` of a file in starts of a bare Python: the quickest turns by the clock, and the
    middle ones by processor time, taken in turn."""
    pairs: list[tuple[tuple[float, float], tuple[float, float]]] = []
    for _ in range(turns):
        bare = spent([sys.executable, "-c", ""])
        pairs.append((spent([sys.executable, "-m", "lab", "check", str(file)]), bare))
    (mine, bare), (mine_used, bare_used) = (
        [[pair[side][which] for pair in pairs] for side in (0, 1)] for which in (0, 1)
    )
    return min(mine) / min(bare), statistics.median(mine_used) / statistics.median(bare_used)


def used_by(process: int) -> float:
    """Milliseconds of a processor that the threads of a process have had; zero if nobody knows."""
    tasks = Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(task.read_text().split()[0]) for task in tasks) / 1e6


def key_presses(folder: Path, text: str, keys: int) -> tuple[list[float], list[float]]:
    """Milliseconds from a key press to the findings of that version, by the clock and of the
    server's processor time, both sorted."""
    chance = random.Random(0)
    editor = Editor(folder)
    editor.write("typed.lab", text)
    times: list[float] = []
    used: list[float] = []
    while len(times) < keys:
        place = chance.randrange(len(text))
        word = chance.choice(WORDS)
        for length in range(1, len(word) + 1):
            time.sleep(0.6 if chance.random() < 0.1 else chance.uniform(0.02, 0.12))
            before, start = used_by(editor.process.pid), time.perf_counter()
            editor.write("typed.lab", text[:place] + word[:length] + text[place:])
            times.append(1e3 * (time.perf_counter() - start))
            used.append(used_by(editor.process.pid) - before)
    editor.leave()
    return sorted(times), sorted(used)


def main() -> int:
    """Print the figures."""
    quick = "--quick" in sys.argv
    text = written()
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / "big.lab"
        file.write_text(text, encoding="utf-8")
        clock, processor = check_ratios(file, 5 if quick else 20)
        print(
            f"`lab check` of {text.count(chr(10))} lines: {clock:.1f} times the start of a bare "
            f"Python by the clock, {processor:.1f} by processor time"
        )
        times, used = key_presses(Path(name), text, 60 if quick else 300)
    for share in (50, 95, 99):
        at = min(len(times) - 1, len(times) * share // 100)
        print(
            f"findings after a key press, {share}th percentile: {times[at]:.0f} ms, "
            f"{used[at]:.0f} ms of the server's processor time"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
