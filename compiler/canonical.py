"""Meaning as text: one spelling for every value, and its digest.

Floats are written by `repr`, the shortest text that reads back equal, so `1e-3` and `0.001` are one
value. File names are left out: a file counts by its content.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import cast

from lab.spec.signature import Catalog
from lab.spec.values import Value

#: Dtype and matrix-multiplication precision of every program; another class is another result.
NUMERICS = "float32/highest"


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON text, in hexadecimal."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def meaning(value: Value, catalog: Catalog) -> Value:
    """A resolved value with what its key depends on: code versions and contents, no file names."""
    if isinstance(value, list):
        return [meaning(item, catalog) for item in value]
    if not isinstance(value, dict):
        return value
    if "file" in value:
        return {"content": value["content"]}
    made: dict[str, Value] = {name: meaning(item, catalog) for name, item in value.items()}
    if "component" in value:
        signature = catalog.signatures[cast(str, value["kind"]), cast(str, value["component"])]
        made["version"] = signature.version
        made["content"] = signature.content
    return made


def shown(value: Value, kind: str = "") -> str:
    """A value as a person would write it; `kind` is the name of its type (`share`, `bits`, …)."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _number(value, kind)
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    return _structure(value)


_SUFFIX = {"bits": " bits", "bytes": " B", "seconds": " s", "decibels": " dB", "pixels": " px"}


def _number(value: int | float, kind: str) -> str:
    if kind == "share":
        return f"{value * 100:.10g}%"
    return f"{value:.10g}{_SUFFIX.get(kind, '')}"


def _structure(value: Mapping[str, Value]) -> str:
    if "duration" in value:
        amount = cast(float, value["duration"])
        if value["unit"] == "share":
            return _number(amount, "share")
        return f"{amount:.10g} {value['unit']}"
    if "file" in value:
        return json.dumps(value["file"])
    if "component" in value:
        args = cast(Mapping[str, Value], value["args"])
        inside = ", ".join(f"{name}: {shown(item)}" for name, item in args.items())
        return f"{value['component']}({inside})"
    if value.get("schedule") == "pieces":
        pieces = cast(list[Mapping[str, Value]], value["pieces"])
        return " then ".join(_piece(piece) for piece in pieces)
    return json.dumps(value, sort_keys=True)


def _piece(piece: Mapping[str, Value]) -> str:
    lasting = piece["for"]
    return shown(piece["value"]) + ("" if lasting is None else f" for {shown(lasting)}")
