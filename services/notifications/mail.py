"""A mail as bytes, made once: `email.message` would cost as much as the whole SMTP dialogue."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from email.utils import format_datetime

from services.notifications.rendering import Rendered


def build_mail(
    rendered: Rendered, *, sender: str, recipient: str, reference: str, at: datetime
) -> bytes:
    """An RFC 5322 message with CRLF line ends. `reference` is the notification's id.

    `sender` and `recipient` are plain ASCII addresses that were checked when they were read.
    """
    domain = sender.rpartition("@")[2]
    head = (
        f"From: {sender}\r\n"
        f"To: {recipient}\r\n"
        f"Subject: {_encoded(rendered.subject)}\r\n"
        f"Date: {format_datetime(at)}\r\n"
        f"Message-ID: <{reference}@{domain}>\r\n"
        "Auto-Submitted: auto-generated\r\n"
        f"Content-Language: {rendered.language}\r\n"
        "MIME-Version: 1.0\r\n"
        'Content-Type: text/plain; charset="utf-8"\r\n'
        "Content-Transfer-Encoding: quoted-printable\r\n"
        "\r\n"
    )
    text = rendered.text.replace("\n", "\r\n").encode()
    return head.encode("ascii") + binascii.b2a_qp(text, istext=True)


def _encoded(subject: str) -> str:
    """RFC 2047 words of at most 75 letters, folded; plain where the subject is ASCII."""
    if subject.isascii():
        return subject
    words: list[str] = []
    chunk = b""
    for letter in subject:
        data = letter.encode()
        if len(chunk) + len(data) > 42:
            words.append(_word(chunk))
            chunk = b""
        chunk += data
    words.append(_word(chunk))
    return "\r\n ".join(words)


def _word(chunk: bytes) -> str:
    return f"=?utf-8?b?{base64.b64encode(chunk).decode()}?="
