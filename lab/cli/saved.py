"""Plans as files: `lab plan -o plan.json`, and `lab run plan.json`, which runs exactly that.

A saved plan holds the plan, the text that it was made from, and what it rests on: versions of code,
contents of files, and what was stored. It is run only while planning that text anew gives the same
plan, and while nothing that it counted on is gone from the store; what has been stored in the
meantime is not run again. The study's folder and the folder of results are written relative to the
plan's own, so that all three can be moved together. It carries a checksum, so that one that was
edited or damaged is refused and never half understood.
"""

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from lab.cli import exits
from lab.cli.load import Given, Loaded, load_text
from lab.cli.options import Options
from lab.cli.planned import Planned, beside_store
from lab.compiler.canonical import NUMERICS
from lab.compiler.plan import Plan
from lab.compiler.serial import from_json, to_json
from lab.runtime.contents import Contents, named_files
from lab.runtime.errors import LabError
from lab.runtime.files import write_atomically
from lab.runtime.layout import keys_in
from lab.runtime.missing import missing
from lab.spec.catalog import builtin_catalog
from lab.spec.records import replaced
from lab.spec.signature import Catalog
from lab.spec.source import Source
from lab.spec.values import components_in

#: Version of the file.
SCHEMA = 2
_KIND = "lab plan"
#: What a saved plan and the world are told to differ in, at most.
_MOST = 6


class Outdated(LabError):
    """A saved plan that the world has moved on from."""

    exit_code = exits.PLAN_IS_STALE


def save(one: Planned, path: Path) -> None:
    """Write a plan to a file."""
    folder, options = path.resolve().parent, one.options
    data: dict[str, Any] = {
        "kind": _KIND,
        "schema": SCHEMA,
        "file": os.path.relpath(one.loaded.file.resolve(), folder),
        "results": os.path.relpath(one.results.resolve(), folder),
        "given": {"profile": options.profile, "set": list(options.sets), "only": options.only},
        "text": one.loaded.source.text,
        "used": {name: _hash(source) for name, source in _used(one.loaded)},
        "numerics": NUMERICS,
        "versions": versions(one.plan, one.catalog),
        "contents": named_files(one.plan),
        "todo": [node.key for node in one.todo],
        "plan": to_json(one.plan),
    }
    data["checksum"] = checksum(data)
    try:
        write_atomically(path, (json.dumps(data, indent=1) + "\n").encode())
    except OSError as error:
        raise LabError(
            f"the plan cannot be saved as {path}: {error.strerror}: `-o` takes a file's name in a "
            "folder that is there"
        ) from error


def read(path: Path, options: Options) -> Planned:
    """A saved plan. Raises Outdated where the world has moved on, LabError where it is none."""
    data = _object_in(path)
    if options.profile or options.sets or options.only or options.results:
        raise LabError(
            f"{path} is a saved plan, which has its own --profile, --set, --only and --results; "
            "plan the study anew to have others"
        )
    folder, given = path.resolve().parent, data["given"]
    file, results = (folder / data["file"]).resolve(), (folder / data["results"]).resolve()
    its_own = replaced(
        options,
        files=(file,),
        profile=given["profile"],
        sets=tuple(given["set"]),
        only=given["only"],
        results=results,
    )
    source = Source(str(file), data["text"])
    loaded = load_text(source, file, Given(its_own.profile, its_own.sets, its_own.only))
    now = beside_store(loaded, results, its_own)
    changes = list(_changes(data, loaded, now, results))
    if changes or now is None:
        shown = "\n".join(f"  {one}" for one in changes[:_MOST])
        rest = f"\n  and {len(changes) - _MOST} more" if len(changes) > _MOST else ""
        raise Outdated(f"{path} is out of date:\n{shown}{rest}\nplan the study anew")
    return now


def _object_in(path: Path) -> dict[str, Any]:
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise LabError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError):
        data = None
    found = cast(dict[str, Any], data) if isinstance(data, dict) else {}
    if found.get("kind") != _KIND:
        raise LabError(f"{path} is no saved plan: `lab plan FILE.lab -o {path.name}` makes one")
    if found.get("schema") != SCHEMA:
        raise LabError(f"{path} was saved by another version of `lab`: plan the study anew")
    if found.get("checksum") != checksum(found):
        raise LabError(f"{path} was changed since it was saved: plan the study anew")
    return found


def checksum(data: Mapping[str, Any]) -> str:
    """The hash of all that a saved plan says, however it is laid out."""
    said = {name: part for name, part in data.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


# Whether the world has moved on


def _changes(
    data: Mapping[str, Any], loaded: Loaded, now: Planned | None, results: Path
) -> Iterator[str]:
    """What is not as it was when a plan was saved."""
    plan = from_json(data["plan"])
    catalog = builtin_catalog() if now is None else now.catalog
    yield from _of_code(data, versions(plan, catalog))
    yield from _of_files(data, loaded)
    if now is None:
        first = next(one for one in loaded.diagnostics if one.severity == "error")
        yield f"the study is wrong now: {first.message}"
        return
    before, after = ({node.key for node in one.nodes} for one in (plan, now.plan))
    if before != after:
        count = len(after - before) or len(before - after)
        yield f"its text means another plan now: {count} of {len(before)} stages differ"
    gone = {node.key for node in missing(plan, keys_in(results / "store"))} - set(data["todo"])
    if gone:
        what = next(node.label for node in plan.nodes if node.key in gone)
        yield f"{len(gone)} stages that were stored are to be run again, as {what}"


def _of_code(data: Mapping[str, Any], now: Mapping[str, str]) -> Iterator[str]:
    if data["numerics"] != NUMERICS:
        yield f"numbers are computed as {NUMERICS}, and were as {data['numerics']}"
    for component, version in data["versions"].items():
        if component not in now:
            yield f"there is no {component} any more"
        elif now[component] != version:
            yield f"the code of {component} changed"


def _of_files(data: Mapping[str, Any], loaded: Loaded) -> Iterator[str]:
    here = Contents(loaded.file.parent)
    for name, content in data["contents"].items():
        if here(name) != content:
            yield f"{name} has other content" if here(name) else f"{name} is gone"
    now = {name: _hash(source) for name, source in _used(loaded)}
    for name, content in data["used"].items():
        if now.get(name) != content:
            yield f"{name}, which the study uses, changed"


# What a plan rests on


def versions(plan: Plan, catalog: Catalog) -> dict[str, str]:
    """The version and content of every component of a plan, by kind and name; gone ones lack."""
    found: dict[str, str] = {}
    looked: set[int] = set()
    for node in plan.nodes:
        names = {(node.role, node.component)}
        for value in node.arguments.values():
            if isinstance(value, dict | list) and id(value) not in looked:
                looked.add(id(value))
                names |= set(components_in(value))
        for kind, name in names:
            signature = catalog.get(kind, name)
            if signature is not None:
                found[f"{kind} {name}"] = f"{signature.version} {signature.content or ''}".strip()
    return dict(sorted(found.items()))


def _used(loaded: Loaded) -> Iterator[tuple[str, Source]]:
    """The files that a study uses, by their names relative to it."""
    if loaded.checked is None:
        return
    folder = loaded.file.parent
    for source in loaded.checked.origins.definitions.values():
        if source.name != loaded.source.name:
            yield os.path.relpath(source.name, folder), source


def _hash(source: Source) -> str:
    return hashlib.sha256(source.text.encode()).hexdigest()
