"""An editor for tests: speaks the protocol with `lab lsp` over pipes, and keeps a transcript.

It shares no code with the server: frames are written and read here, with nothing but JSON.
"""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


class Editor:
    """One process of the server, and everything that was said."""

    def __init__(self, folder: Path, *, encodings: list[str] | None = None) -> None:
        self.folder = folder
        self.versions: dict[str, int] = {}
        self.texts: dict[str, str] = {}
        self.transcript: list[str] = []
        self.findings: list[dict[str, Any]] = []
        self._next = 0
        self.process = subprocess.Popen(
            [sys.executable, "-m", "lab.cli.main", "lsp"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=folder,
        )
        general = {} if encodings is None else {"positionEncodings": encodings}
        self.abilities = self.ask(
            "initialize",
            {"processId": None, "rootUri": None, "capabilities": {"general": general}},
        )["capabilities"]
        self.tell("initialized", {})

    # Frames

    def _send(self, message: dict[str, Any]) -> None:
        assert self.process.stdin is not None
        body = json.dumps({"jsonrpc": "2.0", **message}, ensure_ascii=False).encode()
        self.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        self.process.stdin.flush()

    def _receive(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        length = 0
        while line := self.process.stdout.readline().strip():
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        assert length, "the server left"
        message = json.loads(self.process.stdout.read(length))
        if message.get("method") == "textDocument/publishDiagnostics":
            self.findings.append(message["params"])
        return message

    def _until(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        while True:
            message = self._receive()
            if wanted(message):
                return message

    def ask(self, method: str, params: Any) -> Any:
        """The result of a request; a refusal is an error."""
        answer = self.reply(method, params)
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def reply(self, method: str, params: Any) -> dict[str, Any]:
        """The whole answer to a request."""
        self._next += 1
        number = self._next
        self._send({"id": number, "method": method, "params": params})
        self.transcript.append(f"-> {method}")
        answer = self._until(lambda message: message.get("id") == number)
        self.transcript.append("<- refused" if "error" in answer else "<- answered")
        return answer

    def tell(self, method: str, params: Any) -> None:
        """A notification."""
        self._send({"method": method, "params": params})
        self.transcript.append(f"-> {method}")

    # Texts

    def uri(self, name: str) -> str:
        return (self.folder / name).absolute().as_uri()

    def write(self, name: str, text: str) -> list[dict[str, Any]]:
        """Open a text, or type its next version; the findings of that version."""
        uri = self.uri(name)
        version = self.versions[name] = self.versions.get(name, 0) + 1
        self.texts[name] = text
        if version == 1:
            about = {"uri": uri, "languageId": "lab", "version": version, "text": text}
            self.tell("textDocument/didOpen", {"textDocument": about})
        else:
            about = {"uri": uri, "version": version}
            changes = [{"text": text}]
            self.tell("textDocument/didChange", {"textDocument": about, "contentChanges": changes})
        return self.found(name)

    def found(self, name: str) -> list[dict[str, Any]]:
        """Wait for the next findings in the newest version of a text."""
        version = self.versions[name]

        def is_it(message: dict[str, Any]) -> bool:
            params = message.get("params") or {}
            return (
                message.get("method") == "textDocument/publishDiagnostics"
                and params.get("uri") == self.uri(name)
                and params.get("version") == version
            )

        found = self._until(is_it)["params"]["diagnostics"]
        self.transcript.append(f"<- findings {[one['code'] for one in found]}")
        return found

    def ask_at(self, method: str, name: str, needle: str, **more: Any) -> Any:
        """A request about the place of a needle; `‸` in it is the cursor, else its start."""
        return self.ask(f"textDocument/{method}", self.place(name, needle, **more))

    def place(self, name: str, needle: str, **more: Any) -> dict[str, Any]:
        before, _, after = needle.partition("‸") if "‸" in needle else ("", "", needle)
        text = self.texts[name]
        assert before + after in text, needle
        return {
            "textDocument": {"uri": self.uri(name)},
            "position": self.position(text, text.index(before + after) + len(before)),
            **more,
        }

    def position(self, text: str, offset: int) -> dict[str, int]:
        """UTF-16, as most editors count."""
        line = text.count("\n", 0, offset)
        start = text.rfind("\n", 0, offset) + 1
        return {"line": line, "character": len(text[start:offset].encode("utf-16-le")) // 2}

    def offset(self, text: str, position: dict[str, int]) -> int:
        lines = text.split("\n")
        units = lines[position["line"]].encode("utf-16-le")[: 2 * position["character"]]
        start = sum(len(line) + 1 for line in lines[: position["line"]])
        return start + len(units.decode("utf-16-le"))

    def shown(self, name: str, place: dict[str, Any]) -> str:
        """The text of a range."""
        text = self.texts[name]
        return text[self.offset(text, place["start"]) : self.offset(text, place["end"])]

    def edited(self, name: str, edits: list[dict[str, Any]]) -> str:
        """A text with edits made, last first."""
        text = self.texts[name]

        for edit in sorted(edits, key=_start, reverse=True):
            start, end = (self.offset(text, edit["range"][side]) for side in ("start", "end"))
            text = text[:start] + edit["newText"] + text[end:]
        return text

    def leave(self) -> int:
        """Shut down; the exit code."""
        self.ask("shutdown", None)
        self.tell("exit", None)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()
        return self.process.wait(timeout=60)


def _start(edit: dict[str, Any]) -> tuple[int, int]:
    start = edit["range"]["start"]
    return start["line"], start["character"]
