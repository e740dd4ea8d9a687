"""Writes fresh passwords and keys for compose.yaml:  python3 deploy/images/new_secrets.py > .env

Needs nothing but Python 3.11. Run it once: databases and broker keep the first passwords.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
import tomllib
from collections.abc import Iterator
from pathlib import Path

TOPICS = Path(__file__).parents[1] / "topics.toml"
STAFF = (
    *(
        f"{code}-{role}"
        for code in ("730", "316")
        for role in ("desk", "therapist", "planner", "privacy")
    ),
    "fysioterapi-randers",
    "coordinator",
)
SENDERS = ("hospital-", "sender-")
SERVICES = ("referral", "scheduling", "notifications", "gateway")


def principals() -> Iterator[str]:
    """The users that the cluster file declares, expanded for its parties."""
    declared = tomllib.loads(TOPICS.read_text(encoding="utf-8"))
    for principal in declared["principal"]:
        name: str = principal["name"]
        kind = re.search(r"\{([a-z_]+)\}", name)
        if kind is None:
            yield name
        else:
            codes = (p["code"] for p in declared["party"] if p["kind"] == kind[1])
            yield from (name.replace(kind[0], code) for code in codes)


def variables() -> Iterator[tuple[str, str]]:
    """The variables of compose.yaml that hold secrets."""
    for name in ("KAFKA", "BROKER", "BROKER_CONTROLLER"):
        yield f"{name}_PASSWORD", password()
    yield "KAFKA_CLUSTER_ID", base64.urlsafe_b64encode(secrets.token_bytes(16)).decode().rstrip("=")
    for name in principals():
        variable = re.sub(r"[^A-Z0-9]", "_", name.upper())
        yield f"GENVEJ_PASSWORD_{variable}", password()
        if name.startswith(SENDERS):  # what it sends over HTTP with, and what compose.yaml keeps
            token = password()
            yield f"GENVEJ_TOKEN_{variable}", token
            yield f"GENVEJ_SHA256_{variable}", hashlib.sha256(token.encode()).hexdigest()
    for service in SERVICES:
        yield f"{service.upper()}_DB_SUPERUSER_PASSWORD", password()
        yield f"{service.upper()}_DB_OWNER_PASSWORD", password()
        yield f"{service.upper()}_DB_PASSWORD", password()
        yield f"GENVEJ_{service.upper()}_VAULT_KEYS", f"k1:{key()}"
        yield f"GENVEJ_{service.upper()}_OPS_TOKEN", password()
    yield "GENVEJ_CITIZENS_KEYS", f"k1:{key()}"
    yield "GENVEJ_REFERRAL_ID_KEY", key()
    yield "GENVEJ_REFERRAL_CPR_KEY", key()
    yield "GENVEJ_NOTIFICATIONS_SMS_TOKEN", password()
    yield "GRAFANA_PASSWORD", password()
    for member in STAFF:
        token, variable = password(), member.upper().replace("-", "_")
        yield f"GENVEJ_STAFF_TOKEN_{variable}", token
        yield f"STAFF_HASH_{variable}", hashlib.sha256(token.encode()).hexdigest()


def password() -> str:
    """192 random bits that need no quoting anywhere."""
    return secrets.token_hex(24)


def key() -> str:
    """256 random bits in base64."""
    return base64.b64encode(secrets.token_bytes(32)).decode()


if __name__ == "__main__":
    for name, value in variables():
        print(f"{name}={value}")
