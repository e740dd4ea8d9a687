"""The mail's bytes, as any mail program reads them."""

from __future__ import annotations

import email
import email.policy
from email.message import EmailMessage

from hypothesis import given
from hypothesis import strategies as st

from services.notifications.mail import build_mail
from services.notifications.message import Channel
from services.notifications.rendering import Rendered
from tests.unit.notifications.factories import NOW


def read_back(content: bytes) -> EmailMessage:
    mail = email.message_from_bytes(content, policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def a_mail(subject: str, text: str) -> bytes:
    return build_mail(
        Rendered(channel=Channel.EMAIL, language="da", subject=subject, text=text),
        sender="genvej@randers.example",
        recipient="ruddi@example.com",
        reference="6d9b3f6e-0000-4000-8000-000000000001",
        at=NOW,
    )


def test_a_mail_says_who_it_is_from_and_that_nobody_wrote_it() -> None:
    mail = read_back(a_mail("Din tid", "Kære Ruddi\n"))
    assert mail["From"] == "genvej@randers.example"
    assert mail["To"] == "ruddi@example.com"
    assert mail["Message-ID"] == "<6d9b3f6e-0000-4000-8000-000000000001@randers.example>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Date"] == "Tue, 24 Nov 2026 09:00:00 +0000"
    assert mail["Content-Language"] == "da"


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")), max_size=300
)


@given(TEXTS.map(lambda text: " ".join(text.split())), st.lists(TEXTS, max_size=8))
def test_every_subject_and_text_is_read_back_as_it_was(subject: str, lines: list[str]) -> None:
    text = "\n".join(line.rstrip() for line in lines) + "\n"
    content = a_mail(subject, text)
    mail = read_back(content)
    assert mail["Subject"] == subject
    assert mail.get_content().replace("\r\n", "\n") == text
    assert all(len(line) <= 100 for line in content.split(b"\r\n"))
