"""A real SMTP server on loopback that keeps what it gets and shows it: for the demo and for tests.

    python -m deploy.local.mail_catcher --port 2525 --http-port 8025 --state DIR

Mails lie in DIR as <number>.eml, so that no file's name says whom it is for. `/` shows them to
people, `/messages` as JSON, `/messages/<number>` as they came. Some recipients (any domain) make
it misbehave, as GOV.UK Notify's test addresses do:

    perm-fail@…   550, never accepted              temp-fail@…   451, never accepted
    cut-off@…     accepted, and the line is cut before the client hears so
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import email
import email.policy
import html
import os
import signal
from datetime import UTC, datetime
from email.message import EmailMessage
from pathlib import Path
from typing import Any, Final

import uvicorn
from aiosmtpd.smtp import SMTP, Envelope, Session
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

MAX_MAIL: Final = 1_000_000
_SHOWN: Final = 200


class Mailbox:
    """Mails in a folder; what is there at the start stays there."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._folder = folder
        numbers = [int(path.stem) for path in folder.glob("*.eml") if path.stem.isdigit()]
        self._last = max(numbers, default=0)

    def add(self, content: bytes) -> int:
        """Keeps a mail; it is whole or absent, whenever the process dies."""
        self._last += 1
        path = self._path(self._last)
        draft = path.with_suffix(".draft")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        draft.replace(path)
        return self._last

    def raw(self, number: int) -> bytes | None:
        """A mail as it came."""
        try:
            return self._path(number).read_bytes()
        except FileNotFoundError:
            return None

    def newest(self, most: int) -> list[dict[str, Any]]:
        """The newest mails, the newest first."""
        numbers = range(self._last, max(0, self._last - most), -1)
        return [shown for number in numbers if (shown := self._show(number)) is not None]

    @property
    def count(self) -> int:
        """How many mails have come."""
        return self._last

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06}.eml"

    def _show(self, number: int) -> dict[str, Any] | None:
        content = self.raw(number)
        if content is None:
            return None
        mail = email.message_from_bytes(content, policy=email.policy.default)
        assert isinstance(mail, EmailMessage)
        body = mail.get_body(("plain",))
        return {
            "number": number,
            "received": mail.get("X-Received-At", ""),
            "to": mail.get("To", ""),
            "from": mail.get("From", ""),
            "subject": mail.get("Subject", ""),
            "date": mail.get("Date", ""),
            "message_id": mail.get("Message-ID", "").strip("<>"),
            "text": body.get_content() if body is not None else "",
        }


class Catcher:
    """aiosmtpd's hooks."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        """Accepts everybody but the addresses that stand for a failure."""
        match address.partition("@")[0].partition("+")[0]:
            case "perm-fail":
                return "550 5.1.1 No such mailbox"
            case "temp-fail":
                return "451 4.3.0 Try again later"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Keeps the mail."""
        content = envelope.content or b""
        received = datetime.now(UTC).isoformat(timespec="milliseconds")
        raw = content if isinstance(content, bytes) else content.encode()
        self._mailbox.add(f"X-Received-At: {received}\r\n".encode() + raw)
        if any(address.startswith("cut-off") for address in envelope.rcpt_tos):
            assert isinstance(server.transport, asyncio.Transport)
            server.transport.abort()
        return "250 OK"


_PAGE: Final = """<!doctype html><html lang="da"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>Mails</title><style>
body{{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}}
article{{border:1px solid #767676;border-radius:.5rem;padding:1rem;margin:1rem 0}}
pre{{white-space:pre-wrap;font:inherit}} h2{{font-size:1.1rem;margin:0}}
</style></head><body><main><h1>{count} mails</h1><p>The newest {shown} first.
<a href="/messages">As JSON</a></p>{mails}</main></body></html>"""
_MAIL: Final = """<article><h2>{subject}</h2><p>To {to} · {date}
· <a href="/messages/{number}">source</a></p><pre>{text}</pre></article>"""


def web(mailbox: Mailbox) -> Starlette:
    """The pages."""

    async def page(_request: Request) -> Response:
        mails = mailbox.newest(_SHOWN)
        shown = "".join(
            _MAIL.format(**{name: html.escape(str(value)) for name, value in mail.items()})
            for mail in mails
        )
        return HTMLResponse(_PAGE.format(count=mailbox.count, shown=len(mails), mails=shown))

    async def messages(request: Request) -> Response:
        limit = request.query_params.get("limit", "1000000")
        most = int(limit) if limit.isdigit() else _SHOWN
        return JSONResponse({"count": mailbox.count, "messages": mailbox.newest(most)})

    async def source(request: Request) -> Response:
        content = mailbox.raw(request.path_params["number"])
        if content is None:
            return Response("No such mail\n", 404)
        return Response(content, media_type="text/plain; charset=utf-8")

    return Starlette(
        routes=[
            Route("/", page),
            Route("/messages", messages),
            Route("/messages/{number:int}", source),
        ]
    )


async def serve(
    port: int, http_port: int, state: Path, stop: asyncio.Event, host: str = "127.0.0.1"
) -> None:
    """Both servers on `host`, until `stop`. Raises OSError where a port is taken."""
    mailbox = Mailbox(state)
    catcher = Catcher(mailbox)
    loop = asyncio.get_running_loop()
    smtp = await loop.create_server(
        lambda: SMTP(catcher, hostname="localhost", data_size_limit=MAX_MAIL, ident="Genvej"),
        host,
        port,
    )
    server = _Server(
        uvicorn.Config(web(mailbox), host, http_port, log_level="warning", lifespan="off")
    )
    pages = asyncio.create_task(server.serve())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([pages, stopped], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    server.should_exit = True
    smtp.close()
    await pages


class _Server(uvicorn.Server):
    """A server whose process handles signals itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(
        prog="mail_catcher", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--port", type=int, required=True, help="SMTP port")
    parser.add_argument("--http-port", type=int, required=True, help="port of the pages")
    parser.add_argument("--state", type=Path, required=True, help="folder that keeps the mails")
    parser.add_argument("--host", default="127.0.0.1", help="address of both ports")
    given = parser.parse_args()

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serve(given.port, given.http_port, given.state, stop, given.host)

    asyncio.run(run())


if __name__ == "__main__":
    main()
