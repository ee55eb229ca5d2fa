"""The words of the language by what they do, and the patterns that color a study.

The words are those of the grammar; the order of the patterns is the order in which they are tried.
Editors and highlighters are generated from here, so that none of them knows a word that the parser
does not. The patterns are in the part of regular expressions that Python and Oniguruma share.
"""

import re
from functools import cache
from pathlib import Path

from lab.spec.tokens import CLAUSE_WORDS, DECLARATION_WORDS, INFIX_WORDS
from lab.spec.units import UNITS

_GRAMMAR = Path(__file__).with_name("grammar.lark")

#: Words that start an entry of a block.
ENTRY_WORDS = ("repeat", "skip", "keep", "minimize", "maximize", "trials")
#: Declarations that stand in a profile too.
INNER_WORDS = ("budget", "claim", "grid")
#: Words that change the value behind them.
PREFIX_WORDS = ("not", "log")
#: Words that stand for a value of more than one type.
CONSTANT_WORDS = ("true", "false", "none", "end", "never")


@cache
def grammar_words() -> frozenset[str]:
    """Every word that the grammar writes in quotes.

    Example:
        >>> "then" in grammar_words(), "sine" in grammar_words()
        (True, False)
    """
    text = re.sub(r"//[^\n]*", "", _GRAMMAR.read_text(encoding="utf-8"))
    return frozenset(re.findall(r'"([a-z]+)"', text))


def known_words() -> frozenset[str]:
    """Every word that is colored as part of the language, constants aside."""
    joined = (*INFIX_WORDS, *CLAUSE_WORDS, *PREFIX_WORDS)
    return frozenset(("lab", *DECLARATION_WORDS, *ENTRY_WORDS, *INNER_WORDS, *joined))


def patterns() -> tuple[tuple[str, str], ...]:
    """What a piece of text is, and how it looks; the first that fits holds."""
    name = r"[^\W\d]\w*"
    not_a_name = r"(?![ \t]*(?:[:.]|=(?!=)))"
    joining = _one_of((*INFIX_WORDS, *CLAUSE_WORDS, "not"))
    inner = _one_of((*ENTRY_WORDS, *INNER_WORDS))
    return (
        ("comment", r"#[^\r\n]*"),
        ("string", r'"(?:[^"\\\r\n]|\\[^\r\n])*"'),
        ("declaration", rf"^{_one_of(('lab', *DECLARATION_WORDS))}{not_a_name}"),
        ("declaration", rf"{inner}(?=[ \t]+[\w(\"\[])(?![ \t]+in\b)"),
        ("word", rf"{joining}{not_a_name}"),
        ("word", r"\bsource(?=[ \t]*:[ \t]*\")"),
        ("word", r"\blog\b(?=[ \t]+[\w.(])"),
        ("argument", rf"\b{name}(?=[ \t]*:)"),
        ("unit", rf"(?<=[0-9kM] ){_one_of(sorted(UNITS), ahead=False)}"),
        ("number", r"\b[0-9][0-9_]*(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?:[kM](?!\w))?%?"),
        ("constant", rf"{_one_of(CONSTANT_WORDS)}(?![ \t]*[:.(])"),
        ("call", rf"\b{name}(?=\()"),
        ("name", rf"\b{name}"),
        ("operator", r"\.\.|->|==|!=|<=|>=|[|<>=+\-*/%]"),
        ("punctuation", r"[(){}\[\],.:;]"),
    )


def _one_of(words: tuple[str, ...] | list[str], *, ahead: bool = True) -> str:
    start = r"\b" if ahead else ""
    return rf"{start}(?:{'|'.join(dict.fromkeys(words))})\b"
