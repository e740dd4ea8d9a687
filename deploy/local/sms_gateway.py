"""A stand-in SMS gateway over HTTP that sends nothing: for the demo and for tests.

    python -m deploy.local.sms_gateway --port 8085 --token TOKEN --state DIR

    POST /sms                       {"to", "text", "reference"}, bearer token → 202
    GET  /sms/receipts/<reference>  bearer token → 200 {"status": …} or 404
    GET  /messages                  what was accepted, as JSON; / shows it to people

A reference is accepted once: the same message again gets the same answer and nothing more is
sent; another message under it gets 409. What was accepted is on disk before the answer, and there
again after a restart. Some numbers, which Ofcom keeps free of subscribers, make it misbehave as
GOV.UK Notify's test keys do:

    +447700900002  422, never accepted             +447700900003  503, never accepted
    +447700900004  accepted, and no answer to the client
    +447700900005  accepted; the receipt says later that it failed
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hmac
import html
import json
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import uvicorn
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

NEVER: Final = "+447700900002"
NOT_NOW: Final = "+447700900003"
NO_ANSWER: Final = "+447700900004"
FAILS_LATER: Final = "+447700900005"
MAX_BODY: Final = 10_000
_SHOWN: Final = 200


class Accepted:
    """What was accepted, in memory and as lines of JSON in a file."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._by_reference: dict[str, dict[str, Any]] = {}
        path = folder / "accepted.jsonl"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = os.fdopen(descriptor, "r+", encoding="utf-8")
        whole = 0
        for line in self._file:
            try:
                message = json.loads(line)
            except ValueError:
                break  # the last line of a process that was killed while writing it
            whole += len(line.encode())
            self._by_reference[message["reference"]] = message
        self._file.truncate(whole)

    def get(self, reference: str) -> dict[str, Any] | None:
        """The message of a reference."""
        return self._by_reference.get(reference)

    def add(self, message: dict[str, Any]) -> None:
        """Keeps a message; it is on disk when this returns."""
        self._file.write(json.dumps(message, ensure_ascii=False) + "\n")
        self._file.flush()
        os.fsync(self._file.fileno())
        self._by_reference[message["reference"]] = message

    def newest(self) -> list[dict[str, Any]]:
        """All messages, the newest first."""
        return list(self._by_reference.values())[::-1]

    def close(self) -> None:
        """Closes the file."""
        self._file.close()


_PAGE: Final = """<!doctype html><html lang="da"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width"><title>SMS</title><style>
body{{font:16px/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}}
article{{border:1px solid #767676;border-radius:.5rem;padding:1rem;margin:1rem 0}}
</style></head><body><main><h1>{count} text messages</h1><p>The newest {shown} first.
<a href="/messages">As JSON</a></p>{messages}</main></body></html>"""
_MESSAGE: Final = """<article><p>{text}</p><p>To {to} · {at} · {letters} letters</p></article>"""


def web(accepted: Accepted, token: str) -> Starlette:
    """The gateway."""

    def refused(request: Request) -> Response | None:
        given = request.headers.get("authorization", "")
        if hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return None
        return JSONResponse({"error": "wrong token"}, 401)

    async def send(request: Request) -> Response:
        if (refusal := refused(request)) is not None:
            return refusal
        message = await _read(request)
        if message is None:
            return JSONResponse({"error": "to, text and reference are needed"}, 400)
        if message["to"] in (NEVER, NOT_NOW):
            return JSONResponse({"error": "no"}, 422 if message["to"] == NEVER else 503)
        known = accepted.get(message["reference"])
        if known is None:
            accepted.add({**message, "at": datetime.now(UTC).isoformat(timespec="milliseconds")})
        elif any(known[name] != message[name] for name in ("to", "text")):
            return JSONResponse({"error": "the reference is another message's"}, 409)
        if message["to"] == NO_ANSWER:
            await _until_gone(request)
        return JSONResponse({"reference": message["reference"], "status": "accepted"}, 202)

    async def receipt(request: Request) -> Response:
        if (refusal := refused(request)) is not None:
            return refusal
        message = accepted.get(request.path_params["reference"])
        if message is None:
            return JSONResponse({"error": "unknown reference"}, 404)
        status = "failed" if message["to"] == FAILS_LATER else "delivered"
        return JSONResponse({"reference": message["reference"], "status": status})

    async def messages(_request: Request) -> Response:
        newest = accepted.newest()
        return JSONResponse({"count": len(newest), "messages": newest})

    async def page(_request: Request) -> Response:
        newest = accepted.newest()
        shown = "".join(
            _MESSAGE.format(
                text=html.escape(message["text"]),
                to=html.escape(message["to"]),
                at=message["at"],
                letters=len(message["text"]),
            )
            for message in newest[:_SHOWN]
        )
        return HTMLResponse(
            _PAGE.format(count=len(newest), shown=min(len(newest), _SHOWN), messages=shown)
        )

    return Starlette(
        routes=[
            Route("/", page),
            Route("/messages", messages),
            Route("/sms", send, methods=["POST"]),
            Route("/sms/receipts/{reference}", receipt),
        ]
    )


async def _until_gone(request: Request) -> None:
    """Until the client has given up."""
    while (await request.receive())["type"] != "http.disconnect":
        pass


async def _read(request: Request) -> dict[str, str] | None:
    try:
        body = await request.body()
        content = json.loads(body[: MAX_BODY + 1])
        message = {name: content[name] for name in ("to", "text", "reference")}
    except (ClientDisconnect, ValueError, KeyError, TypeError):
        return None
    return message if all(isinstance(v, str) and v for v in message.values()) else None


class _Server(uvicorn.Server):
    """A server whose process handles signals itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Any:
        yield


async def serve(
    port: int, token: str, state: Path, stop: asyncio.Event, host: str = "127.0.0.1"
) -> None:
    """The gateway on `host`, until `stop`. Exits with 1 where the port is taken."""
    accepted = Accepted(state)
    server = _Server(
        uvicorn.Config(
            web(accepted, token),
            host,
            port,
            log_level="warning",
            lifespan="off",
            timeout_graceful_shutdown=1,  # clients that wait for NO_ANSWER wait for ever
        )
    )
    serving = asyncio.create_task(server.serve())
    stopped = asyncio.create_task(stop.wait())
    await asyncio.wait([serving, stopped], return_when=asyncio.FIRST_COMPLETED)
    stopped.cancel()
    server.should_exit = True
    await serving
    accepted.close()


def main() -> None:
    """Runs until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="sms_gateway", description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--port", type=int, required=True, help="HTTP port")
    parser.add_argument("--token", required=True, help="bearer token that clients must send")
    parser.add_argument("--state", type=Path, required=True, help="folder that keeps messages")
    parser.add_argument("--host", default="127.0.0.1", help="address of the port")
    given = parser.parse_args()

    async def run() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        await serve(given.port, given.token, given.state, stop, given.host)

    asyncio.run(run())


if __name__ == "__main__":
    main()
