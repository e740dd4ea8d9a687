"""Where the parts of a stack are, and as whom they are reached; own ones or others'."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.senders import senders_file
from deploy.local.state import State
from deploy.topology.admin import Access

MAIL: Final = "mail"
MAIL_PAGES: Final = "mail-pages"
SMS: Final = "sms"

# What a process needs of the launcher's own environment; the rest is nobody's business.
_INHERITED: Final = ("PATH", "PYTHONPATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "SSL_CERT_FILE")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where something of the stack is reached, and what for."""

    name: str
    address: str
    about: str


class Connections:
    """Answers from the state folder and the environment; starts nothing.

    A broker or database that GENVEJ_KAFKA or GENVEJ_<SERVICE>_DSN names is another one's.
    """

    def __init__(
        self, state: State, postgres: Postgres, kafka: Kafka, processes: Sequence[str]
    ) -> None:
        self._state = state
        self._postgres = postgres
        self._kafka = kafka
        self._processes = processes

    @property
    def own_kafka(self) -> bool:
        """Whether the stack runs a broker of its own."""
        return not os.environ.get("GENVEJ_KAFKA")

    @property
    def own_postgres(self) -> bool:
        """Whether at least one service's database is on a server of the stack's own."""
        packages = {package(name).upper() for name in self._processes}
        return not all(os.environ.get(f"GENVEJ_{name}_DSN") for name in packages or {"NOBODY"})

    def access(self, principal: str) -> Access:
        """How a principal connects to the broker."""
        if self.own_kafka:
            return self._kafka.access(principal)
        return Access(
            bootstrap=os.environ["GENVEJ_KAFKA"],
            user=principal,
            password=self.password(principal),
            security=os.environ.get("GENVEJ_KAFKA_SECURITY", "SASL_PLAINTEXT"),
            ca=os.environ.get("GENVEJ_KAFKA_CA"),
        )

    def administrator(self) -> Access | None:
        """Who may change the broker's topics; None where another one's broker names nobody."""
        if self.own_kafka:
            return self._kafka.access()
        user = os.environ.get("GENVEJ_KAFKA_USER")
        return self.access(user) if user else None

    def password(self, principal: str) -> str:
        """A principal's password: GENVEJ_PASSWORD_<PRINCIPAL>, or one of the state folder's own."""
        if not self.own_kafka and principal == os.environ.get("GENVEJ_KAFKA_USER"):
            return os.environ.get("GENVEJ_KAFKA_PASSWORD", "")
        name = "".join(c if c.isalnum() else "_" for c in principal.upper())
        return os.environ.get(f"GENVEJ_PASSWORD_{name}") or self._kafka.password(principal)

    def dsn(self, service: str, *, owner: bool = False) -> str:
        """Where a service's database is, as its runtime role or as its owner."""
        suffix = "MIGRATION_DSN" if owner else "DSN"
        other = os.environ.get(f"GENVEJ_{service.upper()}_{suffix}")
        return other or self._postgres.dsn(service, f"{service}_owner" if owner else service)

    def url(self, name: str) -> str:
        """Where a process's HTTP port is."""
        return f"http://127.0.0.1:{self._state.remembered_port(name)}"

    def addresses(self) -> list[Address]:
        """Where everything is reached, for people."""
        packages = sorted({package(name) for name in self._processes})
        server = self.dsn(packages[0]) if packages else self._postgres.dsn()
        return [
            Address(name="Kafka", address=self.access("ops").bootstrap, about="SCRAM-SHA-512"),
            Address(
                name="PostgreSQL",
                address=server.rpartition("@")[2].partition("/")[0],
                about=f"databases {', '.join(packages)}",
            ),
            *(
                Address(
                    name=name,
                    address=self.url(name),
                    about="/health/ready, /metrics, /asyncapi.json",
                )
                for name in self._processes
            ),
            Address(
                name="Mails",
                address=self.url(MAIL_PAGES),
                about="what citizens were sent by e-mail",
            ),
            Address(name="Texts", address=self.url(SMS), about="what citizens were sent by SMS"),
        ]

    def environment(
        self, process: str, shared: Mapping[str, str], extra: Mapping[str, str]
    ) -> dict[str, str]:
        """All variables of a service's process. A service gets no other one's secrets.

        `shared` is what all services are told. A GENVEJ_ variable that the launcher itself was
        started with wins, so that any part of the stack can be another one; `extra` wins over all.
        """
        service = package(process)
        prefix = f"GENVEJ_{service.upper()}_"
        access = self.access(service)
        common = {
            "GENVEJ_KAFKA": access.bootstrap,
            "GENVEJ_KAFKA_SECURITY": access.security,
            **({"GENVEJ_KAFKA_CA": access.ca} if access.ca else {}),
            **shared,
        }
        own = {
            "DSN": self.dsn(service),
            "MIGRATION_DSN": self.dsn(service, owner=True),
            "KAFKA_USER": access.user,
            "KAFKA_PASSWORD": access.password,
            "PORT": str(self._state.remembered_port(process)),
            "VAULT_KEYS": self._keys(f"{service}.vault-keys"),
            "OPS_TOKEN": self._state.secret(f"{service}.ops-token"),
        }
        known = {
            **common,
            **{prefix + name: value for name, value in own.items()},
            **self._special(service, shared),
        }
        given = {k: v for k, v in os.environ.items() if k in known or k.startswith(prefix)}
        return {**inherited(), **known, **given, **extra}

    def _special(self, service: str, shared: Mapping[str, str]) -> dict[str, str]:
        citizens = {"GENVEJ_CITIZENS_KEYS": self._keys("citizens-keys")}
        match service:
            case "gateway":
                senders = senders_file(self._state, Path(shared["GENVEJ_TOPICS"]))
                return {
                    "GENVEJ_GATEWAY_SENDERS": str(senders),
                    "GENVEJ_GATEWAY_DROP": str(self._state.room("drop")),
                }
            case "referral":
                return {
                    **citizens,
                    "GENVEJ_REFERRAL_ID_KEY": self._state.secret("referral.id-key", _new_key),
                    "GENVEJ_REFERRAL_CPR_KEY": self._state.secret("referral.cpr-key", _new_key),
                }
            case "notifications":
                smtp = self._state.remembered_port(MAIL)
                return {
                    **citizens,
                    "GENVEJ_NOTIFICATIONS_SMTP": f"smtp://127.0.0.1:{smtp}",
                    "GENVEJ_NOTIFICATIONS_MAIL_FROM": "genvej@kommunen.example",
                    "GENVEJ_NOTIFICATIONS_SMS_URL": f"{self.url(SMS)}/sms",
                    "GENVEJ_NOTIFICATIONS_SMS_TOKEN": self._state.secret("sms-token"),
                }
            case _:
                return {}

    def _keys(self, name: str) -> str:
        return "k1:" + self._state.secret(name, _new_key)


def inherited() -> dict[str, str]:
    """What the launcher hands on of its own environment to all processes."""
    return {name: os.environ[name] for name in _INHERITED if name in os.environ}


def package(process: str) -> str:
    """The service that a process is one of: "referral" for "referral.2"."""
    return process.partition(".")[0]


def _new_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()
