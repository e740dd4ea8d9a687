"""The files of `shared/contracts`: a JSON schema and an example for each event type.

Each service writes its own (`python -m services.<name>.contracts [FOLDER]`) from its wire models.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import BaseModel

from shared.envelope import TYPE_PREFIX

FOLDER: Final = Path(__file__).parent / "contracts"


def schema(event_type: str, model: type[BaseModel] | Mapping[str, Any]) -> dict[str, Any]:
    """The JSON schema of an event's data: of its wire model, or as it is given.

    `event_type` may carry the prefix or not; the schema's title always does.
    """
    name = event_type.removeprefix(TYPE_PREFIX)
    body = (
        model
        if isinstance(model, Mapping)
        else model.model_json_schema(by_alias=True, mode="serialization")
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"urn:genvej:{name}",
        **body,
        "title": f"{TYPE_PREFIX}{name}",
    }


def schemas(models: Mapping[str, type[BaseModel]]) -> dict[str, dict[str, Any]]:
    """The JSON schema of each event type by its name without prefix."""
    return {name.removeprefix(TYPE_PREFIX): schema(name, model) for name, model in models.items()}


def files(
    schemas: Mapping[str, Mapping[str, Any]], examples: Mapping[str, bytes]
) -> dict[str, bytes]:
    """The files by name. `examples` are JSON, by the event type's name without prefix."""
    made = {f"{name}.schema.json": pretty(found) for name, found in schemas.items()}
    return made | {f"{n}.example.json": pretty(orjson.loads(v)) for n, v in examples.items()}


def pretty(value: object) -> bytes:
    """JSON as it lies in a contract's file."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def write(files: Callable[[], Mapping[str, bytes]]) -> None:
    """Writes the files into the folder that the command line gives, by default this project's."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files().items():
        (folder / name).write_bytes(content)
