"""Seeded mistakes in studies: what people get wrong, and where the finding belongs.

The generator knows the text, its syntax tree and the signatures of the catalog; it knows nothing of
the checker, whose work it judges. A mutant says which lines a finding may point at, and for a typo
which word was meant.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, is_dataclass
from random import Random

from lab.spec import syntax
from lab.spec.parser import parse
from lab.spec.signature import Catalog, ParameterInfo, Signature
from lab.spec.source import Source, Span
from lab.spec.units import DURATIONS, UNITS

KINDS = (
    "typo",
    "wrong unit",
    "missing argument",
    "wrong type",
    "bad reference",
    "out of range",
    "broken syntax",
)
LETTERS = "abcdefghijklmnopqrstuvwxyz"
DECLARING = ("data", "model", "schedule", "method", "metric", "let", "grid", "claim", "report")


@dataclass(frozen=True)
class Mutant:
    """A study with one mistake: `lines` (from 1) are where a finding belongs."""

    kind: str
    study: str
    text: str
    lines: frozenset[int]
    what: str
    meant: str | None = None


@dataclass(frozen=True)
class Site:
    """A node, the nodes around it (innermost last), and the field of the innermost it is in."""

    node: object
    around: tuple[object, ...]
    field: str

    def inside(self, kind: type) -> object | None:
        """The innermost node around it of a kind."""
        return next((one for one in reversed(self.around) if isinstance(one, kind)), None)


@dataclass(frozen=True)
class Change:
    """One replacement, where its finding belongs if not at its start, and what was meant."""

    start: int
    stop: int
    new: str
    at: tuple[int, ...] = ()
    meant: str | None = None


class Study:
    """A study that can be spoiled."""

    def __init__(self, name: str, text: str, catalog: Catalog) -> None:
        self.name = name
        self.text = text
        self.catalog = catalog
        self.parsed = parse(Source(name, text))
        self.sites = list(_sites(self.parsed.module, (), ""))
        self.declared = {
            one.name.text: one
            for one in self.parsed.module.declarations
            if isinstance(one, syntax.Definition)
        }

    def of(self, kind: type) -> list[Site]:
        """Sites of nodes of a kind."""
        return [site for site in self.sites if isinstance(site.node, kind)]

    def said(self, span: Span) -> str:
        """What is written at a span."""
        return self.text[span.start : span.end]

    def mutant(self, kind: str, change: Change) -> Mutant:
        """The text with a change."""
        old = self.text[change.start : change.stop]
        text = self.text[: change.start] + change.new + self.text[change.stop :]
        offsets = change.at or (change.start,)
        lines = frozenset(self.text.count("\n", 0, offset) + 1 for offset in offsets)
        return Mutant(kind, self.name, text, lines, f"`{old}` -> `{change.new}`", change.meant)


def _sites(node: object, around: tuple[object, ...], name: str) -> Iterator[Site]:
    if isinstance(node, tuple):
        for one in node:
            yield from _sites(one, around, name)
    elif is_dataclass(node) and not isinstance(node, Span):
        yield Site(node, around, name)
        for field in fields(node):
            yield from _sites(getattr(node, field.name), (*around, node), field.name)


def mutants(studies: Sequence[Study], *, seed: int, each: int) -> Iterator[Mutant]:
    """`each` mistakes of every kind, spread over the studies."""
    known = _known(studies)
    for kind in KINDS:
        random = Random(f"{seed} {kind}")
        changes = [
            (study, change)
            for study in studies
            for change in dict.fromkeys(MAKERS[kind](study, random, known))
        ]
        random.shuffle(changes)
        for study, change in changes[:each]:
            yield study.mutant(kind, change)


def _known(studies: Sequence[Study]) -> frozenset[str]:
    """Every word that means something somewhere: no typo may make one of them."""
    words = {*UNITS, *DECLARING}
    for study in studies:
        words |= set(re.findall(r"\w+", study.text))
    catalogs = {id(study.catalog): study.catalog for study in studies}.values()
    for signature in [one for catalog in catalogs for one in catalog.signatures.values()]:
        words.add(signature.name)
        for info in signature.parameters:
            words |= {info.name, *info.type.words}
    return frozenset(words)


# Typos


def typos(study: Study, random: Random, known: frozenset[str]) -> Iterator[Change]:
    """A slip of the fingers in a name, a parameter, a word, a unit or a declaration's word."""
    for word, start in _words(study):
        spoiled = _slip(word, random)
        if spoiled not in known:
            yield Change(start, start + len(word), spoiled, meant=word)


def _words(study: Study) -> Iterator[tuple[str, int]]:
    for site in study.of(syntax.Name):
        name = site.node
        assert isinstance(name, syntax.Name)
        owner = site.around[-1]
        is_use = isinstance(owner, syntax.Path | syntax.Number) or site.field in {"vary", "paired"}
        if is_use and len(name.text) > 3:
            yield name.text, name.span.start
    for declaration in study.parsed.module.declarations:
        word = re.match(r"\w+", study.text[declaration.span.start :])
        if word is not None and word[0] in DECLARING and len(word[0]) > 3:
            yield word[0], declaration.span.start


def _slip(word: str, random: Random) -> str:
    at = random.randrange(len(word) - 1)
    kind = random.choice(["swap", "drop", "double", "other"])
    if kind == "swap":
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if kind == "drop":
        return word[:at] + word[at + 1 :]
    if kind == "double":
        return word[: at + 1] + word[at:]
    return word[: at + 1] + random.choice(LETTERS) + word[at + 2 :]


# Units


def wrong_units(study: Study, random: Random, known: frozenset[str]) -> Iterator[Change]:
    """A unit of another dimension, or one where none belongs."""
    del known
    for site in study.of(syntax.Number):
        number = site.node
        assert isinstance(number, syntax.Number)
        other = random.choice(_other_units(number))
        if number.unit is not None:
            yield Change(number.unit.span.start, number.unit.span.end, other)
        elif number.percent:
            yield Change(number.span.end - 1, number.span.end, f" {other}")
        elif not isinstance(site.inside(syntax.ListOf), syntax.ListOf):
            yield Change(number.span.start, number.span.end, f"{study.said(number.span)} {other}")


def _other_units(number: syntax.Number) -> list[str]:
    """Units that no place for this number can take; a budget takes times and sizes."""
    own = UNITS[number.unit.text][0] if number.unit is not None else ""
    never = {own, "seconds", "bytes", "points"} if own in {"seconds", "bytes"} else {own, "points"}
    never |= DURATIONS if own in DURATIONS or number.percent else set()
    return [unit for unit, (dimension, _) in UNITS.items() if dimension not in never]


# Arguments


def missing_arguments(study: Study, random: Random, known: frozenset[str]) -> Iterator[Change]:
    """A call without an argument that it needs."""
    del random, known
    for site in study.of(syntax.Call):
        call = site.node
        assert isinstance(call, syntax.Call)
        for i, argument in enumerate(call.arguments):
            if _is_needed(study, call, argument, site):
                yield _without(call, i)


def _is_needed(study: Study, call: syntax.Call, argument: syntax.Argument, site: Site) -> bool:
    name = str(call.function)
    declared = study.declared.get(name)
    if declared is not None and declared.kind in {"schedule", "method"}:
        required = [one.name.text for one in declared.parameters if one.default is None]
        return bool(required) and (argument.name is None or str(argument.name) in required)
    is_claim = isinstance(site.around[-1], syntax.Comparison | syntax.Binary)
    if site.inside(syntax.Claim) is not None and is_claim and argument.name is None:
        return True
    signature = _signature(study, call)
    if declared is not None or signature is None:
        return False
    return any(info.required and _takes(info, argument) for info in _parameters(study, signature))


def _takes(info: ParameterInfo, argument: syntax.Argument) -> bool:
    if argument.name is None:
        return info.positional and not info.type.many
    return str(argument.name) == info.name


def _signature(study: Study, call: syntax.Call) -> Signature | None:
    """What a call of a component means, where its name is that of one component only."""
    name = str(call.function)
    found = [one for (_, known), one in study.catalog.signatures.items() if known == name]
    return found[0] if len(found) == 1 and name not in study.declared else None


def _parameters(study: Study, signature: Signature) -> list[ParameterInfo]:
    """The parameters of a call, with those of the stage that a reparameterization is short for."""
    found = list(signature.parameters)
    stage = study.catalog.get("stage", signature.stage or "")
    if stage is not None:
        own = {one.name for one in found}
        found += [one for one in stage.parameters if one.name not in own and not one.required]
    return found


def _without(call: syntax.Call, i: int) -> Change:
    """A call without one of its arguments; the finding belongs to the call."""
    at = (call.span.start,)
    gone = call.arguments[i].span
    if len(call.arguments) == 1:
        return Change(gone.start, gone.end, "", at)
    if i == 0:
        return Change(gone.start, call.arguments[1].span.start, "", at)
    return Change(call.arguments[i - 1].span.end, gone.end, "", at)


def wrong_types(study: Study, random: Random, known: frozenset[str]) -> Iterator[Change]:
    """A value that its parameter cannot take."""
    del known
    for info, value in _values(study):
        wrong = _not_a(info, random)
        if wrong is not None:
            yield Change(value.span.start, value.span.end, wrong)


def _values(study: Study) -> Iterator[tuple[ParameterInfo, syntax.Expr]]:
    """Arguments of components that are written by name, with the parameters that take them."""
    for site in study.of(syntax.Call):
        call = site.node
        assert isinstance(call, syntax.Call)
        signature = _signature(study, call)
        if signature is None:
            continue
        by_name = {info.name: info for info in _parameters(study, signature)}
        for argument in call.arguments:
            info = by_name.get(str(argument.name)) if argument.name is not None else None
            if info is not None and not info.type.mapping:
                yield info, argument.value


def _not_a(info: ParameterInfo, random: Random) -> str | None:
    kind = info.type.name
    if kind in {
        "int",
        "float",
        "bits",
        "bytes",
        "pixels",
        "seconds",
        "share",
        "duration",
        "moment",
    }:
        return random.choice(['"many"', "sgd(lr: 0.1)", "false"])
    if kind in {"word", "bool"}:
        return random.choice(["3", '"yes no"', "2 epochs"])
    if kind in {"string", "file"}:
        return random.choice(["3", "80%", "true"])
    if kind in {"metric", "arm", "path"}:
        return random.choice(['"it"', "[3]", "-> 3"][:2])
    if kind == "schedule":
        return random.choice(['"warm"', "true"])
    return random.choice(["3", '"it"', "5 epochs"])


# References


def bad_references(study: Study, random: Random, known: frozenset[str]) -> Iterator[Change]:
    """A name that nothing has, a thing of another kind, or a path to what is not there."""
    del known
    by_kind: dict[str, list[str]] = {}
    for name, one in study.declared.items():
        by_kind.setdefault(one.kind, []).append(name)
    for site in study.of(syntax.Path):
        path = site.node
        assert isinstance(path, syntax.Path)
        declared = study.declared.get(path.names[0].text)
        if declared is None or site.field == "name":
            continue
        first, last = path.names[0], path.names[-1]
        if len(path.names) > 1 and declared.kind != "metric":
            yield Change(last.span.start, last.span.end, random.choice(["nothing", "zebra"]))
        yield Change(first.span.start, first.span.end, random.choice(["nowhere", "elsewhere"]))
        if declared.kind in {"data", "model", "method"} and len(path.names) == 1:
            others = by_kind.get("metric" if declared.kind != "method" else "data", [])
            if others:
                yield Change(first.span.start, first.span.end, random.choice(others))


# Ranges


def out_of_range(study: Study, random: Random, known: frozenset[str]) -> Iterator[Change]:
    """A number outside what its parameter takes, in a call or on an axis; no replicates."""
    del known
    limits = _limits(study.catalog)
    for site in study.of(syntax.Number):
        number = site.node
        assert isinstance(number, syntax.Number)
        info = _limited(study, site, limits)
        if info is not None:
            suffix = study.said(number.span)[len(number.text) :].lstrip("0123456789.ekM")
            for value in _outside(info, percent=number.percent):
                yield Change(number.span.start, number.span.end, f"{value}{suffix}")
        owner = site.around[-1]
        if isinstance(owner, syntax.Repeat | syntax.Trials) and site.field == "count":
            yield Change(number.span.start, number.span.end, random.choice(["0", "2.5"]))
        if isinstance(owner, syntax.ListOf) and isinstance(site.around[-2], syntax.Repeat):
            yield Change(number.span.start, number.span.end, "0.5")
        if isinstance(owner, syntax.Claim) and site.field == "level":
            yield Change(number.span.start, number.span.end, random.choice(["120%", "0%", "100%"]))


def _limits(catalog: Catalog) -> dict[str, ParameterInfo]:
    """Parameters by name, where all that have the name agree on its limits and its type."""
    found: dict[str, ParameterInfo | None] = {}
    for signature in catalog.signatures.values():
        for info in signature.parameters:
            known = found.setdefault(info.name, info)
            if known is not None and _limit(known) != _limit(info):
                found[info.name] = None
    return {name: info for name, info in found.items() if info is not None}


def _limit(info: ParameterInfo) -> tuple[object, ...]:
    return info.low, info.high, info.above, info.below, info.type.name


def _limited(study: Study, site: Site, limits: dict[str, ParameterInfo]) -> ParameterInfo | None:
    """The parameter that a number stands for, if it stands there as it is or as an alternative."""
    around = [one for one in site.around if not isinstance(one, syntax.Alternatives)]
    owner = around[-1]
    if isinstance(owner, syntax.Argument) and isinstance(around[-2], syntax.Call):
        signature = _signature(study, around[-2])
        if signature is None or owner.name is None:
            return None
        return next(
            (one for one in _parameters(study, signature) if one.name == str(owner.name)), None
        )
    if isinstance(owner, syntax.Axis) and len(owner.paths) == 1:
        path = owner.paths[0]
        return limits.get(path.names[-1].text) if len(path.names) > 1 else None
    return None


def _outside(info: ParameterInfo, *, percent: bool) -> Iterator[str]:
    scale = 100 if percent else 1
    if info.low is not None:
        yield f"{(info.low - 1) * scale:g}"
    if info.above is not None:
        yield f"{info.above * scale:g}"
        yield f"{(info.above - 1) * scale:g}"
    if info.high is not None:
        yield f"{(info.high + 1) * scale:g}"
    if info.below is not None:
        yield f"{info.below * scale:g}"


# Syntax

_TOKEN = re.compile(r'#[^\n]*|"[^"\n]*"|\.\.|->|[=!<>]=|\w+|[^\s\w]')
_PAIRS = {")": "(", "]": "[", "}": "{"}


def broken_syntax(study: Study, random: Random, known: frozenset[str]) -> Iterator[Change]:
    """A mark that is missing, doubled or not of the language; a string that is never closed."""
    del known
    opened: list[int] = []
    for token in _TOKEN.finditer(study.text):
        text, start, stop = token[0], token.start(), token.end()
        if text.startswith("#"):
            continue
        if text in _PAIRS.values():
            opened.append(start)
            yield Change(start, stop, "", (start, _end_of_block(study.text, start)))
        elif text in _PAIRS:
            yield Change(start, stop, "", (opened.pop(), start))
        elif text.startswith('"'):
            yield Change(stop - 1, stop, "")
        elif text in {":", "=", "==", "->", "..", ">=", "<="}:
            yield Change(start, stop, random.choice(["", f"{text} {text}", "@"]))
        elif text in {"|", ","} or (text == "then" and random.random() < 0.5):
            yield Change(start, stop, random.choice([f"{text} {text}", "$"]))
        elif random.random() < 0.05:
            yield Change(start, start, random.choice(["?", "~", "= ", "] "]))


def _end_of_block(text: str, start: int) -> int:
    """Where what a bracket opened ends: a finding may stand at the bracket that is left over."""
    depth = 0
    for token in _TOKEN.finditer(text, start):
        depth += (token[0] in _PAIRS.values()) - (token[0] in _PAIRS)
        if depth == 0:
            return token.start()
    return start


Maker = Callable[[Study, Random, frozenset[str]], Iterator[Change]]
MAKERS: dict[str, Maker] = {
    "typo": typos,
    "wrong unit": wrong_units,
    "missing argument": missing_arguments,
    "wrong type": wrong_types,
    "bad reference": bad_references,
    "out of range": out_of_range,
    "broken syntax": broken_syntax,
}
