"""The name that was probably meant: nearest by edits, a swap of neighbors counting as one.

Optimal string alignment (Damerau 1964, Levenshtein 1966) over lowercase letters. A third of the
word may differ, so that a suggestion is worth reading; of equally near names the one that starts
alike is meant, since first letters are rarely wrong.
"""

from collections.abc import Iterable
from itertools import takewhile


def distance(first: str, second: str) -> int:
    """Insertions, deletions, replacements and swaps of neighbors from one word to the other.

    Example:
        >>> distance("widht", "width")
        1
    """
    before: list[int] = []
    above = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        row = [i]
        for j, b in enumerate(second, 1):
            cost = min(above[j] + 1, row[j - 1] + 1, above[j - 1] + (a != b))
            if i > 1 and j > 1 and a == second[j - 2] and first[i - 2] == b:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, above = above, row
    return above[-1]


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that a word was probably meant to be; None where none is near.

    Example:
        >>> nearest("acuracy", ["bytes", "accuracy"])
        'accuracy'
        >>> nearest("epochs", ["width", "layers"]) is None
        True
    """
    found: tuple[int, int, str] | None = None
    for candidate in candidates:
        if candidate == word or abs(len(candidate) - len(word)) > _limit(word, candidate):
            continue
        edits = distance(word.lower(), candidate.lower())
        near = edits <= _limit(word, candidate) and edits < min(len(word), len(candidate))
        if not near and edits != 0:
            continue
        rank = (edits, -_alike(word.lower(), candidate.lower()))
        if found is None or rank < found[:2]:
            found = (*rank, candidate)
    return found[2] if found else None


def _alike(word: str, candidate: str) -> int:
    """How many letters two words start with alike."""
    pairs = zip(word, candidate, strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))


def _limit(word: str, candidate: str) -> int:
    return max(1, max(len(word), len(candidate)) // 3)
