"""FHIR's $process-message over HTTP, for senders that speak no Kafka.

| request | answer |
|---|---|
| POST /$process-message | 200 and the receipt in the document's format, or 202 and `Location` |
| GET /receipts/{reference} | the same, for as long as receipts are kept |

A receipt is waited for a few seconds. A document may be XML as well as JSON. 200 means that it was
answered, not that it was accepted: the receipt says that. A transient error is followed by another
receipt at `Content-Location`. What comes in a VANSEnvelope is answered in one, with 400 where it
can't be opened; `GET` gives the receipt alone. Everything else is an OperationOutcome: 400 empty,
401 no sender's token, 404 no such document, 413 too large, 429 too many at a time, 503 not now.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

import orjson
from starlette.responses import Response
from starlette.routing import Route

from services.gateway import vans
from services.gateway.door import Closed, Door
from services.gateway.metrics import Metrics
from services.gateway.senders import Sender, Senders
from services.gateway.store import Submission

if TYPE_CHECKING:
    from starlette.requests import Request

_KNOWN_TYPES: Final = frozenset(
    {"application/fhir+json", "application/json", "application/xml", "text/xml"}
)
_AGAIN: Final = "5"


class TooLarge(Exception):
    """The body is longer than a document may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Web:
    """The routes. `seconds`: how long a request waits for its receipt."""

    door: Door
    senders: Senders
    metrics: Metrics
    max_bytes: int
    seconds: float
    most_waiting: int
    _waiting: Counter[str] = field(default_factory=Counter)

    def routes(self) -> list[Route]:
        """What the runtime serves beside health and metrics."""
        return [
            Route("/$process-message", self._guarded(self._process), methods=["POST"]),
            Route("/receipts/{reference}", self._guarded(self._fetch)),
        ]

    def _guarded(
        self, work: Callable[[Sender, Request], Awaitable[Response]]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def endpoint(request: Request) -> Response:
            self.senders.refresh()
            sender = self.senders.bearing(request.headers.get("authorization", ""))
            if sender is None:
                self.metrics.request("unauthorised")
                return outcome(
                    401,
                    "login",
                    "Afsenderens adgangsnøgle mangler eller er ukendt (Authorization: Bearer …).",
                    {"www-authenticate": 'Bearer realm="genvej"'},
                )
            try:
                return await work(sender, request)
            except Closed:
                self.metrics.request("unavailable")
                return outcome(
                    503,
                    "transient",
                    "Dokumentet kan ikke modtages lige nu. Send det igen: det gør ingen skade.",
                    {"retry-after": _AGAIN},
                )

        return endpoint

    async def _process(self, sender: Sender, request: Request) -> Response:
        if self._waiting[sender.principal] >= self.most_waiting:
            self.metrics.request("too-many")
            return outcome(
                429,
                "throttled",
                f"Højst {self.most_waiting} dokumenter ad gangen.",
                {"retry-after": "1"},
            )
        self._waiting[sender.principal] += 1
        try:
            return await self._sent(sender, request)
        finally:
            self._waiting[sender.principal] -= 1

    async def _sent(self, sender: Sender, request: Request) -> Response:
        try:
            value = await self._body(request)
        except TooLarge:
            self.metrics.request("too-large")
            return outcome(
                413,
                "too-long",
                f"Dokumentet er større end {self.max_bytes} byte.",
                {"connection": "close"},
            )
        if not value:
            self.metrics.request("empty")
            return outcome(400, "required", "Dokumentet er tomt.")
        envelope = vans.opened(value, self.door.runtime.clock.now())
        if isinstance(envelope, vans.Fault):
            self.metrics.request("envelope")
            return Response(envelope.receipt, 400, {"content-type": vans.CONTENT_TYPE})
        document = value if envelope is None else envelope.document
        kind = content_type(request) if envelope is None else ""
        reference = str(uuid.uuid4())
        await self.door.send(sender, reference, document, kind, "http")
        found = await self.door.receipt(sender, reference, self.seconds)
        self.metrics.request("receipt" if found and found.receipt is not None else "accepted")
        if envelope is not None and found is not None and found.receipt is not None:
            body = vans.wrapped(envelope, found.receipt, self.door.runtime.clock.now())
            found = replace(found, receipt=body, receipt_type=vans.CONTENT_TYPE)
        return _answer(reference, found)

    async def _fetch(self, sender: Sender, request: Request) -> Response:
        reference: str = request.path_params["reference"]
        found = await self.door.receipt(sender, reference, 0)
        if found is None:
            return outcome(404, "not-found", "Intet dokument er sendt under denne reference.")
        return _answer(reference, found)

    async def _body(self, request: Request) -> bytes:
        """The body. Raises TooLarge before more than the limit is held."""
        declared = request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > self.max_bytes:
            raise TooLarge
        parts: list[bytes] = []
        size = 0
        async for part in request.stream():
            size += len(part)
            if size > self.max_bytes:
                raise TooLarge
            parts.append(part)
        return b"".join(parts)


def content_type(request: Request) -> str:
    """The document's media type as far as it tells something; the service decides by the bytes."""
    written = request.headers.get("content-type", "").partition(";")[0].strip().casefold()
    return written if written in _KNOWN_TYPES else ""


def _answer(reference: str, found: Submission | None) -> Response:
    where = f"/receipts/{reference}"
    if found is not None and found.receipt is not None:
        kind = found.receipt_type or "application/octet-stream"
        return Response(found.receipt, 200, {"content-type": kind, "content-location": where})
    return outcome(
        202,
        "informational",
        f"Dokumentet er modtaget. Kvitteringen hentes på {where}.",
        {"location": where, "retry-after": _AGAIN},
        severity="information",
    )


def outcome(
    status: int,
    code: str,
    text: str,
    headers: dict[str, str] | None = None,
    *,
    severity: str = "error",
) -> Response:
    """An OperationOutcome of one issue."""
    issue = {"severity": severity, "code": code, "details": {"text": text}}
    body = orjson.dumps({"resourceType": "OperationOutcome", "issue": [issue]})
    return Response(body, status, {"content-type": "application/fhir+json", **(headers or {})})
