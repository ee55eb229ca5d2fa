"""How many workers compile a program.

A compiled program is kept for every worker, so that one of them compiles it. But those that begin
at the same time with lanes of one program, because there is no other for them, each do.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

from lab.compiler.programs import Program


def compilers(todo: Sequence[tuple[Program, int]], workers: int) -> Iterator[int]:
    """For each program, with how many of its lanes are missing, the workers that compile it.

    Programs that the same number of others come before can be begun at the same time. Each program
    stands after those it uses.
    """
    depths: dict[int, int] = {}
    for program, lanes in todo:
        before = [depths[id(used)] for used in program.inputs.values()]
        depths[id(program)] = max(before, default=-1) + bool(lanes)
    beside = Counter(depths[id(program)] for program, lanes in todo if lanes)
    for program, lanes in todo:
        share = workers // max(1, beside[depths[id(program)]])
        yield max(1, min(lanes, share))
