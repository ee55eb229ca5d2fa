"""Plans as golden files: what differs between machines and versions of the code is masked.

Keys of nodes are called by arm, component, number and seed, since they change with any component's
code; the keys themselves are held by `tests/compiler/golden/keys.json`. So that a plan of thousands
of nodes can be read, what stands often is written once, below, and mentioned as `@3`; lists of
alike things are tables; and what differs in the seed only stands once, with its seeds.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lab.spec.catalog import builtin_catalog
from lab.spec.check import check
from lab.spec.source import Source

STUDIES = Path(__file__).parents[2] / "studies"
FOLDER = Path(__file__).parent / "golden"
HEX = re.compile(r"\b(?:sha256:)?[0-9a-f]{12,64}\b")
#: What is written once where it stands more than once.
LONG = 48
SEED = re.compile(r"#(\d+)\b")
SEEDS = re.compile(r'"([^"#]+)#\d+"(?:, "\1#\d+")+')


def cases() -> list[tuple[str, str | None]]:
    """Every study that ships, as it is and under each of its profiles."""
    return [
        (path.stem, profile)
        for path in sorted(STUDIES.glob("*.lab"))
        for profile in _profiles(path)
    ]


def _profiles(path: Path) -> Iterator[str | None]:
    yield None
    found = check(Source(path.name, path.read_text("utf-8")), builtin_catalog())
    yield from found.study.profiles if found.study else ()


def file_of(name: str, profile: str | None, kind: str) -> Path:
    """The golden file of a case: `txt` or `json.txt`."""
    case = f"{name}.{profile}" if profile else name
    return FOLDER / f"{case}.plan.{kind}"


def masked_text(text: str) -> str:
    """Text without what is other on another machine."""
    return HEX.sub("<hash>", text)


def masked_json(document: Mapping[str, Any]) -> str:
    """A document as text: hashes by names of their own, repetitions written once."""
    names = _names(document)
    plain = _each(document, lambda text: HEX.sub(lambda one: names.get(one[0], "<hash>"), text))
    folded, shared = _folded(plain)
    lines = [*_lines("", folded), *(f"@{i} {text}" for i, text in enumerate(shared))]
    return "\n".join(_by_seed(lines)) + "\n"


def _by_seed(lines: Sequence[str]) -> Iterator[str]:
    """Lines that differ in the seed only as one."""
    seeds: dict[str, list[str]] = {}
    for line in (SEEDS.sub(r'"\1#…"', one) for one in lines):
        named = list(dict.fromkeys(SEED.findall(line)))
        alike = SEED.sub("#*", line) if len(named) == 1 else line
        seeds.setdefault(alike, []).extend(named if len(named) == 1 else [])
    for alike, named in seeds.items():
        yield f"{alike} × {', '.join(dict.fromkeys(named))}" if named else alike


def _names(document: Mapping[str, Any]) -> dict[str, str]:
    """What keys are called: by arm, component, number and seed."""
    plan, names, seen = document["plan"], dict[str, str](), Counter[str]()
    for node in plan["nodes"]:
        what = f"{node['label'].partition(':')[0]}/{node['component']}"
        seed = "" if node["seed"] is None else f"#{node['seed']}"
        names[node["key"]] = f"{what}/{seen[what + seed]}{seed}"
        seen[what + seed] += 1
        if node["seed"] is not None:
            node["seed"] = seed
    for run in plan["runs"]:
        run["seed"] = f"#{run['seed']}"
        if run["point"] not in names:
            names[run["point"]] = f"point {run['arm']}/{seen[run['arm']]}"
            seen[run["arm"]] += 1
    return names


def _each(value: Any, masked: Callable[[str], str]) -> Any:
    """A value with its texts masked, keys of mappings too, and its floats to six digits."""
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, Mapping):
        return {masked(name): _each(one, masked) for name, one in value.items()}
    return [_each(one, masked) for one in value] if isinstance(value, list | tuple) else value


def _folded(value: Any) -> tuple[Any, list[str]]:
    """A value in which what stands more than once is a mention, and what is mentioned."""
    counts: Counter[str] = Counter()
    _count(value, counts)
    often = {
        text
        for text, count in counts.items()
        if count > 1 and len(text) >= LONG and not SEED.search(text)
    }
    order: dict[str, int] = {}
    texts: dict[int, str] = {}

    def folded(one: Any, *, whole: bool = False) -> Any:
        text = _text(one)
        if not whole and text in often:
            if text not in order:
                order[text] = len(order)
                texts[order[text]] = _text(folded(one, whole=True))
            return f"@{order[text]}"
        if isinstance(one, Mapping):
            return {name: folded(inner) for name, inner in one.items()}
        return [folded(inner) for inner in one] if isinstance(one, list) else one

    made = folded(value)
    return made, [texts[i] for i in range(len(texts))]


def _count(value: Any, counts: Counter[str]) -> None:
    if isinstance(value, Mapping | list):
        counts[_text(value)] += 1
        if counts[_text(value)] == 1:
            for one in value.values() if isinstance(value, Mapping) else value:
                _count(one, counts)


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(", ", ": "))


def _lines(name: str, value: Any) -> Iterator[str]:
    """A line for everything inside, down to what fits in one; alike things as a table."""
    text = _text(value)
    if not isinstance(value, Mapping | list) or len(text) <= 100 or not value:
        yield f"{name} {text}"
    elif isinstance(value, Mapping):
        for key, one in value.items():
            yield from _lines(f"{name}.{key}", one)
    elif _is_table(value):
        yield f"{name}[] of {', '.join(value[0])}"
        yield from (f"{name}[] {_text(list(one.values()))}" for one in value)
    else:
        for one in value:
            yield from _lines(f"{name}[]", one)


def _is_table(value: Sequence[Any]) -> bool:
    return all(isinstance(one, Mapping) and one.keys() == value[0].keys() for one in value)


__all__: Sequence[str] = ["cases", "file_of", "masked_json", "masked_text"]
