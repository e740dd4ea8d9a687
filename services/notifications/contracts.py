"""Writes this service's contracts: `python -m services.notifications.contracts [FOLDER]`.

For each event type a JSON schema made from the wire model, and an example that readers prove
themselves on: the mail about Ruddi's first session in KL's story. A released schema never changes;
a new version is a new type.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

from services.notifications.events import MODELS
from shared import contract_files
from shared.envelope import TYPE_PREFIX

_REASONS: Final = {"sent": None, "failed": "smtp-550", "uncertain": "smtp-disconnected"}


def _example(kind: str) -> dict[str, Any]:
    return {
        "notification_id": "5d7c3b0e-7a53-5c1e-9f0c-3c8f0a6b1d52",
        "referral_id": "8d26206a-02c4-556a-bdde-7b9e1a342db3",
        "citizen_id": "LFCSLXUVF5CQFOKQRD6HPNQBLI",
        "provider": "316",
        "channel": "email",
        "template": "session-offered",
        "template_version": 1,
        "cause": "0d5cfa7c-6a0f-5a52-8c63-77ed2d7b7a4e",
        "at": datetime(2022, 5, 23, 6, 0, 1, tzinfo=UTC),
        "reason": _REASONS[kind],
    }


def examples() -> dict[str, bytes]:
    """An example of each event by its name without prefix."""
    found = {}
    for name, model in MODELS.items():
        short = name.removeprefix(TYPE_PREFIX)
        example = model.model_validate(_example(short.split(".")[1]))
        found[short] = example.model_dump_json().encode()
    return found


def schemas() -> dict[str, dict[str, Any]]:
    """The JSON schema of each event by its name without prefix."""
    return contract_files.schemas(MODELS)


def files() -> dict[str, bytes]:
    """All files by name, as they should lie in the folder."""
    return contract_files.files(schemas(), examples())


if __name__ == "__main__":
    contract_files.write(files)
