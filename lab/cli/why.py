"""`lab why`: everything that a key is made of, what is stored of it, and what others have else."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from lab.cli import exits
from lab.cli.accept import SUFFIX
from lab.cli.known import Known
from lab.cli.load import Loaded, load, results_folder, show_diagnostics
from lab.cli.options import Options
from lab.compiler.canonical import NUMERICS, Shown
from lab.compiler.likeness import Part, Unlike, differences, nearest, parts
from lab.compiler.lineage import Code
from lab.compiler.standing import Change
from lab.compiler.stored import Described
from lab.runtime.accepted import accepted_in
from lab.runtime.deviation import deviation_of
from lab.runtime.errors import LabError
from lab.runtime.keys import key_of
from lab.runtime.layout import failures_in
from lab.spec.records import record

_MOST_VALUES = 8


def why(options: Options) -> int:
    """Show the parts of one key, or of several."""
    files = [Path(one) for one in options.names if one.endswith(SUFFIX)]
    written = [one for one in options.names if not one.endswith(SUFFIX)]
    if not written:
        raise LabError("name a key, or its first characters: `lab plan --json` has them")
    known = Known(_studies(files, options), _store(files, options.results))
    keys = [key_of(one, known.keys) for one in written]
    shown = [_Answer(known, key) for key in keys]
    if options.json:
        print(json.dumps({"schema": 1, "keys": [one.as_json() for one in shown]}, indent=1))
    else:
        print("\n\n".join("\n".join(one.lines()) for one in shown))
    return exits.DONE


def _studies(files: Sequence[Path], options: Options) -> list[Loaded]:
    found: list[Loaded] = []
    for file in files:
        loaded = load(file, profile=options.profile, sets=options.sets)
        if loaded.plan is None:
            show_diagnostics(loaded)
            raise LabError(f"{file} has mistakes: it has no keys")
        found.append(loaded)
    return found


def _store(files: Sequence[Path], named: Path | None) -> Path:
    if named is None and files:
        return results_folder(files[0], named) / "store"
    root = (named or Path("results")) / "store"
    if not files and not root.is_dir():
        raise LabError(f"there is no store {root}: name the folder of results with --results")
    return root


@record
class _Line:
    """A part as it is shown."""

    name: str
    text: str
    note: str = ""


class _Answer:
    """All that is to be said of a key."""

    def __init__(self, known: Known, key: str) -> None:
        self.known = known
        self.key = key
        found = known.find(key)
        if found is None:
            raise LabError(f"{key} failed, and what it was cannot be read any more")
        self.one = found
        self.shown = Shown(known.catalog)

    @property
    def state(self) -> str:
        """`stored`, `failed` or `new`."""
        if self.key in self.known.stored:
            return "stored"
        return "failed" if self.key in failures_in(self.known.root) else "new"

    @cached_property
    def record(self) -> Mapping[str, Any]:
        """What the store has of it."""
        return self.known.record(self.key)

    @cached_property
    def near(self) -> Described | None:
        """The stored result that is most like it."""
        known = self.known
        return nearest(self.one, known.stored, find=known.find, catalog=known.catalog)

    @cached_property
    def unlike(self) -> list[Unlike]:
        """How the nearest is not like it."""
        if self.near is None:
            return []
        known = self.known
        return list(differences(self.one, self.near, find=known.find, catalog=known.catalog))

    # The parts.

    def parts(self) -> Iterator[_Line]:
        """Every part of the key."""
        for code in self.known.code(self.key):
            yield _Line(f"code of {code.component}", code.version, self._now(code))
        for part in parts(self.one, self.known.catalog):
            if part.name.startswith("argument "):
                note = self.known.place(self.key, part.steps)
                yield _Line(part.name, self.text(part), note)
                yield from self._content(part)
            elif part.name.startswith("input "):
                found = self.known.find(str(part.value))
                yield _Line(part.name, str(part.value), "" if found is None else found.label)
        yield _Line("seed", "none: nothing random" if self.one.seed is None else str(self.one.seed))
        yield _Line("random streams", ", ".join(self.one.vary) or "all that it draws from")
        yield _Line("numerics", NUMERICS)

    def _content(self, part: Part) -> Iterator[_Line]:
        """What a source of data yields, by its checksum."""
        signature = self.known.catalog.get(part.kind, str(part.value))
        if signature is not None and signature.content:
            yield _Line(part.name.replace("argument", "content of"), signature.content)

    def _now(self, code: Code) -> str:
        version = self.known.now(code.component)
        if version == code.version:
            return ""
        accepted = [one for one in accepted_in(self.known.root) if one.old == code.version]
        said = f"; accepted, because {accepted[0].because}" if accepted else ""
        return self.known.codes.text(Change(*code, version)) + said

    def text(self, part: Part | None) -> str:
        """The value of a part."""
        return "nothing" if part is None else self.shown.text(part.value, part.kind)

    # What is stored, and what is near.

    def stored(self) -> Iterator[_Line]:
        """When and where it was made, and what came of it."""
        facts = self.record
        failure = self.known.failure(self.key)
        if failure and self.state == "failed":
            yield _Line("failed", str(failure.get("finished_at", "")), str(failure.get("cause")))
            yield _Line("message", str(failure.get("message", "")))
        if not facts:
            return
        environment: Mapping[str, Any] = facts.get("environment") or {}
        packages: Mapping[str, Any] = environment.get("packages") or {}
        values: Mapping[str, Any] = facts.get("values") or {}
        yield _Line("made", str(facts.get("finished_at", "")), str(environment.get("device", "")))
        yield _Line("took", f"{float(facts.get('wall_seconds') or 0):.3g} s")
        if far := deviation_of(self.known.root, self.key):
            yield _Line("lanes", far.text())
        versions = [f"{name} {version}" for name, version in packages.items()]
        yield _Line("versions", ", ".join([f"lab {environment.get('lab', '?')}", *versions]))
        for name, value in list(values.items())[:_MOST_VALUES]:
            if isinstance(value, int | float):
                yield _Line(f"value {name}".replace("value value", "value"), f"{value:.10g}")

    def differences(self) -> Iterator[_Line]:
        """What the nearest has else."""
        for one in self.unlike:
            part = one.here or one.there
            if part is None:
                continue
            name = ", ".join([*(f"input {role}" for role in one.inputs), part.name])
            if part.name == "code":
                yield from self._code(one, name)
            else:
                here, there = self.text(one.here), self.text(one.there)
                note = self.known.place(one.of.key, part.steps) if part.steps else ""
                yield _Line(name, f"{here} here, {there} there", note)

    def _code(self, one: Unlike, name: str) -> Iterator[_Line]:
        there = str(one.there.value) if one.there else ""
        here = str(one.here.value) if one.here else ""
        change = Change(f"{one.of.role} {one.of.component}", there, here)
        yield _Line(name, f"{here[:8]} here, {there[:8]} there", self.known.codes.text(change))

    # As text and as JSON.

    def lines(self) -> Iterator[str]:
        """What a person reads."""
        yield f"{self.key}  {self.one.label}  ({self.one.role}, {self.state})"
        yield from _aligned(list(self.parts()))
        made = list(self.stored())
        if made:
            yield self.state if self.state == "failed" else "stored"
            yield from _aligned(made)
        if self.near is None:
            yield "nothing like it is stored"
            return
        yield f"nearest stored: {self.near.key}  {self.near.label}"
        yield from _aligned(list(self.differences())) or ["  all parts of its own are the same"]

    def as_json(self) -> dict[str, Any]:
        """All of it as data."""
        near = self.near
        return {
            "key": self.key,
            "label": self.one.label,
            "role": self.one.role,
            "component": self.one.component,
            "state": self.state,
            "parts": [_as_json(one) for one in self.parts()],
            "stored": [_as_json(one) for one in self.stored()],
            "nearest": None
            if near is None
            else {
                "key": near.key,
                "label": near.label,
                "differences": [_as_json(one) for one in self.differences()],
            },
        }


def _aligned(lines: Sequence[_Line]) -> list[str]:
    width = max((len(one.name) for one in lines), default=0)
    return [
        f"  {one.name:<{width}}  {one.text}{f'  ({one.note})' if one.note else ''}" for one in lines
    ]


def _as_json(line: _Line) -> dict[str, str]:
    return {"name": line.name, "text": line.text, **({"note": line.note} if line.note else {})}
