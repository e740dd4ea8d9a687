"""Sends text messages through an HTTP gateway that accepts each reference once.

POST <url>                       {"to", "text", "reference"}  → 2xx accepted, also the second time
GET  <url>/receipts/<reference>  → 200 {"status": "accepted" | "delivered" | "failed"}, 404 unknown
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import orjson

from services.notifications.dispatch import Answer, Permanent, Sent, Temporary, Unknown


@dataclass(slots=True)
class SmsGateway:
    """One gateway. `token` is sent as bearer token."""

    url: str
    token: str
    connections: int = 8
    call_seconds: float = 30.0
    _client: httpx.AsyncClient | None = field(default=None)

    @property
    def name(self) -> str:
        """Host and port, for metrics and logs."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    async def send(self, recipient: str, text: str, reference: str) -> Answer:
        """One text message. The reference makes a second call for the same one harmless."""
        body = orjson.dumps({"to": recipient, "text": text, "reference": reference})
        try:
            response = await self._http().post(
                self.url,
                content=body,
                headers={"content-type": "application/json", "idempotency-key": reference},
            )
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            return Temporary("gateway-unreachable")
        except httpx.TransportError:
            return Unknown("gateway-no-answer")
        return _answer(response)

    async def receipt(self, reference: str) -> Answer:
        """What the gateway knows of a reference; Temporary("gateway-unknown") if nothing."""
        try:
            response = await self._http().get(f"{self.url}/receipts/{reference}")
        except httpx.TransportError:
            return Unknown("gateway-unreachable")
        if response.status_code == 404:
            return Temporary("gateway-unknown")
        if not response.is_success:
            return Unknown(f"gateway-{response.status_code}")
        try:
            status = orjson.loads(response.content)["status"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            return Unknown("gateway-unreadable")
        if status in ("accepted", "delivered"):
            return Sent()
        return Permanent("gateway-receipt-failed") if status == "failed" else Unknown("no-receipt")

    async def close(self) -> None:
        """Closes the connections."""
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    def _http(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(
                headers={"authorization": f"Bearer {self.token}"},
                timeout=self.call_seconds,
                limits=httpx.Limits(
                    max_connections=self.connections, max_keepalive_connections=self.connections
                ),
                trust_env=False,
            )
        return self._client


def _answer(response: httpx.Response) -> Answer:
    code = response.status_code
    if response.is_success:
        return Sent()
    if code in (400, 404, 409, 410, 422):
        return Permanent(f"gateway-{code}")
    if code == 429 or code >= 500 or code in (401, 403, 408):
        return Temporary(f"gateway-{code}", wait=_retry_after(response))
    return Unknown(f"gateway-{code}")


def _retry_after(response: httpx.Response) -> timedelta | None:
    text = response.headers.get("retry-after", "")
    return timedelta(seconds=min(int(text), 3600)) if text.isascii() and text.isdigit() else None
