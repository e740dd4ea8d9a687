"""Sends mails over SMTP, on connections that are kept open."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from aiosmtplib import (
    SMTP,
    SMTPAuthenticationError,
    SMTPException,
    SMTPResponseException,
    SMTPServerDisconnected,
)

from services.notifications.dispatch import Answer, Permanent, Sent, Temporary, Unknown

_NO_ANSWER: Final = (SMTPServerDisconnected, TimeoutError, OSError)


@dataclass(slots=True)
class SmtpProvider:
    """One SMTP server: smtp[s]://[user:password@]host:port, smtp+starttls:// for STARTTLS."""

    url: str
    sender: str
    call_seconds: float = 30.0
    _idle: list[SMTP] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Host and port, for metrics and logs."""
        url = urlsplit(self.url)
        return f"{url.hostname}:{url.port or self._default_port()}"

    async def send(self, recipient: str, content: bytes) -> Answer:
        """One mail. What happened before the content was handed over is certainly not accepted."""
        while True:
            reused = bool(self._idle)
            try:
                client = self._idle.pop() if reused else await self._connect()
            except SMTPAuthenticationError as error:
                return Temporary(f"smtp-login-{error.code}")
            except (SMTPException, TimeoutError, OSError):
                return Temporary("smtp-unreachable")
            try:
                answer = await self._hand_over(client, recipient, content)
            except _NO_ANSWER:
                client.close()
                if reused:
                    continue  # the server closes idle connections; a fresh one tells the truth
                return Temporary("smtp-unreachable")
            except BaseException:
                client.close()
                raise
            if isinstance(answer, Unknown):
                client.close()
            elif isinstance(answer, Sent) or await _is_ready(client):
                self._idle.append(client)
            return answer

    async def _hand_over(self, client: SMTP, recipient: str, content: bytes) -> Answer:
        """The dialogue. Raises what _NO_ANSWER lists only before the content."""
        try:
            await client.mail(self.sender)
        except SMTPResponseException as error:
            # About us and not about the recipient: somebody can put it right.
            return Temporary(f"smtp-sender-{error.code}")
        try:
            await client.rcpt(recipient)
        except SMTPResponseException as error:
            return _refusal(error)
        try:
            await client.data(content)
        except SMTPServerDisconnected:
            return Unknown("smtp-disconnected")
        except SMTPResponseException as error:
            return _refusal(error)
        except (TimeoutError, OSError):
            return Unknown("smtp-no-answer")
        return Sent()

    async def close(self) -> None:
        """Says goodbye on all connections."""
        while self._idle:
            with contextlib.suppress(SMTPException, TimeoutError, OSError):
                await self._idle.pop().quit()

    def _default_port(self) -> int:
        return 465 if urlsplit(self.url).scheme == "smtps" else 25

    async def _connect(self) -> SMTP:
        url = urlsplit(self.url)
        client = SMTP(
            hostname=url.hostname,
            port=url.port or self._default_port(),
            username=unquote(url.username) if url.username else None,
            password=unquote(url.password or "") if url.username else None,
            use_tls=url.scheme == "smtps",
            start_tls=url.scheme == "smtp+starttls",
            timeout=self.call_seconds,
        )
        await client.connect()
        return client


def _refusal(error: SMTPResponseException) -> Answer:
    if 400 <= error.code < 500:
        return Temporary(f"smtp-{error.code}")
    if 500 <= error.code < 600:
        return Permanent(f"smtp-{error.code}")
    return Unknown(f"smtp-{error.code}")  # no SMTP: the line was cut, or the server is broken


async def _is_ready(client: SMTP) -> bool:
    """Whether a connection can be used again after a refusal."""
    try:
        await client.rset()
    except (SMTPException, TimeoutError, OSError):
        client.close()
        return False
    return True
