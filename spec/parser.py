"""Source to syntax tree, with every syntax error in one pass.

The grammar is LALR(1) and parses one statement at a time (`lab.spec.tokens`), so that an error in
one leaves the others whole. Lark makes the tables of the grammar, once: they are kept in the user's
cache folder, and a process that finds them there starts without Lark.
"""

import json
import os
import zlib
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path as FilePath
from typing import Any, cast

from lab.spec import build, syntax
from lab.spec.diagnostics import Diagnostic, Label
from lab.spec.failure import Failure
from lab.spec.lalr import Automaton, RuleTable, Tables, UnexpectedTokenError
from lab.spec.records import record
from lab.spec.source import Source, Span
from lab.spec.syntax_errors import syntax_error
from lab.spec.token_errors import lexical_errors, structural_error
from lab.spec.tokens import Comment, Statement, Token, scan, statements
from lab.spec.trees import DEEPEST, deepest

_NESTING = frozenset({"(", "[", "+", "-", "*", "/", "not"})
#: Errors of one block that are shown; what follows is seldom read.
MOST_ERRORS = 20
#: Statements that are remembered: in an editor most are as they were one key press ago.
MOST_READ = 2000
_READ: dict[tuple[str, str, int, str], object] = {}
_STARTS = ("start", "expr", "axis")
_GRAMMAR = FilePath(__file__).with_name("grammar.lark")


@record
class Parsed:
    """What a text says, as far as it could be read.

    Always holds: `module` has the declarations without a syntax error, in order, and is empty where
    there are none. `broken` names the definitions and blocks that have one: they exist, but nobody
    knows what they are.
    """

    module: syntax.Module
    diagnostics: list[Diagnostic]
    comments: tuple[Comment, ...]
    broken: frozenset[str] = frozenset()
    edition: build.Edition | None = None


def parse(source: Source) -> Parsed:
    """Read a whole file.

    Example:
        >>> parsed = parse(Source("a.lab", 'study a\\nlet width = 16 | 32'))
        >>> [type(declaration).__name__ for declaration in parsed.module.declarations]
        ['Study', 'Definition']
    """
    tokens, comments = scan(source.text)
    declarations: list[syntax.Declaration] = []
    diagnostics: list[Diagnostic] = []
    broken: set[str] = set()
    edition = None
    owed = 0
    for index, statement in enumerate(statements(tokens)):
        read, errors = _read(source, statement)
        # A block that was cut in two: its `}` still comes, and is no error of its own.
        owed += statement.cut is not None and statement.unclosed[0].text == "{"
        if owed and statement.stray is not None and statement.stray.text == "}":
            owed, errors = owed - 1, []
        diagnostics += errors
        if isinstance(read, build.Edition):
            edition = edition or read
            if index:
                diagnostics.append(_late_edition(source, read))
        elif read is not None:
            declarations.append(cast(syntax.Declaration, read))
        elif len(statement.tokens) > 1 and statement.tokens[1].kind == "word":
            broken.add(statement.tokens[1].text)
    module = syntax.Module(tuple(declarations), Span(0, len(source.text)))
    return Parsed(module, diagnostics, tuple(comments), frozenset(broken), edition)


def parse_expression(source: Source) -> tuple[syntax.Expr | None, list[Diagnostic]]:
    """Read a text that is one expression, such as the condition of `--only`."""
    return cast("tuple[syntax.Expr | None, list[Diagnostic]]", _read_whole(source, "expr"))


def parse_axis(source: Source) -> tuple[syntax.Axis | None, list[Diagnostic]]:
    """Read a text that is one `path: value`."""
    return cast("tuple[syntax.Axis | None, list[Diagnostic]]", _read_whole(source, "axis"))


def words_after(tokens: Sequence[Token]) -> frozenset[str] | None:
    """Words of the language that can follow the first tokens of a statement.

    The empty word is among them where a name can; None where the tokens themselves do not fit.
    """
    stop = Token("mark", "", 0, 0)
    try:
        _automaton().read([*tokens, stop])
    except UnexpectedTokenError as error:
        if error.index != len(tokens):
            return None
        words = _automaton().tables["words"].items()
        fit = {word for word, terminal in words if terminal in error.accepts and word.isalpha()}
        return frozenset(fit | ({""} if "NAME" in error.accepts else set()))
    except build.MeaninglessError:
        return None
    return None


def _read_whole(source: Source, start: str) -> tuple[object | None, list[Diagnostic]]:
    tokens, _ = scan(source.text)
    if not tokens:
        label = Label(Span(0, 0))
        return None, [Diagnostic("error", "E0106", "expected a value", source, (label,))]
    (whole,) = statements([token._replace(first=False, margin=False) for token in tokens])
    return _read(source, whole, start)


def _late_edition(source: Source, edition: build.Edition) -> Diagnostic:
    message = "the edition of the language is named on the first line or not at all"
    return Diagnostic("error", "E0112", message, source, (Label(edition.span),))


def _read(
    source: Source, statement: Statement, start: str = "start"
) -> tuple[object | None, list[Diagnostic]]:
    """The node of one statement, or what is wrong with it."""
    if statement.bad:
        return None, lexical_errors(source, statement)
    error = structural_error(source, statement)
    if error is not None:
        return None, [error]
    first, last = statement.tokens[0].start, statement.tokens[-1].end
    place = (source.name, start, first, source.text[first:last])
    known = _READ.get(place)
    if known is not None:
        return known, []
    read, found = _read_afresh(source, statement, start)
    if not found:
        if len(_READ) >= MOST_READ:
            _READ.clear()
        _READ[place] = read
    return read, found


def _read_afresh(
    source: Source, statement: Statement, start: str
) -> tuple[object | None, list[Diagnostic]]:
    found: list[Diagnostic] = []
    rest: Statement | None = statement
    while rest is not None and len(found) < MOST_ERRORS:
        try:
            read = _automaton().read(rest.tokens, start=start)
        except UnexpectedTokenError as stop:
            found.append(syntax_error(Failure(source, rest, stop.index, stop.accepts)))
            rest = _without_entry(rest, stop.index)
        except build.MeaninglessError as problem:
            found.append(_meaningless(source, problem))
            break
        else:
            error = None if found else _too_deep(source, statement, read)
            found += [] if error is None else [error]
            return (None, found) if found else (read, [])
    return None, found


def _meaningless(source: Source, problem: build.MeaninglessError) -> Diagnostic:
    labels = [Label(problem.span)]
    if problem.first is not None:
        labels.append(Label(problem.first, "first here"))
    return Diagnostic("error", problem.code, problem.message, source, tuple(labels))


def _without_entry(statement: Statement, index: int) -> Statement | None:
    """A block without the entry that holds a token, to find what is wrong in the others."""
    tokens = statement.tokens
    opening = next((i for i, token in enumerate(tokens) if token.text == "{"), len(tokens))
    closing = len(tokens) - 1
    if not opening < index <= closing or tokens[closing].text != "}":
        return None
    ends = [opening, *(i for i, t in enumerate(tokens) if t.kind == "separator"), closing]
    start = max(end for end in ends if end < index)
    stop = min(end for end in ends if end >= index)
    if start == opening:
        rest = tokens[: opening + 1] + tokens[stop + (stop != closing) :]
    else:
        rest = tokens[:start] + tokens[stop:]
    return Statement(rest) if len(rest) < len(tokens) else None


def _too_deep(source: Source, statement: Statement, read: object) -> Diagnostic | None:
    nesting = sum(token.text in _NESTING for token in statement.tokens)
    level, node = deepest(read) if nesting > DEEPEST // 3 else (0, read)
    if level <= DEEPEST:
        return None
    message = f"this is nested {level} levels deep; {DEEPEST} can be read"
    place = cast(syntax.Name, node).span
    remedy = "name a part of it with `let` or `method`"
    return Diagnostic("error", "E0113", message, source, (Label(place),), help=(remedy,))


@cache
def _automaton() -> Automaton:
    grammar = _GRAMMAR.read_text(encoding="utf-8")
    file = _kept(grammar)
    tables = None if file is None else _load(file, grammar)
    if tables is None:
        tables = _compile(grammar)
        if file is not None:
            _keep(file, grammar, tables)
    return Automaton(tables, build.callbacks())


def _kept(grammar: str) -> FilePath | None:
    """The file in which the tables are kept between processes; None where there can be none."""
    try:
        home = os.environ.get("XDG_CACHE_HOME") or FilePath.home() / ".cache"
    except RuntimeError:
        return None
    return FilePath(home) / "lab-studies" / f"grammar-{zlib.crc32(grammar.encode()):08x}.json"


def _load(file: FilePath, grammar: str) -> Tables | None:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    fits = isinstance(kept, dict) and cast("dict[str, object]", kept).get("grammar") == grammar
    return cast(Tables, kept["tables"]) if fits else None


def _keep(file: FilePath, grammar: str, tables: Tables) -> None:
    """Write the tables, whole or not at all. A folder that cannot be written to costs only time."""
    with suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f"{file.name}.{os.getpid()}")
        partial.write_text(json.dumps({"grammar": grammar, "tables": tables}), encoding="utf-8")
        partial.replace(file)


def _compile(grammar: str) -> Tables:
    """The tables of a grammar, by Lark."""
    import lark

    made = lark.Lark(grammar, parser="lalr", start=list(_STARTS), maybe_placeholders=True)
    table = cast(Any, made).parser.parser._parse_table  # Lark has no public way to it
    rules: dict[Any, int] = {}
    states: list[dict[str, int]] = [{} for _ in table.states]
    for state, actions in table.states.items():
        for symbol, (action, target) in actions.items():
            shift = str(action) == "Shift"
            states[state][symbol] = (
                target + 1 if shift else -1 - rules.setdefault(target, len(rules))
            )
    words = {str(t.pattern.value): t.name for t in made.terminals if t.pattern.type == "str"}
    starts = {start: (table.start_states[start], table.end_states[start]) for start in _STARTS}
    return Tables(states=states, rules=[_rule(rule) for rule in rules], starts=starts, words=words)


def _rule(rule: Any) -> RuleTable:
    """A rule of Lark's, with what its callback gets: no marks, `None` for what is absent."""
    options = rule.options
    # One flag for each symbol and each absent part, in order; set for the absent ones.
    absences = "".join("1" if absent else "0" for absent in options.empty_indices).split("0")
    absences = absences if options.empty_indices else [""] * (len(rule.expansion) + 1)
    picks: list[tuple[int, bool, int]] = []
    absent = 0
    for index, symbol in enumerate(rule.expansion):
        absent += len(absences[index])
        if options.keep_all_tokens or not (symbol.is_term and symbol.filter_out):
            picks.append((index, not symbol.is_term and symbol.name.startswith("_"), absent))
            absent = 0
    name = str(rule.alias or rule.origin.name)
    return RuleTable(
        origin=str(rule.origin.name),
        size=len(rule.expansion),
        name="" if name.startswith("_") else name,
        picks=picks,
        absent=absent + len(absences[-1]),
        single=bool(options.expand1) and not rule.alias,
    )
