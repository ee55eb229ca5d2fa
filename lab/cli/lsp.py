"""`lab lsp`: the language server, over standard input and output."""

import logging

from lab.cli import exits
from lab.cli.options import Options


def _is_defect(record: logging.LogRecord) -> bool:
    """Whether a record is more than a refusal, which the editor has been told of."""
    from pygls.exceptions import JsonRpcException

    return record.exc_info is None or not isinstance(record.exc_info[1], JsonRpcException)


def lsp(options: Options) -> int:
    """Serve an editor until it leaves."""
    del options
    from lab.server.service import make_server

    logging.basicConfig(level=logging.WARNING)  # to standard error: the output is the protocol's
    logging.getLogger("pygls.protocol.json_rpc").addFilter(_is_defect)
    make_server().start_io()
    return exits.DONE
