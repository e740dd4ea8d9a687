"""Which cluster a command speaks to: the one that the environment names, or the stack here."""

from __future__ import annotations

import os
from pathlib import Path

from deploy.cli.errors import CommandError
from deploy.local.state import State
from deploy.topology.admin import Access
from shared.topics import load

ROOT = Path(__file__).parents[2]
CLUSTER_FILE = ROOT / "deploy" / "topics.toml"


def state_folder() -> Path:
    """Where the local stack keeps its state: GENVEJ_STATE, or .genvej in the project's root."""
    return Path(os.environ.get("GENVEJ_STATE", ROOT / ".genvej"))


def local_state() -> State:
    """The local stack's state. Raises CommandError where there never was a stack."""
    folder = state_folder()
    if not (folder / "state.json").exists():
        raise CommandError(
            "no stack has been started here: run `genvej up`, or name another cluster with "
            "GENVEJ_KAFKA, GENVEJ_KAFKA_USER and GENVEJ_KAFKA_PASSWORD"
        )
    return State(folder)


def access_for(principal: str) -> Access:
    """How `principal` logs in.

    With GENVEJ_KAFKA set, the user and password of the environment are used whatever the
    principal; otherwise the local stack's.
    """
    bootstrap = os.environ.get("GENVEJ_KAFKA")
    if bootstrap:
        user, password = (
            os.environ.get("GENVEJ_KAFKA_USER"),
            os.environ.get("GENVEJ_KAFKA_PASSWORD"),
        )
        security = os.environ.get("GENVEJ_KAFKA_SECURITY", "SASL_PLAINTEXT")
        if security.startswith("SASL") and not (user and password):
            raise CommandError(
                f"GENVEJ_KAFKA is set, so GENVEJ_KAFKA_USER and GENVEJ_KAFKA_PASSWORD must be too "
                f"(the principal {principal} is meant)"
            )
        return Access(
            bootstrap=bootstrap,
            user=user or "",
            password=password or "",
            security=security,
            ca=os.environ.get("GENVEJ_KAFKA_CA"),
        )
    return access_at(local_state(), principal)


def access_at(state: State, principal: str) -> Access:
    """How `principal` logs in to the stack of that state folder."""
    known = load(CLUSTER_FILE).principals
    if principal not in known and principal != "admin":
        raise CommandError(
            f"{principal} is none of the cluster file's principals: {', '.join(sorted(known))}"
        )
    port = state.remembered_port("kafka")
    if port is None:
        raise CommandError("the stack here has no Kafka yet: run `genvej up`")
    return Access(
        bootstrap=f"127.0.0.1:{port}", user=principal, password=state.secret(f"kafka.{principal}")
    )
