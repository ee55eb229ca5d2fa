"""Scores of answers that are no mean over examples: F1, Matthews, Pearson, Spearman.

Each is a function of means of a few numbers of every example, its `columns`. So it can be computed
anew on resampled examples as quickly as a mean: `formula(weights @ columns)`, `weights` being rows
that sum to one.

    F1        2 tp / (2 tp + fp + fn), of class 1 of two, or averaged over more classes
    Matthews  (c - sum_k p_k t_k) / sqrt((1 - sum_k p_k²) (1 - sum_k t_k²))   (Gorodkin 2004)
    Pearson   (E xy - E x E y) / sqrt(Var x Var y); Spearman is that of ranks, ties shared

`c` is the share of right answers, `p_k` and `t_k` are shares of class k among answers and labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Float

    Means = Float[np.ndarray, "draws columns"]

Column = np.ndarray


@dataclass(frozen=True)
class Score:
    """One score: the numbers of an example, and the formula of their means.

    `of_numbers` says whether answers and labels are numbers, and not classes.
    """

    columns: Callable[[Column, Column], np.ndarray]
    formula: Callable[[Means], Float[np.ndarray, " draws"]]
    of_numbers: bool

    def value(self, answers: Sequence[float] | Column, labels: Sequence[float] | Column) -> float:
        """The score of all examples; not a number where it is not defined."""
        columns = self.columns(np.asarray(answers), np.asarray(labels))
        return float(self.formula(columns.mean(axis=0, keepdims=True))[0])

    def draws(
        self,
        answers: Sequence[float] | Column,
        labels: Sequence[float] | Column,
        weights: Float[np.ndarray, "draws examples"],
    ) -> Float[np.ndarray, " draws"]:
        """The score of resampled examples; where it is not defined, that of all."""
        columns = self.columns(np.asarray(answers), np.asarray(labels))
        found = self.formula(weights.astype(np.float64) @ columns)
        return np.where(np.isfinite(found), found, self.value(answers, labels))


def _counts(answers: Column, labels: Column) -> np.ndarray:
    """True positives, false positives and false negatives of each class that counts."""
    classes = int(max(answers.max(), labels.max())) + 1
    counted = [1] if classes <= 2 else range(classes)
    parts: list[np.ndarray] = []
    for k in counted:
        said, true = answers == k, labels == k
        parts += [said & true, said & ~true, ~said & true]
    return np.stack(parts, axis=1).astype(np.float64)


def _f1(means: Means) -> Float[np.ndarray, " draws"]:
    hits, wrong, missed = (means[:, place::3] for place in range(3))
    total = 2 * hits + wrong + missed
    return (2 * hits / np.where(total > 0, total, 1)).mean(axis=1)


def _shares(answers: Column, labels: Column) -> np.ndarray:
    """Whether an answer is right, and the classes of answer and label as ones among zeros."""
    each = np.eye(int(max(answers.max(), labels.max())) + 1)
    right = (answers == labels)[:, None]
    return np.concatenate([right, each[answers.astype(int)], each[labels.astype(int)]], axis=1)


def _matthews(means: Means) -> Float[np.ndarray, " draws"]:
    right, rest = means[:, 0], means[:, 1:]
    said, true = np.split(rest, 2, axis=1)
    spread = (1 - (said**2).sum(1)) * (1 - (true**2).sum(1))
    defined = spread > 1e-12
    return np.where(
        defined, (right - (said * true).sum(1)) / np.sqrt(np.where(defined, spread, 1)), 0.0
    )


def _products(answers: Column, labels: Column) -> np.ndarray:
    """Both, their squares and their product, with the means taken out for the sake of rounding."""
    x = answers.astype(np.float64) - np.mean(answers, dtype=np.float64)
    y = labels.astype(np.float64) - np.mean(labels, dtype=np.float64)
    return np.stack([x, y, x * x, y * y, x * y], axis=1)


def _ranked(answers: Column, labels: Column) -> np.ndarray:
    from scipy.stats import rankdata  # which takes longer to import than a report to be checked

    return _products(rankdata(answers), rankdata(labels))


def _correlation(means: Means) -> Float[np.ndarray, " draws"]:
    x, y, xx, yy, xy = means.T
    spread = (xx - x * x) * (yy - y * y)
    defined = spread > 0
    found = (xy - x * y) / np.sqrt(np.where(defined, spread, 1))
    return np.where(defined, found, np.nan)


#: By the name of the measurement.
SCORES = {
    "f1": Score(_counts, _f1, of_numbers=False),
    "matthews": Score(_shares, _matthews, of_numbers=False),
    "pearson": Score(_products, _correlation, of_numbers=True),
    "spearman": Score(_ranked, _correlation, of_numbers=True),
}
