"""Meaning as text: one spelling for every value, and its digest.

Floats are written by `repr`, the shortest text that reads back equal, so `1e-3` and `0.001` are one
value. File names are left out: a file counts by its content.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import cast

from lab.spec.signature import Catalog, Signature
from lab.spec.values import Value

#: Dtype and matrix-multiplication precision of every program; another class is another result.
NUMERICS = "float32/highest"


def digest(value: object) -> str:
    """SHA-256 of the canonical JSON text, in hexadecimal."""
    return digest_of_text(canonical(value))


def digest_of_text(text: str) -> str:
    """SHA-256 of a text that is canonical already, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: object) -> str:
    """The canonical JSON text of plain data."""
    return _ENCODER.encode(value)


#: Without keys to sort, the encoder in C is taken.
_SCALARS = json.JSONEncoder(allow_nan=False)
_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), allow_nan=False)


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
        if signature.late is not None:
            made["args"] = meaning(_counted(signature, value["args"]), catalog)
        made["version"] = signature.version
        made["content"] = signature.content
    return made


def _counted(signature: Signature, arguments: Value) -> Value:
    return dict(signature.counted(cast(Mapping[str, Value], arguments)))


def text_of_arguments(
    signature: Signature, arguments: Mapping[str, Value], catalog: Catalog
) -> str:
    """The canonical text of a stage's arguments, those left out that mean their own absence."""
    return text_of(_counted(signature, cast(Value, arguments)), catalog)


def text_of(value: Value, catalog: Catalog) -> str:
    """The canonical text of what a value means."""
    if value is None or isinstance(value, str | int | float):
        return _SCALARS.encode(value)
    return canonical(meaning(value, catalog))


class Shown:
    """Values as a person would write them, arguments left at their defaults left out."""

    def __init__(self, catalog: Catalog) -> None:
        self.catalog = catalog

    def text(self, value: Value, kind: str = "") -> str:
        """A value; `kind` is the name of its type (`share`, `bits`, …)."""
        if value is None:
            return "none"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int | float):
            return number_text(value, kind)
        if isinstance(value, str):
            return value
        if isinstance(value, list):
            return "[" + ", ".join(self.text(item) for item in value) + "]"
        return self._structure(value)

    def _structure(self, value: Mapping[str, Value]) -> str:
        if "duration" in value:
            amount = cast(float, value["duration"])
            is_share = value["unit"] == "share"
            return number_text(amount, "share" if is_share else "") + (
                "" if is_share else f" {value['unit']}"
            )
        if "file" in value:
            return json.dumps(value["file"])
        if "component" in value:
            return self._component(value)
        if value.get("schedule") == "pieces":
            pieces = cast(list[Mapping[str, Value]], value["pieces"])
            return " then ".join(self._piece(piece) for piece in pieces)
        if value.get("schedule") in ("sum", "product"):
            mark = " + " if value["schedule"] == "sum" else " * "
            return mark.join(self._term(one) for one in cast(list[Value], value["of"]))
        return json.dumps(value, sort_keys=True)

    def _term(self, value: Value) -> str:
        """A part of a sum or a product; one that has parts itself is in brackets."""
        text = self.text(value)
        return f"({text})" if isinstance(value, dict) and "schedule" in value else text

    def _component(self, value: Mapping[str, Value]) -> str:
        """The first argument always stands: `adam(lr: 0.001)`, `fourier(bands: 4)`."""
        signature = self.catalog.signatures[cast(str, value["kind"]), cast(str, value["component"])]
        args = cast(Mapping[str, Value], value["args"])
        if {"start", "stop"} <= set(args):
            return f"{signature.name}({self.text(args['start'])} -> {self.text(args['stop'])})"
        inside: list[str] = []
        for i, info in enumerate(signature.parameters):
            value_here = args.get(info.name)
            if info.type.mapping and isinstance(value_here, dict):
                inside += [f"{label}: {self.text(one)}" for label, one in value_here.items()]
            elif info.name in args and (i == 0 or info.required or value_here != info.default):
                inside.append(f"{info.name}: {self.text(value_here, info.type.name)}")
        return f"{signature.name}({', '.join(inside)})" if inside else signature.name

    def _piece(self, piece: Mapping[str, Value]) -> str:
        lasting = piece["for"]
        return self.text(piece["value"]) + ("" if lasting is None else f" for {self.text(lasting)}")


_SUFFIX = {"bits": " bits", "bytes": " B", "seconds": " s", "decibels": " dB", "pixels": " px"}


def number_text(value: int | float, kind: str) -> str:
    """A number in the unit that its type is written in."""
    if kind == "share":
        return f"{value * 100:.10g}%"
    return f"{value:.10g}{_SUFFIX.get(kind, '')}"
