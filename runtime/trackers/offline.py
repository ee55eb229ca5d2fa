"""Aim's user interface, kept to this machine.

Its pages load an icon font and a script from other hosts and carry an analytics script; it works
without any of them. A content security policy has browsers fetch nothing but what this server has.

    python -m lab.runtime.trackers.offline --host 127.0.0.1 --port 43800 --repo results

is `aim up` with that policy.
"""

import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from lab.runtime.trackers.aim import patiently

__all__ = ["POLICY", "main"]

POLICY = (
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; connect-src 'self' data: blob:; worker-src 'self' blob:"
)

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]


def make_app() -> Any:
    """Aim's web application with the policy on every answer."""
    from aim.web.run import app as aim_app

    async def app(scope: Message, receive: Any, send: Send) -> None:
        async def send_with_policy(message: Message) -> None:
            if message["type"] == "http.response.start":
                policy = (b"content-security-policy", POLICY.encode())
                message["headers"] = [*message.get("headers", ()), policy]
            await send(message)

        await aim_app(scope, receive, send_with_policy)

    return app


def main(arguments: list[str]) -> int:
    """Run `aim up`; its server serves our application instead of the bare one.

    Its indexing thread would also die of finding the index in use, so it is made to wait.
    """
    from aim.cli.up import commands
    from aim.sdk.index_manager import RepoIndexManager

    index = RepoIndexManager.index
    RepoIndexManager.index = lambda manager, run: patiently(lambda: index(manager, run))
    build = commands.build_uvicorn_command

    def build_ours(_: str, **options: Any) -> list[str]:
        return [*build(f"{__spec__.name}:make_app", **options), "--factory"]

    commands.build_uvicorn_command = build_ours
    commands.up.main(args=arguments, prog_name="lab ui")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
