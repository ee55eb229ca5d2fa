"""An LALR(1) automaton whose words are keywords only where it can take them.

The tables come from Lark (`lab.spec.parser`) and are plain data, so that a check needs no Lark once
they are kept. Actions are integers: above zero, one more than the state to go to; below zero, the
rule to reduce by, counted from -1. (Knuth 1965; DeRemer 1969; for the words, Van Wyk and
Schwerdfeger, "Context-aware scanning", 2007.)
"""

from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict

from lab.spec.records import made_by, record
from lab.spec.tokens import INFIX_WORDS, Token


class RuleTable(TypedDict):
    """One rule: `size` symbols make an `origin`, by the callback `name`.

    `picks` are the symbols that the callback gets: index, whether it is a list to be spliced, and
    how many absent parts stand before it; `absent` counts those behind the last. `single`: a sole
    symbol stands for itself. A rule without a name makes a list.
    """

    origin: str
    size: int
    name: str
    picks: list[tuple[int, bool, int]]
    absent: int
    single: bool


class Tables(TypedDict):
    """The automaton: actions and gotos by state and symbol; where each start begins and ends."""

    states: list[dict[str, int]]
    rules: list[RuleTable]
    starts: dict[str, tuple[int, int]]
    words: dict[str, str]


class UnexpectedTokenError(Exception):
    """The token at `index` (their number: the end) does not fit; `accepts` are symbols that do."""

    def __init__(self, index: int, accepts: frozenset[str]) -> None:
        super().__init__(f"token {index} does not fit")
        self.index = index
        self.accepts = accepts


Callback = Callable[..., object]


@record
class Automaton:
    """Tables, and what makes a node of each rule."""

    tables: Tables
    callbacks: Mapping[str, Callback]
    jumps: dict[tuple[int, int, str], int] = made_by(
        default_factory=dict[tuple[int, int, str], int]
    )

    def read(self, tokens: Sequence[Token], *, start: str = "start") -> object:
        """The node that tokens make.

        Raises:
            UnexpectedTokenError: they make none.
        """
        first, final = self.tables["starts"][start]
        states, values = [first], list[object]()
        for index, token in enumerate(tokens):
            following = tokens[index + 1] if index + 1 < len(tokens) else None
            symbol = self._symbol(token, following, self.tables["states"][states[-1]])
            self._reduce(states, values, symbol, index=index)
            states.append(self.tables["states"][states[-1]][symbol] - 1)
            values.append(token)
        self._reduce(states, values, "$END", index=len(tokens), final=final)
        return values[-1]

    def _reduce(
        self,
        states: list[int],
        values: list[object],
        symbol: str,
        *,
        index: int,
        final: int | None = None,
    ) -> None:
        """Reduce until a symbol can be shifted, or until the final state."""
        table, rules = self.tables["states"], self.tables["rules"]
        while states[-1] != final:
            action = table[states[-1]].get(symbol)
            if action is None:
                raise UnexpectedTokenError(index, self._accepts(states))
            if action > 0:
                return
            rule = rules[-action - 1]
            if _is_sole(rule):
                states[-1] = self._jump(states[-2], states[-1], symbol)
                continue
            keep = len(states) - rule["size"]
            value = self._value(rule, values[keep - 1 :])
            del states[keep:]
            del values[keep - 1 :]
            states.append(table[states[-1]][rule["origin"]] - 1)
            values.append(value)

    def _jump(self, below: int, top: int, symbol: str) -> int:
        """The state after all rules in which a sole symbol stands for itself.

        A number is a product, a sum, a range and so on up to an expression; each such way up is
        walked once.
        """
        key = (below, top, symbol)
        if key not in self.jumps:
            table, rules = self.tables["states"], self.tables["rules"]
            finals = [last for _, last in self.tables["starts"].values()]
            while top not in finals:
                action = table[top].get(symbol)
                if action is None or action > 0 or not _is_sole(rules[-action - 1]):
                    break
                top = table[below][rules[-action - 1]["origin"]] - 1
            self.jumps[key] = top
        return self.jumps[key]

    def _value(self, rule: RuleTable, read: list[object]) -> object:
        picked: list[object] = []
        for index, spliced, absent in rule["picks"]:
            picked += [None] * absent
            value = read[index]
            if spliced and isinstance(value, list):
                picked += value
            else:
                picked.append(value)
        picked += [None] * rule["absent"]
        if not rule["name"]:
            return picked
        if rule["single"] and len(picked) == 1:
            return picked[0]
        return self.callbacks[rule["name"]](*picked)

    def _accepts(self, states: Sequence[int]) -> frozenset[str]:
        """The terminals that can come next: not all that the state has an action for."""
        candidates = self.tables["states"][states[-1]]
        return frozenset(s for s in candidates if not s.islower() and self._takes(states, s))

    def _takes(self, states: Sequence[int], symbol: str) -> bool:
        stack = list(states)
        finals = [last for _, last in self.tables["starts"].values()]
        while symbol != "$END" or stack[-1] not in finals:
            action = self.tables["states"][stack[-1]].get(symbol)
            if action is None or action > 0:
                return action is not None
            rule = self.tables["rules"][-action - 1]
            del stack[len(stack) - rule["size"] :]
            stack.append(self.tables["states"][stack[-1]][rule["origin"]] - 1)
        return True

    def _symbol(self, token: Token, following: Token | None, actions: Mapping[str, int]) -> str:
        if token.kind == "word":
            keyword = self.tables["words"].get(token.text)
            if keyword is None or keyword not in actions:
                return "NAME"
            if "NAME" in actions and is_name(token.text, following):
                return "NAME"
            return keyword
        if token.kind == "mark":
            return self.tables["words"].get(token.text, "UNKNOWN")
        return {"number": "NUMBER", "string": "STRING"}.get(token.kind, "_SEPARATOR")


def _is_sole(rule: RuleTable) -> bool:
    return rule["single"] and rule["size"] == 1 and len(rule["picks"]) == 1


def is_name(word: str, following: Token | None) -> bool:
    """Whether a word that could be a keyword here or a name is a name, by what follows it."""
    if following is None:
        return word == "log"
    if word == "log":
        return following.kind not in ("number", "word") or following.text in INFIX_WORDS
    if word == "not":
        return following.kind == "mark" and following.text not in ("(", "[", "+", "-")
    if word == "source":
        return following.text != ":" and following.kind != "string"
    return following.text in (":", ".")
