"""The protocol: requests to answers, over standard input and output.

A key press is answered by a check of the whole text, at once; messages that wait already count as
one key press. When the keys rest, the study is planned: findings get their reach, and the editor
the numbers of runs.
"""

import asyncio
import gc
from collections.abc import Callable
from typing import Protocol, TypeVar

from lsprotocol import types
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from lab import __version__
from lab.server.apart import apart
from lab.server.completion import Candidate, complete
from lab.server.documents import Document, Documents, Known, uri_of
from lab.server.goto import definition
from lab.server.hover import hover
from lab.server.places import Places
from lab.server.rename import RefusedError, User, renamable, rename
from lab.server.shapes import actions, findings, outline, replaced, text_edits
from lab.spec.format import FormatError, format

#: Seconds without a key press after which a study is planned.
REST = 0.8
#: Objects after which memory is looked through, so that it seldom falls on a key press.
COLLECTED = (20_000, 20, 50)
_KINDS = {
    "keyword": types.CompletionItemKind.Keyword,
    "argument": types.CompletionItemKind.Property,
    "component": types.CompletionItemKind.Class,
    "unit": types.CompletionItemKind.Unit,
    "word": types.CompletionItemKind.EnumMember,
    "let": types.CompletionItemKind.Constant,
}
Answer = TypeVar("Answer")


class Positioned(Protocol):
    """A request about a position of an open text."""

    @property
    def text_document(self) -> types.TextDocumentIdentifier:
        """Which text."""
        ...

    @property
    def position(self) -> types.Position:
        """Where in it."""
        ...


class StudyServer(LanguageServer):
    """A language server for `.lab` files."""

    def __init__(self) -> None:
        # Whole texts are small, and pygls ends lines at characters that do not end any.
        full = types.TextDocumentSyncKind.Full
        super().__init__(  # pyright: ignore[reportUnknownMemberType] - its *args have no type
            "lab", __version__, text_document_sync_kind=full
        )
        self.documents = Documents()

    def changed(self, uri: str, text: str, version: int | None) -> None:
        """Check the next version of a text as soon as no message waits."""
        document = self.documents.opened(uri, text, version)
        self._soon(document)
        for other in self.documents.users_of(document):
            self.documents.opened(other.uri, other.text, other.version)
            self._soon(other)

    def _soon(self, document: Document) -> None:
        for handle in document.waiting:
            handle.cancel()
        loop = asyncio.get_running_loop()
        document.waiting = [
            loop.call_soon(self.check, document),
            loop.call_later(REST, self.settle, document),
        ]

    def check(self, document: Document) -> None:
        """Publish what the checker finds."""
        known = self.documents.known(document)
        self._publish(document, findings(known, known.analysis.checked.diagnostics))

    def settle(self, document: Document) -> None:
        """Plan the study in another process, which the next key press ends."""
        document.waiting.append(asyncio.create_task(self._settled(document)))

    async def _settled(self, document: Document) -> None:
        """Publish what only a plan tells."""
        known = self.documents.known(document)
        try:
            counts = await apart(lambda: known.counts)
            known.keep(counts)
            if tuple(known.analysis.checked.diagnostics) != counts.findings:
                self._publish(document, findings(known, counts.findings))
        finally:
            if document.known is known:
                document.settled.set()

    def _publish(self, document: Document, found: list[types.Diagnostic]) -> None:
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(document.uri, found, document.version)
        )

    def at(self, place: Positioned, answer: Callable[[Known, int], Answer]) -> Answer | None:
        """An answer about a position of an open text."""
        known = self.known(place.text_document.uri)
        return None if known is None else answer(known, known.places.offset(place.position))

    def known(self, uri: str) -> Known | None:
        """What is known of an open text."""
        document = self.documents.by_uri.get(uri)
        return None if document is None else self.documents.known(document)


def make_server() -> StudyServer:
    """The server, with an answer for every request that it declares."""
    server = StudyServer()
    for register in (_lifecycle, _reading, _names, _editing):
        register(server)
    return server


def _lifecycle(server: StudyServer) -> None:
    @server.feature(types.INITIALIZED)
    def initialized(_: types.InitializedParams) -> None:
        chosen = server.server_capabilities.position_encoding
        server.documents.encoding = str(getattr(chosen, "value", chosen) or "utf-16")
        # What is here stays, and looking through it again would take longer than a check.
        gc.collect()
        gc.freeze()
        gc.set_threshold(*COLLECTED)

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def did_open(params: types.DidOpenTextDocumentParams) -> None:
        one = params.text_document
        server.changed(one.uri, one.text, one.version)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def did_change(params: types.DidChangeTextDocumentParams) -> None:
        one = params.text_document
        server.changed(one.uri, params.content_changes[-1].text, one.version)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def did_save(_: types.DidSaveTextDocumentParams) -> None:
        server.documents.refreshed()
        for document in list(server.documents.by_uri.values()):
            server.changed(document.uri, document.text, document.version)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def did_close(params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        server.documents.closed(uri)
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))


def _reading(server: StudyServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    def on_hover(params: types.HoverParams) -> types.Hover | None:
        def answer(known: Known, offset: int) -> types.Hover | None:
            found = hover(known.analysis, known.index, offset)
            if found is None:
                return None
            content = types.MarkupContent(types.MarkupKind.Markdown, found[0])
            return types.Hover(content, known.places.range(found[1]))

        return server.at(params, answer)

    @server.feature(
        types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=["(", ".", ":"])
    )
    def on_completion(params: types.CompletionParams) -> types.CompletionList | None:
        def answer(known: Known, offset: int) -> types.CompletionList:
            load = server.documents.load(known.source)
            found = complete(known.source, offset, server.documents.catalog, load=load)
            items = [_item(one, order) for order, one in enumerate(found)]
            return types.CompletionList(is_incomplete=False, items=items)

        return server.at(params, answer)

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    def on_symbols(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        known = server.known(params.text_document.uri)
        return [] if known is None else outline(known)

    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    async def on_hints(params: types.InlayHintParams) -> list[types.InlayHint]:
        document = server.documents.by_uri.get(params.text_document.uri)
        if document is None:
            return []
        await document.settled.wait()
        known = server.documents.known(document)
        asked = known.places.span(params.range)
        return [
            types.InlayHint(known.places.position(offset), text, padding_left=True)
            for offset, text in known.counts.hints
            if asked.start <= offset <= asked.end
        ]


def _item(one: Candidate, order: int) -> types.CompletionItem:
    about = types.MarkupContent(types.MarkupKind.Markdown, one.about) if one.about else None
    return types.CompletionItem(
        label=one.label,
        kind=_KINDS.get(one.kind, types.CompletionItemKind.Variable),
        detail=one.detail or None,
        documentation=about,
        sort_text=f"{order:04}",
        insert_text=one.insert,
    )


def _names(server: StudyServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    def on_definition(params: types.DefinitionParams) -> types.Location | None:
        def answer(known: Known, offset: int) -> types.Location | None:
            site = definition(known.analysis, known.index, offset)
            if site is None:
                return None
            places = Places(site.source.text, server.documents.encoding)
            return types.Location(uri_of(site.source), places.range(site.span))

        return server.at(params, answer)

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    def on_references(params: types.ReferenceParams) -> list[types.Location]:
        def answer(known: Known, offset: int) -> list[types.Location]:
            here = known.index.at(offset)
            found = [] if here is None else known.index.of(here.target)
            declared = params.context.include_declaration
            return [
                types.Location(params.text_document.uri, known.places.range(one.span))
                for one in found
                if declared or not one.defines
            ]

        return server.at(params, answer) or []

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_HIGHLIGHT)
    def on_highlight(params: types.DocumentHighlightParams) -> list[types.DocumentHighlight]:
        def answer(known: Known, offset: int) -> list[types.DocumentHighlight]:
            here = known.index.at(offset)
            found = [] if here is None else known.index.of(here.target)
            return [types.DocumentHighlight(known.places.range(one.span)) for one in found]

        return server.at(params, answer) or []


def _editing(server: StudyServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    def on_prepare(params: types.PrepareRenameParams) -> types.Range | None:
        def answer(known: Known, offset: int) -> types.Range | None:
            found = renamable(known.analysis, known.index, offset)
            return None if found is None else known.places.range(found.span)

        return server.at(params, answer)

    @server.feature(types.TEXT_DOCUMENT_RENAME)
    def on_rename(params: types.RenameParams) -> types.WorkspaceEdit | None:
        def answer(known: Known, offset: int) -> types.WorkspaceEdit:
            documents = server.documents
            users = [User(one, one.load) for one in documents.users_on_disk(known.source)]
            to = params.new_name
            made = rename(known.analysis, known.index, offset, to=to, users=users)
            texts = {one.analysis.source.name: one.analysis.source for one in users}
            texts[known.source.name] = known.source
            changes = {
                uri_of(texts[name]): text_edits(Places(texts[name].text, documents.encoding), edits)
                for name, edits in made.items()
            }
            own = changes.pop(uri_of(known.source))
            return types.WorkspaceEdit(changes={params.text_document.uri: own, **changes})

        try:
            return server.at(params, answer)
        except RefusedError as refusal:
            code = types.LSPErrorCodes.RequestFailed.value
            raise JsonRpcException(str(refusal), code) from None

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    def on_formatting(params: types.DocumentFormattingParams) -> list[types.TextEdit]:
        known = server.known(params.text_document.uri)
        if known is None:
            return []
        try:
            return replaced(known.places, format(known.source))
        except FormatError:
            return []  # what is wrong with it is shown already

    kinds = [types.CodeActionKind.QuickFix, types.CodeActionKind.SourceFixAll]

    @server.feature(types.TEXT_DOCUMENT_CODE_ACTION, types.CodeActionOptions(kinds))
    def on_actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        known = server.known(params.text_document.uri)
        return [] if known is None else list(actions(known, params))
