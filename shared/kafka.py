"""How our clients reach the cluster, and what they may ask it before they start."""

from __future__ import annotations

import contextlib
import logging
import re
import ssl
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from aiokafka.helpers import create_ssl_context
from faststream.security import BaseSecurity, SASLScram512

from shared.waiting import within

if TYPE_CHECKING:
    from shared.settings import ServiceSettings
    from shared.telemetry import Telemetry

_FAMILY = re.compile(r"\\\{[^}]*\\\}")


def tls(settings: ServiceSettings) -> ssl.SSLContext | None:
    """The TLS context where the brokers speak TLS."""
    if settings.kafka_security != "SASL_SSL":
        return None
    ca = str(settings.kafka_ca) if settings.kafka_ca else None
    context: ssl.SSLContext = create_ssl_context(cafile=ca)
    return context


def client_options(settings: ServiceSettings) -> dict[str, Any]:
    """aiokafka's connection options."""
    options: dict[str, Any] = {"bootstrap_servers": settings.kafka}
    if settings.kafka_security != "PLAINTEXT":
        options |= {
            "security_protocol": settings.kafka_security,
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": settings.kafka_user,
            "sasl_plain_password": settings.kafka_password.get_secret_value(),
            "ssl_context": tls(settings),
        }
    return options


def security(settings: ServiceSettings) -> BaseSecurity:
    """The same for FastStream."""
    if settings.kafka_security == "PLAINTEXT":
        return BaseSecurity(use_ssl=False)
    return SASLScram512(
        username=settings.kafka_user,
        password=settings.kafka_password.get_secret_value(),
        ssl_context=tls(settings),
        use_ssl=settings.kafka_security == "SASL_SSL",
    )


def is_family(topic: str) -> bool:
    """Whether a name stands for many topics: "hospital.{sor}.referrals"."""
    return "{" in topic


def pattern(topics: Sequence[str]) -> str:
    """A regular expression for names and families, whose parts hold no dot."""
    return "^(" + "|".join(_FAMILY.sub("[^.]+", re.escape(topic)) for topic in topics) + ")$"


async def partition_counts(options: Mapping[str, Any], topics: Sequence[str]) -> dict[str, int]:
    """The partitions of each topic, 0 where we may not see it. Raises KafkaError, OSError."""
    admin = AIOKafkaAdminClient(**options, request_timeout_ms=10_000)
    try:
        await within(20, admin.start())
        found = await admin.describe_topics(list(topics))
    finally:
        with contextlib.suppress(KafkaError):
            await admin.close()
    counts = {t["topic"]: len(t["partitions"]) for t in found if t["error_code"] == 0}
    return {topic: counts.get(topic, 0) for topic in topics}


class QuietLogger:
    """FastStream's logger: warnings become a trouble's name, per-message lines nothing at all."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry

    def log(
        self,
        level: int,
        msg: Any,
        /,
        *,
        exc_info: Any = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Takes FastStream's line; its text is not kept, for it may quote a message."""
        if level >= logging.ERROR and isinstance(exc_info, BaseException):
            self._telemetry.trouble("kafka", type(exc_info).__name__)
