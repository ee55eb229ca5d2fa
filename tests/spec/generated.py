"""Texts derived at random from the grammar itself, laid out at random, with comments.

The rules are those of `spec/grammar.lark`, so that whatever the language gets is generated here
without another edit. One seed makes one text.
"""

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from random import Random

from lark import Lark
from lark.grammar import Rule, Symbol

import lab.spec
from lab.spec.tokens import CLOSES, CONTINUED_MARKS

GRAMMAR = Path(lab.spec.__file__).with_name("grammar.lark")
NAMES = ("a", "dense", "field", "rank", "w0", "theta_dz", "größe", "q")
NUMBERS = ("0", "3", "20k", "1e-3", "1.0e-3", "0.5", "2M", "1_000", "64")
STRINGS = ('"a"', '"# none"', r'"q\"q"', '"日本"', '"layer*.**.conv*"')


class Grammar:
    """The rules by what they make, and how large the smallest text of each is."""

    def __init__(self) -> None:
        made = Lark(GRAMMAR.read_text("utf-8"), parser="lalr", start="start")
        self.words = {
            one.name: str(one.pattern.value) for one in made.terminals if one.pattern.type == "str"
        }
        self.rules: dict[str, list[Rule]] = {}
        for rule in made.rules:
            self.rules.setdefault(rule.origin.name, []).append(rule)
        self.least = dict.fromkeys(self.rules, 10**6)
        for _ in self.rules:
            for name, rules in self.rules.items():
                self.least[name] = min(self.size(rule) for rule in rules)
        self.sizes = {
            name: [(self.size(rule), rule) for rule in rules] for name, rules in self.rules.items()
        }

    def size(self, rule: Rule) -> int:
        """Tokens of the smallest text of a rule."""
        return sum(self.least.get(one.name, 1) for one in rule.expansion)

    def fitting(self, name: str, room: int) -> list[Rule]:
        """Rules for a name whose text can be short enough; the shortest where none can."""
        least = max(room, self.least[name])
        return [rule for size, rule in self.sizes[name] if size <= least]


@cache
def grammar() -> Grammar:
    return Grammar()


class _Writer:
    """One text in the making."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def tokens(self, symbol: Symbol, room: int) -> Iterator[str]:
        """Tokens of a symbol, about as many as there is room for; `;` is any separator."""
        if symbol.is_term:
            yield self._terminal(symbol.name)
            return
        rule = self.random.choice(grammar().fitting(symbol.name, room))
        spare = max(0, room - grammar().size(rule))
        inner = [one for one in rule.expansion if not one.is_term]
        for one in rule.expansion:
            least = grammar().least.get(one.name, 1)
            share = 0
            if not one.is_term:
                share = spare if one is inner[-1] else self.random.randint(0, spare)
                spare -= share
            tokens = self.tokens(one, least + share)
            # `log` is a word of the language before a number or a name only.
            yield from tokens if one.name != "LOG" else ("log", self.random.choice(NUMBERS), "+")

    def _terminal(self, name: str) -> str:
        known: dict[str, tuple[str, ...]] = {
            "NAME": NAMES,
            "NUMBER": NUMBERS,
            "STRING": STRINGS,
            "_SEPARATOR": (";",),
        }
        return self.random.choice(known[name]) if name in known else grammar().words[name]

    def laid_out(self, tokens: list[str]) -> str:
        """Tokens with blanks, newlines and comments wherever those may stand."""
        text, open_brackets = "", [""]
        for i, token in enumerate(tokens):
            text += "" if i == 0 else self._gap(tokens[i - 1], token, open_brackets[-1])
            text += "" if token == ";" else token
            if token in CLOSES:
                open_brackets.append(token)
            elif token in CLOSES.values():
                open_brackets.pop()
        return text

    def _gap(self, before: str, after: str, bracket: str) -> str:
        choose = self.random.choice
        if after == ";":
            return choose(
                [";", " ; ", "\n", "\n\n\n", "  # beside\n", ";\n# over\n", "\n  # a\n\n"]
            )
        if before == ";":
            return choose(["  ", " ", "    "])
        if before == "{" or (after == "}" and bracket == "{"):
            return choose(["\n  ", " ", "  # in a block\n "])
        if bracket in {"(", "["} or before in CONTINUED_MARKS:
            if before in {".", "%"} or after in {".", "%", "("}:
                return choose(["", " "])
            return choose([" ", " ", " ", "\n ", "  ", " # beside\n  ", "\n  # over\n  ", " #x\n "])
        return choose([" ", " ", "  ", "\t"])


def study(seed: int) -> str:
    """A text of some declarations."""
    random = Random(seed)
    text = ""
    for _ in range(random.randint(1, 3)):
        writer = _Writer(random)
        rules = [one for one in grammar().rules["start"] if one.expansion[0].name != "edition"]
        start = random.choice(rules).expansion[0]
        text += random.choice(["", "", "# over\n", "# far\n\n", "#! odd\n"])
        text += writer.laid_out(list(writer.tokens(start, random.choice([6, 12, 25, 50]))))
        text += random.choice(["\n", "\n\n", "  # beside\n", "\n\n\n# behind\n"])
    return text
