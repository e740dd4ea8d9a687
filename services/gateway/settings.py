"""What the gateway is configured with (GENVEJ_GATEWAY_…); `shared.settings` holds the rest."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field

from shared.settings import ServiceSettings


class GatewaySettings(ServiceSettings):
    """Settings of this service alone."""

    service: ClassVar[str] = "gateway"

    senders: Path = Field(
        description="TOML file that says who may send: [[sender]] with principal and sha256"
    )
    drop: Path | None = Field(
        default=None, description="Folder with a drop folder for each sender (default: none)"
    )
    drop_seconds: float = Field(
        default=1.0, gt=0, le=3600, description="Seconds from one look at the folders to the next"
    )
    answer_seconds: float = Field(
        default=5.0, ge=0, le=60, description="Seconds that a request waits for its receipt"
    )
    max_bytes: int = Field(
        default=1_000_000,
        ge=1024,
        le=1_040_000,
        description="Bytes of a document at most; Kafka's topics take 1 MiB with headers",
    )
    most_waiting: int = Field(
        default=64, ge=1, description="Requests of one sender that may wait at a time"
    )
    keep_days: int = Field(default=30, ge=1, description="Days that receipts can be fetched")
