"""Whatever is typed, every question has an answer."""

import random
from pathlib import Path

import pytest
from texts import CATALOG, STUDIES

from lab.server.completion import complete
from lab.server.documents import Known
from lab.server.goto import definition
from lab.server.hover import hover
from lab.server.shapes import findings, outline
from lab.spec.check.gather import beside
from lab.spec.source import Source
from lab.spec.tokens import scan


def _slipped(text: str, chance: random.Random) -> str:
    """A text with a token left out, said twice or exchanged, or with its end missing."""
    tokens = scan(text)[0]
    one, other = chance.choice(tokens), chance.choice(tokens)
    return chance.choice(
        [
            text[: one.start] + text[one.end :],
            text[: one.start] + other.text + text[one.end :],
            text[: one.start] + other.text + " " + text[one.start :],
            text[: one.start],
        ]
    )


@pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.stem)
def test_a_study_with_slips_is_answered(study: Path) -> None:
    chance = random.Random(study.stem)
    for _ in range(12):
        text = _slipped(study.read_text(encoding="utf-8"), chance)
        source = Source(str(study), text)
        known = Known(source, catalog=CATALOG, load=beside(source), encoding="utf-16")
        for one in known.index.occurrences:
            hover(known.analysis, known.index, one.span.start)
        for one in known.index.occurrences[::7]:
            definition(known.analysis, known.index, one.span.start)
        assert all(one.code for one in findings(known, known.counts.findings))
        outline(known)
        complete(source, chance.randrange(len(text) + 1), CATALOG)
