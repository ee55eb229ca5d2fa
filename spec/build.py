"""Rules of the grammar to nodes of the syntax tree: one method for each rule.

The parser calls a method with what it read, brackets and commas left out, `None` where an optional
part was not written. Spans run from the first token to the last and hold no surrounding blanks.
"""

import re
from collections.abc import Callable
from typing import Literal, Protocol, cast

from lab.spec import syntax
from lab.spec.records import record
from lab.spec.source import Span
from lab.spec.syntax import Expr, Name, Path, Text
from lab.spec.tokens import Token


class Spanned(Protocol):
    """A node."""

    @property
    def span(self) -> Span:
        """Where it stands."""
        ...


class MeaninglessError(Exception):
    """What the grammar allows and the language does not."""

    def __init__(self, code: str, message: str, span: Span, *, first: Span | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.span = span
        self.first = first


@record(eq=False)
class Edition:
    """`lab 1`: the edition of the language that a file is written in."""

    number: int
    span: Span


@record(eq=False)
class Clause:
    """`where …`, `at …`, `paired by …`, `source: …`: a tail of a claim."""

    kind: Literal["where", "paired", "level", "source"]
    value: "Expr | tuple[Name, ...]"
    span: Span


Entries = tuple[syntax.Axis | syntax.Repeat | syntax.Filter, ...]

_ESCAPE = re.compile(r'\\(["\\nt])')
_ESCAPED = {'"': '"', "\\": "\\", "n": "\n", "t": "\t"}
_NUMBER = re.compile(r"([0-9]+)(\.[0-9]+)?(?:[eE]([+-]?[0-9]+))?([kM]?)")
_SUFFIX = {"": 0, "k": 3, "M": 6}
#: Beyond it, a number is taken for a slip; all of what people count in runs fits many times over.
LARGEST_EXPONENT = 300


def _over(*nodes: Spanned | None) -> Span:
    """The span from the first of some nodes and tokens to the last."""
    spans = [node.span for node in nodes if node is not None]
    return spans[0].to(spans[-1])


def number_value(text: str) -> int | float | None:
    """The value of a number as written; None where it is too large to be meant."""
    match = _NUMBER.fullmatch(text.replace("_", ""))
    if match is None or len(text) > LARGEST_EXPONENT or len(match[3] or "") > 4:
        return None
    whole, fraction, exponent = match[1], match[2] or "", int(match[3] or 0)
    if abs(exponent) > LARGEST_EXPONENT:
        return None
    exponent += _SUFFIX[match[4]]
    if fraction or exponent < 0:
        return float(f"{whole}{fraction}e{exponent}")
    return int(whole) * 10**exponent


class _Builder:
    """The methods that the parser calls, named as the rules are."""

    # --- declarations

    def edition(self, word: Token, number: Token) -> Edition:
        if number.text != "1":
            message = f"edition {number.text} of the language is not known; this is edition 1"
            raise MeaninglessError("E0112", message, number.span)
        return Edition(1, _over(word, number))

    def study(self, word: Token, name: Name, title: Text | None) -> syntax.Study:
        return syntax.Study(name, title, _over(word, name, title))

    def use(self, word: Token, file: Text) -> syntax.Use:
        return syntax.Use(file, _over(word, file))

    def kind(self, word: Token) -> Token:
        return word

    def definition(
        self,
        kind: Token,
        name: Name,
        parameters: tuple[syntax.Parameter, ...] | None,
        *rest: "Text | Expr | None",
    ) -> syntax.Definition:
        title, value = cast("tuple[Text | None, Expr]", rest)
        word = cast(syntax.DefinitionKind, kind.text)
        span = _over(kind, value)
        return syntax.Definition(word, name, parameters or (), title, value, span)

    def let(self, word: Token, name: Name, title: Text | None, value: Expr) -> syntax.Definition:
        return syntax.Definition("let", name, (), title, value, _over(word, value))

    def parameters(self, *parameters: syntax.Parameter) -> tuple[syntax.Parameter, ...]:
        return parameters

    def parameter(self, name: Name, default: Expr | None) -> syntax.Parameter:
        return syntax.Parameter(name, default, _over(name, default))

    # --- blocks

    def grid(self, word: Token, name: Name, title: Text | None, *rest: Spanned) -> syntax.Grid:
        entries = cast(Entries, rest[:-1])
        return syntax.Grid(name, title, entries, _over(word, rest[-1]))

    def search(self, word: Token, name: Name, title: Text | None, *rest: Spanned) -> syntax.Search:
        entries = cast("tuple[syntax.Axis | syntax.Goal, ...]", rest[:-1])
        return syntax.Search(name, title, entries, _over(word, rest[-1]))

    def profile(
        self, word: Token, name: Name, title: Text | None, *rest: Spanned
    ) -> syntax.Profile:
        entries = cast("tuple[syntax.Axis | syntax.Claim, ...]", rest[:-1])
        return syntax.Profile(name, title, entries, _over(word, rest[-1]))

    def report(self, word: Token, *rest: Spanned) -> syntax.Report:
        return syntax.Report(cast("tuple[Expr, ...]", rest[:-1]), _over(word, rest[-1]))

    def axis(self, path: Path, value: Expr) -> syntax.Axis:
        return syntax.Axis((path,), value, _over(path, value))

    def paired_axis(self, bracket: Token, *rest: "Path | Expr") -> syntax.Axis:
        paths = cast("tuple[Path, ...]", rest[:-1])
        return syntax.Axis(paths, rest[-1], _over(bracket, rest[-1]))

    def repeat(
        self, word: Token, count: Expr, seed: Name | None, *rest: "Expr | tuple[Name, ...] | None"
    ) -> syntax.Repeat:
        until, vary = cast("tuple[Expr | None, tuple[Name, ...] | None]", rest)
        last = vary[-1] if vary else until or seed or count
        return syntax.Repeat(count, seed, until, vary or (), _over(word, last))

    def vary(self, *names: Name) -> tuple[Name, ...]:
        return names

    def filter(self, word: Token, condition: Expr, reason: Text | None) -> syntax.Filter:
        kind = "skip" if word.text == "skip" else "keep"
        return syntax.Filter(kind, condition, reason, _over(word, condition, reason))

    def goal(self, word: Token, metric: Expr, constraint: Expr | None) -> syntax.Goal:
        direction = "minimize" if word.text == "minimize" else "maximize"
        return syntax.Goal(direction, metric, constraint, _over(word, metric, constraint))

    def trials(self, word: Token, count: Expr) -> syntax.Trials:
        return syntax.Trials(count, _over(word, count))

    def budget(self, word: Token, *amounts: Expr) -> syntax.Budget:
        return syntax.Budget(amounts, _over(word, amounts[-1]))

    # --- claims

    def claim(
        self, word: Token, name: Name, title: Text | None, *rest: "Expr | syntax.Over | Clause"
    ) -> syntax.Claim:
        condition, tails = cast(Expr, rest[0]), rest[1:]
        found: dict[str, Clause] = {}
        for clause in (tail for tail in tails if isinstance(tail, Clause)):
            first = found.setdefault(clause.kind, clause)
            if first is not clause:
                written = {"paired": "paired by", "level": "at"}.get(clause.kind, clause.kind)
                message = f"this claim has `{written}` twice"
                raise MeaninglessError("E0509", message, clause.span, first=first.span)
        values = {kind: clause.value for kind, clause in found.items()}
        return syntax.Claim(
            name,
            title,
            condition,
            cast("Expr | None", values.get("where")),
            tuple(tail for tail in tails if isinstance(tail, syntax.Over)),
            cast("tuple[Name, ...]", values.get("paired", ())),
            cast("Expr | None", values.get("level")),
            cast("Text | None", values.get("source")),
            _over(word, rest[-1]),
        )

    def where(self, word: Token, condition: Expr) -> Clause:
        return Clause("where", condition, _over(word, condition))

    def over(self, word: Token, quantifier: Token, *paths: Path) -> syntax.Over:
        every = "every" if quantifier.text == "every" else "some"
        return syntax.Over(every, paths, _over(word, paths[-1]))

    def quantifier(self, word: Token) -> Token:
        return word

    def paired(self, word: Token, *names: Name) -> Clause:
        return Clause("paired", names, _over(word, names[-1]))

    def level(self, word: Token, value: Expr) -> Clause:
        return Clause("level", value, _over(word, value))

    def origin(self, word: Token, where: Text) -> Clause:
        return Clause("source", where, _over(word, where))

    # --- expressions

    def alternatives(self, *options: Expr) -> syntax.Alternatives:
        return syntax.Alternatives(options, _over(*options))

    def then(self, *parts: Expr) -> syntax.Then:
        return syntax.Then(parts, _over(*parts))

    def lasting(self, value: Expr, duration: Expr) -> syntax.Lasting:
        return syntax.Lasting(value, duration, _over(value, duration))

    def any_of(self, *operands: Expr) -> syntax.Logic:
        return syntax.Logic("or", operands, _over(*operands))

    def all_of(self, *operands: Expr) -> syntax.Logic:
        return syntax.Logic("and", operands, _over(*operands))

    def negated(self, word: Token, operand: Expr) -> syntax.Not:
        return syntax.Not(operand, _over(word, operand))

    def relation(self, mark: Token) -> Token:
        return mark

    def compared(self, left: Expr, op: Token, right: Expr) -> syntax.Comparison:
        return syntax.Comparison(cast('Literal["=="]', op.text), left, right, _over(left, right))

    def pointed(self, start: Expr, stop: Expr) -> syntax.Arrow:
        return syntax.Arrow(start, stop, _over(start, stop))

    def linear_range(self, start: Expr, stop: Expr, by: Expr | None) -> syntax.Range:
        return syntax.Range(start, stop, by, log=False, span=_over(start, stop, by))

    def log_range(self, word: Token, start: Expr, stop: Expr, by: Expr | None) -> syntax.Range:
        return syntax.Range(start, stop, by, log=True, span=_over(word, stop, by))

    def binary(self, left: Expr, op: Token, right: Expr) -> syntax.Binary:
        return syntax.Binary(cast('Literal["+"]', op.text), left, right, _over(left, right))

    def sign(self, op: Token, operand: Expr) -> syntax.Sign:
        return syntax.Sign("-" if op.text == "-" else "+", operand, _over(op, operand))

    def number(self, token: Token, suffix: "Token | Name | None") -> syntax.Number:
        value = number_value(token.text)
        if value is None:
            raise MeaninglessError("E0114", "this number is too large to be meant", token.span)
        unit = suffix if isinstance(suffix, Name) else None
        percent = suffix is not None and unit is None
        return syntax.Number(value, token.text, unit, percent, _over(token, suffix))

    def string(self, token: Token) -> Text:
        value = _ESCAPE.sub(lambda match: _ESCAPED[match[1]], token.text[1:-1])
        return Text(value, token.span)

    def path(self, *names: Name) -> Path:
        return Path(names, _over(*names))

    def call(self, function: Path, *rest: "syntax.Argument | Token") -> syntax.Call:
        arguments = cast("tuple[syntax.Argument, ...]", rest[:-1])
        return syntax.Call(function, arguments, _over(function, rest[-1]))

    def argument(self, value: Expr) -> syntax.Argument:
        return syntax.Argument(None, value, value.span)

    def named_argument(self, name: "Path | Text", value: Expr) -> syntax.Argument:
        return syntax.Argument(name, value, _over(name, value))

    def list(self, opening: Token, *rest: "Expr | Token") -> syntax.ListOf:
        return syntax.ListOf(cast("tuple[Expr, ...]", rest[:-1]), _over(opening, rest[-1]))

    def group(self, opening: Token, *rest: "Expr | Token") -> syntax.Group:
        return syntax.Group(cast("tuple[Expr, ...]", rest[:-1]), _over(opening, rest[-1]))

    def name(self, token: Token) -> Name:
        return Name(token.text, token.span)


def callbacks() -> dict[str, Callable[..., object]]:
    """What makes the node of each rule, by the name of the rule."""
    builder = _Builder()
    return {rule: getattr(builder, rule) for rule in dir(builder) if not rule.startswith("_")}
