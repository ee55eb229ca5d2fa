"""Open texts, and what is known of each: checked at every key, planned when the keys rest."""

import asyncio
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from pygls.uris import from_fs_path, to_fs_path

from lab.server.counts import Counts, counted
from lab.server.names import Index, index_of
from lab.server.notes import Analysis, analyze
from lab.server.places import Places
from lab.spec import syntax
from lab.spec.catalog import builtin_catalog
from lab.spec.check.gather import Load, beside
from lab.spec.files import read_source
from lab.spec.signature import Catalog
from lab.spec.source import Source

_USE = re.compile(r'^use\s+"([^"\n]+)"', re.MULTILINE)


class Known:
    """What is known of one version of a text, found out as it is asked for."""

    def __init__(self, source: Source, *, catalog: Catalog, load: Load, encoding: str) -> None:
        self.source = source
        self.places = Places(source.text, encoding)
        self.analysis: Analysis = analyze(source, catalog, load=load)

    @cached_property
    def index(self) -> Index:
        """Its names."""
        return index_of(self.analysis)

    @cached_property
    def counts(self) -> Counts:
        """Its runs."""
        return counted(self.analysis)

    def keep(self, counts: Counts) -> None:
        """Take up the number of runs, found out elsewhere."""
        self.__dict__["counts"] = counts


@dataclass
class Document:
    """An open text. `settled` is set while `known.counts` belong to the newest version."""

    uri: str
    text: str
    version: int | None
    known: Known | None = None
    settled: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: list[asyncio.Handle | asyncio.Task[None]] = field(
        default_factory=list[asyncio.Handle | asyncio.Task[None]]
    )

    @property
    def name(self) -> str:
        """What messages call it: its path."""
        return to_fs_path(self.uri) or self.uri


class Documents:
    """All open texts, and the components that studies choose from."""

    def __init__(self) -> None:
        self.by_uri: dict[str, Document] = {}
        self.encoding = "utf-16"
        self.catalog = builtin_catalog()

    def opened(self, uri: str, text: str, version: int | None) -> Document:
        """Take up a text, or its next version."""
        document = self.by_uri.get(uri)
        if document is None:
            document = self.by_uri[uri] = Document(uri, text, version)
        document.text, document.version = text, version
        document.known = None
        document.settled.clear()
        return document

    def closed(self, uri: str) -> None:
        """Forget a text."""
        document = self.by_uri.pop(uri, None)
        if document is None:
            return
        for handle in document.waiting:
            handle.cancel()
        document.settled.set()

    def refreshed(self) -> None:
        """Read the components anew: a file of theirs was saved."""
        self.catalog = builtin_catalog()

    def known(self, document: Document) -> Known:
        """What is known of the newest version."""
        if document.known is None:
            source = Source(document.name, document.text)
            document.known = Known(
                source, catalog=self.catalog, load=self.load(source), encoding=self.encoding
            )
        return document.known

    def load(self, source: Source) -> Load:
        """Files that a study uses: as they are in the editor, else as they are on disk."""
        on_disk = beside(source)
        folder = Path(source.name).parent

        def read(name: str) -> Source | None:
            path = str(folder / name)
            for document in self.by_uri.values():
                if document.name == path:
                    return Source(path, document.text)
            return on_disk(name)

        return read

    def users_on_disk(self, source: Source) -> list[Analysis]:
        """Studies that use a text, in its folder, those inside it and the one around it."""
        path = Path(source.name)
        files = {*path.parent.glob("*.lab"), *path.parent.glob("*/*.lab")}
        files |= set(path.parent.parent.glob("*.lab"))
        open_texts = {document.name: document.text for document in self.by_uri.values()}
        found: list[Analysis] = []
        for file in sorted(files - {path}):
            known = Source(str(file), open_texts[str(file)]) if str(file) in open_texts else None
            read = known or read_source(file)
            if isinstance(read, Source) and _uses(read, path):
                found.append(analyze(read, self.catalog, load=self.load(read)))
        return found

    def users_of(self, document: Document) -> list[Document]:
        """Other open texts that use this one."""
        found: list[Document] = []
        for other in self.by_uri.values():
            if other is document or other.known is None:
                continue
            folder = Path(other.name).parent
            nodes = other.known.analysis.declarations
            used = [one.file.value for one in nodes if isinstance(one, syntax.Use)]
            if any(str(folder / name) == document.name for name in used):
                found.append(other)
        return found


def _uses(user: Source, path: Path) -> bool:
    """Whether a text says that it uses a file."""
    folder = Path(user.name).parent
    return any((folder / name).resolve() == path.resolve() for name in _USE.findall(user.text))


def uri_of(source: Source) -> str:
    """The address of a file."""
    return from_fs_path(str(Path(source.name).absolute())) or source.name
