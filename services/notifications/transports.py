"""The two ways out: finished text to an SMTP server or to an SMS gateway, with fail-over."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, Generic, Protocol, TypeVar

import jinja2

from services.notifications import custody
from services.notifications.dispatch import Answer, Permanent, Sent, Temporary, Unknown
from services.notifications.gateway import SmsGateway
from services.notifications.mail import build_mail
from services.notifications.message import Channel
from services.notifications.ports import Job
from services.notifications.rendering import (
    MissingValues,
    Rendered,
    TemplateError,
    Templates,
    TooLong,
)
from services.notifications.settings import Municipality
from services.notifications.smtp import SmtpProvider
from services.notifications.wording import language_of, withheld_place

# GOV.UK Notify changes provider at 50 errors a minute.
FAIL_OVER_ERRORS: Final = 50
FAIL_OVER_WINDOW: Final = timedelta(minutes=1)


class Provider(Protocol):
    """What fail-over needs to know of a provider."""

    @property
    def name(self) -> str:
        """For metrics and logs."""
        ...


P = TypeVar("P", bound=Provider)


@dataclass(slots=True)
class Health(Generic[P]):
    """Picks the first provider with few errors in the last minute; the least bad one otherwise."""

    providers: Sequence[P]
    errors: dict[str, deque[datetime]] = field(default_factory=dict)

    def pick(self, now: datetime) -> P:
        """The provider to use now."""
        counts = [self.count(provider, now) for provider in self.providers]
        for provider, count in zip(self.providers, counts, strict=True):
            if count < FAIL_OVER_ERRORS:
                return provider
        return self.providers[counts.index(min(counts))]

    def count(self, provider: P, now: datetime) -> int:
        """Errors in the last minute."""
        seen = self.errors.setdefault(provider.name, deque(maxlen=FAIL_OVER_ERRORS * 2))
        while seen and seen[0] <= now - FAIL_OVER_WINDOW:
            seen.popleft()
        return len(seen)

    def note(self, provider: P, answer: Answer, now: datetime) -> None:
        """Counts what speaks against the provider; a refused recipient does not."""
        if isinstance(answer, (Temporary, Unknown)):
            self.errors.setdefault(provider.name, deque(maxlen=FAIL_OVER_ERRORS * 2)).append(now)


@dataclass(slots=True, kw_only=True)
class _Texts:
    """Renders a job's text in the citizen's language."""

    templates: Templates
    municipalities: Mapping[str, Municipality]

    def render(self, job: Job, channel: Channel) -> Rendered | Permanent:
        """The text, or why there can be none: a mistake in a template, which a human must see."""
        message = job.message
        municipality = self.municipalities.get(message.provider)
        if municipality is None:
            return Permanent("no-municipality")
        contact, facts = job.contact, message.facts
        language = language_of(contact.language)
        if contact.child and contact.protected:
            facts = custody.withheld(facts, withheld_place(language))
        try:
            return self.templates.render(
                message.template,
                message.template_version,
                channel,
                facts,
                municipality=municipality,
                name=contact.name,
                child=contact.child,
                language=language,
                first_contact=message.first_contact,
            )
        except MissingValues as missing:
            return Permanent(f"template-lacks-{'-'.join(sorted(missing.names))}")
        except TooLong:
            return Permanent("template-too-long")
        except TemplateError:
            return Permanent("no-template")
        except jinja2.TemplateError:
            return Permanent("template-fault")


@dataclass(slots=True, kw_only=True)
class MailTransport(_Texts):
    """E-mail over SMTP."""

    providers: Health[SmtpProvider]
    mail_from: str
    channel: Channel = Channel.EMAIL

    async def deliver(self, job: Job, at: datetime) -> Answer:
        """Renders and sends one mail."""
        text = self.render(job, self.channel)
        if isinstance(text, Permanent):
            return text
        recipient = job.contact.email
        if recipient is None:
            return Permanent("no-address")
        provider = self.providers.pick(at)
        content = build_mail(
            text,
            sender=self.mail_from,
            recipient=recipient,
            reference=str(job.message.id),
            at=at,
        )
        answer = await provider.send(recipient, content)
        self.providers.note(provider, answer, at)
        return answer

    async def receipt(self, reference: str) -> Answer | None:
        """SMTP gives no receipts: a human settles what is uncertain."""
        return None

    async def close(self) -> None:
        """Closes the connections."""
        for provider in self.providers.providers:
            await provider.close()


@dataclass(slots=True, kw_only=True)
class SmsTransport(_Texts):
    """Text messages through an HTTP gateway."""

    providers: Health[SmsGateway]
    channel: Channel = Channel.SMS

    async def deliver(self, job: Job, at: datetime) -> Answer:
        """Renders and sends one text message."""
        text = self.render(job, self.channel)
        if isinstance(text, Permanent):
            return text
        recipient = job.contact.mobile
        if recipient is None:
            return Permanent("no-number")
        provider = self.providers.pick(at)
        answer = await provider.send(recipient, text.text, str(job.message.id))
        self.providers.note(provider, answer, at)
        return answer

    async def receipt(self, reference: str) -> Answer | None:
        """Asks every gateway: sent if one has it, unknown unless all say that they don't."""
        answers = [await provider.receipt(reference) for provider in self.providers.providers]
        for wanted in (Sent, Permanent, Unknown):
            for answer in answers:
                if isinstance(answer, wanted):
                    return answer
        return answers[0]

    async def close(self) -> None:
        """Closes the connections."""
        for provider in self.providers.providers:
            await provider.close()
