"""Writes this service's contracts: `python -m services.notifications.contracts [FOLDER]`.

For each event type a JSON schema made from the wire model, and an example that readers prove
themselves on: the mail about Ruddi's first session in KL's story. A released schema never changes;
a new version is a new type.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from services.notifications.events import MODELS
from shared.envelope import TYPE_PREFIX

FOLDER: Final = Path(__file__).parents[2] / "shared" / "contracts"

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
    return {
        name.removeprefix(TYPE_PREFIX): {
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$id": f"urn:genvej:{name.removeprefix(TYPE_PREFIX)}",
            **model.model_json_schema(mode="serialization"),
            "title": name,
        }
        for name, model in MODELS.items()
    }


def files() -> dict[str, bytes]:
    """All files by name, as they should lie in the folder."""
    made = {f"{name}.schema.json": _pretty(schema) for name, schema in schemas().items()}
    found = examples()
    return made | {f"{n}.example.json": _pretty(orjson.loads(v)) for n, v in found.items()}


def _pretty(value: object) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def main() -> None:
    """Writes the files into the folder given, by default shared/contracts."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (folder / name).write_bytes(content)


if __name__ == "__main__":
    main()
