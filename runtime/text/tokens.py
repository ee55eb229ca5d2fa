"""Texts as whole numbers: int32 `(texts, 3, length)`, the planes token, attention mask, token type.

The tokenizer is the one of a model (`tokenizer.json`, or a WordPiece `vocab.txt`, from a folder or
by the file), with its own normalization and special tokens. Where there is none at hand, one is
built from the training texts: WordPiece (Wu et al. 2016, arXiv 1609.08144) over the most frequent
words, with all characters beside them, so that few words are unknown.
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lab.runtime.errors import BadData, MissingFile

if TYPE_CHECKING:
    from tokenizers import Tokenizer

#: In BERT's order: what fills up, what is unknown, the start, the end of a part, a masked word.
SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
#: How published tokenizers call what fills up.
PADDING = ("[PAD]", "<pad>", "<|endoftext|>", "</s>")
#: The rarest a word may be and have a token of its own.
FEWEST = 2
PREFIX = "##"
#: Texts that are encoded together: enough for all cores, few enough for memory.
TOGETHER = 4096
#: Words, and signs one by one, as BERT's tokenizer splits them.
_WORDS = re.compile(r"[^\W_]+|[^\w\s]|_")


def tokenizer_in(place: Path) -> "Tokenizer":
    """The tokenizer in a folder or a file. Raises `MissingFile` or `BadData`."""
    from tokenizers import Tokenizer

    path = file_in(place)
    if path.name.endswith(".txt"):
        return word_pieces([line for line in path.read_text("utf-8").split("\n") if line])
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:
        raise BadData(f"{path} is no tokenizer: {error}") from error


def file_in(place: Path) -> Path:
    """The file of the tokenizer in a folder, or the file itself. Raises `MissingFile`."""
    if place.is_file():
        return place
    names = ("tokenizer.json", "vocab.txt")
    found = next((place / n for n in names if (place / n).is_file()), None)
    if found is None:
        raise MissingFile(
            f"there is no tokenizer at {place}: name a `tokenizer.json`, a `vocab.txt`, or a "
            "folder that has one of them"
        )
    return found


def word_pieces(vocabulary: Sequence[str]) -> "Tokenizer":
    """BERT's uncased tokenizer with a vocabulary, one token a line. Raises `BadData`."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    numbers = {token: number for number, token in enumerate(vocabulary)}
    lacking = [one for one in SPECIAL[:4] if one not in numbers]
    if lacking:
        raise BadData(f"a vocabulary of word pieces has to have {', '.join(lacking)}")
    made = Tokenizer(models.WordPiece(numbers, unk_token="[UNK]", max_input_chars_per_word=100))
    made.normalizer = normalizers.BertNormalizer(lowercase=True)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.decoder = decoders.WordPiece()
    ends = [("[CLS]", numbers["[CLS]"]), ("[SEP]", numbers["[SEP]"])]
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=ends
    )
    return made


def vocabulary_of(texts: Sequence[str], size: int) -> list[str]:
    """So many word pieces at most that spell the texts: the same for the same texts.

    The special tokens and every character come first, then whole words, the most frequent ones
    first and those that are as frequent in the order of the alphabet.
    """
    from tokenizers import normalizers

    normalizer = normalizers.BertNormalizer(lowercase=True)
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(_WORDS.findall(normalizer.normalize_str(text)))
    letters = Counter(letter for word in counts for letter in word)
    ordered = sorted(letters, key=lambda one: (-letters[one], one))
    alphabet = [*ordered, *(PREFIX + one for one in ordered)]
    words = sorted(counts, key=lambda word: (-counts[word], word))
    found = dict.fromkeys(SPECIAL)
    for token in (*alphabet, *(w for w in words if counts[w] >= FEWEST)):
        if len(found) >= size:
            break
        found[token] = None
    return list(found)


def planes(
    tokenizer: "Tokenizer", texts: Sequence[str] | Sequence[tuple[str, str]], length: int
) -> np.ndarray:
    """The texts, or pairs of texts, as `(texts, 3, length)`: cut at the end and filled up.

    Of a pair that is too long, the longer part is cut first.
    """
    named = next((one for one in PADDING if tokenizer.token_to_id(one) is not None), None)
    tokenizer.enable_truncation(length, strategy="longest_first")
    tokenizer.enable_padding(
        length=length,
        pad_id=tokenizer.token_to_id(named) if named else 0,
        pad_token=named or PADDING[0],
    )
    made = np.empty((len(texts), 3, length), np.int32)
    for first in range(0, len(texts), TOGETHER):
        part: Any = list(texts[first : first + TOGETHER])
        for row, one in enumerate(tokenizer.encode_batch_fast(part), first):
            made[row] = one.ids, one.attention_mask, one.type_ids
    return made
