"""What referral is configured with (GENVEJ_REFERRAL_…); `shared.settings` holds the rest."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr, field_validator

from services.referral import assessment_file
from services.referral.programme_files import PROGRAMMES
from services.referral.register import key_bytes
from services.referral.rights.retention import RULES
from shared.crypto import Vault
from shared.settings import ServiceSettings


class ReferralSettings(ServiceSettings):
    """Settings of this service alone."""

    service: ClassVar[str] = "referral"

    municipalities: Path = Field(description="Folder with one TOML file for each municipality")
    programmes: Path = Field(
        default=PROGRAMMES,
        description="Folder with one TOML file for each programme (default: those of the service)",
    )
    retention: Path = Field(
        default=RULES, description="File that says how long what is kept (default: the service's)"
    )
    assessment: Path = Field(
        default=assessment_file.DEFAULT,
        description="TOML file of the assessment's scales, rules and tracks (default: the "
        "service's)",
    )
    id_key: SecretStr = Field(
        description="Key of citizens' ids: base64 of 32 bytes; never changed, or ids change"
    )
    cpr_key: SecretStr = Field(
        description="Key by which CPR numbers are looked up: base64 of 32 bytes; never changed"
    )
    citizens_keys: SecretStr = Field(
        description="Master keys of the topic citizens: k1:base64[,k2:base64], first seals"
    )

    @field_validator("id_key", "cpr_key")
    @classmethod
    def _keys_of_hashes(cls, value: SecretStr) -> SecretStr:
        key_bytes(value.get_secret_value())
        return value

    @field_validator("citizens_keys")
    @classmethod
    def _citizens_keys(cls, value: SecretStr) -> SecretStr:
        Vault(value.get_secret_value())
        return value
