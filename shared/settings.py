"""Settings from the environment: GENVEJ_<SERVICE>_<NAME>, or GENVEJ_<NAME> for every service."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from shared.clock import Clock
from shared.crypto import Vault
from shared.staff import Staff


class SettingsError(Exception):
    """One line for each variable that is missing or wrong, never with its value."""


class _Environment(EnvSettingsSource):
    """The service's own variable wins over the one that all services share."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        service: str = getattr(self.settings_cls, "service", "")
        for name in (f"genvej_{service}_{field_name}", f"genvej_{field_name}"):
            value = self.env_vars.get(name)
            if value is not None:
                return value, field_name, False
        return None, field_name, False


class ServiceSettings(BaseSettings):
    """What every service is configured with; a service's own class adds its fields.

    `service` is the service's name as in GENVEJ_<SERVICE>_DSN. Use `load()`, whose errors name
    the variable.
    """

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    service: ClassVar[str] = ""

    kafka: str = Field(description="Bootstrap servers, such as 127.0.0.1:19092")
    kafka_security: Literal["SASL_PLAINTEXT", "SASL_SSL", "PLAINTEXT"] = Field(
        default="SASL_PLAINTEXT", description="How to speak to the brokers"
    )
    kafka_ca: Path | None = Field(
        default=None, description="PEM file of the brokers' CA for SASL_SSL (default: the system's)"
    )
    kafka_user: str = Field(default="", description="SCRAM-SHA-512 user")
    kafka_password: SecretStr = Field(default=SecretStr(""), description="Its password")
    topics: Path = Field(description="The cluster file, such as deploy/topics.toml")
    clock: str = Field(
        default="",
        description='Sets the clock: "2022-05-23T08:00:00+02:00@2026-11-22T16:00:00Z" shows the '
        "first instant at the real second one",
    )
    dsn: SecretStr = Field(description="postgresql://… of the service's runtime role")
    migration_dsn: SecretStr | None = Field(
        default=None,
        description="postgresql://… of the owner role; where it is set the service migrates its "
        "database on start",
    )
    pool_size: int = Field(default=8, ge=3, le=200, description="Database connections at most")
    host: str = Field(default="127.0.0.1", description="Address of the HTTP port")
    port: int = Field(ge=0, le=65535, description="HTTP port: health, metrics, AsyncAPI, ops")
    ops_token: SecretStr = Field(
        default=SecretStr(""),
        description="Bearer token of /ops (dead letters, parked, halts); without it /ops is closed",
    )
    staff: Path | None = Field(
        default=None,
        description="TOML file of the members of staff who may use the endpoints; without it "
        "nobody may",
    )
    vault_keys: SecretStr = Field(
        description="Master keys for what is encrypted at rest: k1:base64[,k2:base64], first seals"
    )
    batch_records: int = Field(default=500, ge=1, le=5000, description="Records in a batch at most")
    lanes: int = Field(
        default=2, ge=1, le=8, description="Transactions side by side, of different partitions"
    )
    session_seconds: int = Field(
        default=10,
        ge=6,
        le=300,
        description="Seconds without a heartbeat after which others take over the partitions",
    )
    inbox_days: int = Field(default=35, ge=31, description="Days that event ids are remembered")
    halt_faults: int = Field(
        default=50, ge=1, description="Faults of one source in the window that halt this source"
    )
    halt_window_seconds: int = Field(default=600, ge=1, description="The window, in seconds")
    stop_seconds: float = Field(
        default=30.0, gt=0, description="Seconds that a stop may take to drain"
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="Least level of the JSON logs on standard error"
    )

    @field_validator("clock")
    @classmethod
    def _a_clock(cls, value: str) -> str:
        Clock.parse(value)
        return value

    @field_validator("vault_keys")
    @classmethod
    def _keys(cls, value: SecretStr) -> SecretStr:
        Vault(value.get_secret_value())
        return value

    @field_validator("staff")
    @classmethod
    def _a_staff_file(cls, value: Path | None) -> Path | None:
        Staff(value)
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment."""
        return init_settings, _Environment(settings_cls)

    @classmethod
    def variable(cls, field: str) -> str:
        """The name of the variable that sets `field` for this service."""
        shared = field in ServiceSettings.model_fields and field in _SHARED_BY_ALL
        return f"GENVEJ_{field}".upper() if shared else f"GENVEJ_{cls.service}_{field}".upper()

    @classmethod
    def load(cls, **given: Any) -> Self:
        """Reads the environment. Raises SettingsError, which names every variable at fault."""
        try:
            return cls(**given)
        except ValidationError as error:
            lines = []
            for problem in error.errors(include_input=False, include_url=False):
                field = str(problem["loc"][0]) if problem["loc"] else ""
                info = cls.model_fields.get(field)
                what = f" ({info.description})" if info and info.description else ""
                fault = (
                    "is not set" if problem["type"] == "missing" else f"is wrong: {problem['msg']}"
                )
                lines.append(f"{cls.variable(field)} {fault}{what}")
            raise SettingsError("\n".join(lines)) from None


_SHARED_BY_ALL = frozenset({"kafka", "kafka_security", "kafka_ca", "topics", "clock", "staff"})
