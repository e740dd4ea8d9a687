"""What notifications is configured with (GENVEJ_NOTIFICATIONS_…), and its municipalities."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from services.notifications.contact_details import usable_email
from shared.crypto import Vault
from shared.settings import ServiceSettings, SettingsError


class NotificationSettings(ServiceSettings):
    """Settings of this service alone; `shared.settings` holds the rest."""

    service: ClassVar[str] = "notifications"

    municipalities: Path = Field(description="Folder with one TOML file for each municipality")
    citizens_keys: SecretStr = Field(
        description="Master keys of the topic citizens: k1:base64[,k2:base64]"
    )
    smtp: str = Field(
        description="SMTP servers, the first healthy one is used: "
        "smtp[s]://[user:password@]host:port[,…]; smtp+starttls:// for STARTTLS"
    )
    mail_from: str = Field(description="Sender's address of all mails")
    sms_url: str = Field(description="The SMS gateway, such as http://127.0.0.1:8085/sms")
    sms_token: SecretStr = Field(description="Bearer token of the SMS gateway")
    connections: int = Field(
        default=8,
        ge=1,
        le=100,
        description="Messages of one channel in flight at most; as many are uncertain after a kill",
    )
    call_seconds: float = Field(
        default=30.0, gt=0, description="Seconds that one call to a provider may take"
    )
    retry_limit: int = Field(default=48, ge=0, description="Retries after temporary failures")
    retry_seconds: int = Field(default=300, ge=1, description="Longest pause between retries")
    quiet_from: time = Field(default=time(21), description="Local time from which SMS are held")
    quiet_to: time = Field(default=time(7), description="Local time at which they are let go")
    bedside_is_urgent: bool = Field(
        default=True,
        description="Whether SMS go out in quiet hours when the plan came before discharge",
    )
    contact_hours: int = Field(
        default=72, ge=1, description="Hours that news may wait for the citizen's contact"
    )
    facts_days: int = Field(
        default=30, ge=1, description="Days that a settled message keeps what it told"
    )
    poll_seconds: float = Field(
        default=0.5, gt=0, description="Longest pause before due messages are looked for"
    )

    @field_validator("citizens_keys")
    @classmethod
    def _citizens_keys(cls, value: SecretStr) -> SecretStr:
        Vault(value.get_secret_value())
        return value

    @field_validator("smtp")
    @classmethod
    def _smtp(cls, value: str) -> str:
        for part in value.split(","):
            url = urlsplit(part.strip())
            if url.scheme not in ("smtp", "smtps", "smtp+starttls") or not url.hostname:
                raise ValueError("not of the form smtp://host:port")
        return value

    @field_validator("sms_url")
    @classmethod
    def _sms(cls, value: str) -> str:
        url = urlsplit(value)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise ValueError("not of the form https://host/path")
        return value.rstrip("/")

    @field_validator("mail_from")
    @classmethod
    def _from(cls, value: str) -> str:
        if usable_email(value) is None:
            raise ValueError("no mail address")
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Municipality:
    """Who writes to the citizen. `phone` is as printed: "89 15 15 15"."""

    code: str
    name: str
    phone: str


def read_municipalities(folder: Path) -> Mapping[str, Municipality]:
    """All municipalities of the folder by code. Raises SettingsError, naming file and key."""
    found: dict[str, Municipality] = {}
    for path in sorted(folder.glob("*.toml")):
        try:
            content = tomllib.loads(path.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path} is no TOML file: {error}") from None
        missing = [key for key in ("code", "name", "phone") if not content.get(key)]
        if missing:
            raise SettingsError(f"{path} lacks {', '.join(missing)}")
        code = str(content["code"])
        found[code] = Municipality(
            code=code, name=str(content["name"]), phone=str(content["phone"])
        )
    if not found:
        raise SettingsError(f"{folder} holds no municipality; put a file like 730.toml there")
    return found
