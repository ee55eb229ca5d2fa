"""Texts of a set as tokens, encoded once: those of a large set wait in the data folder."""

import hashlib
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from lab.runtime.dataset import data_folder
from lab.runtime.files import clear_parts, write_atomically
from lab.runtime.text.tokens import file_in, planes, tokenizer_in, vocabulary_of, word_pieces

#: Raised when encoding changes: what was encoded before is made anew.
VERSION = 1
#: Texts from which on encoding takes longer than reading what was kept.
MANY = 5_000


@dataclass(frozen=True)
class Reading:
    """How texts become tokens: by a tokenizer's file, or one built of so many word pieces."""

    tokenizer: str | None
    length: int
    vocabulary: int


def encoded(
    train: Sequence[Any], test: Sequence[Any], reading: Reading
) -> tuple[np.ndarray, np.ndarray]:
    """Texts, or pairs of texts, of both splits as int32 `(texts, 3, length)`.

    Where a vocabulary is built, it is of the training texts alone.
    """
    if len(train) + len(test) < MANY:
        return _encoded(train, test, reading)
    kept = data_folder() / "tokens" / f"{_name(train, test, reading)}.npy"
    if not kept.is_file():
        kept.parent.mkdir(parents=True, exist_ok=True)
        clear_parts(kept.parent)
        write_atomically(kept, _bytes(np.concatenate(_encoded(train, test, reading))))
    both = np.load(kept, mmap_mode="r", allow_pickle=False)
    return both[: len(train)], both[len(train) :]


def _encoded(
    train: Sequence[Any], test: Sequence[Any], reading: Reading
) -> tuple[np.ndarray, np.ndarray]:
    if reading.tokenizer is not None:
        tokenizer = tokenizer_in(Path(reading.tokenizer))
    else:
        alone = [text for one in train for text in ((one,) if isinstance(one, str) else one)]
        tokenizer = word_pieces(vocabulary_of(alone, reading.vocabulary))
    return planes(tokenizer, train, reading.length), planes(tokenizer, test, reading.length)


def _name(train: Sequence[Any], test: Sequence[Any], reading: Reading) -> str:
    digest = hashlib.sha256(json.dumps([VERSION, reading.length, reading.vocabulary]).encode())
    if reading.tokenizer is not None:
        digest.update(file_in(Path(reading.tokenizer)).read_bytes())
    for texts in (train, test):
        digest.update(json.dumps(texts).encode())
    return digest.hexdigest()[:32]


def _bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()
