"""The event catalogue of a service as AsyncAPI 3: what it writes and reads, with schemas.

Made from what the service declares, the cluster file and the released contracts, so that it can't
say anything else than what runs.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from shared.envelope import TYPE_PREFIX
from shared.kafka import is_family
from shared.wire import source_of

if TYPE_CHECKING:
    from shared.service import Service
    from shared.topics import Cluster, TopicFamily

CONTRACTS: Final = Path(__file__).parent / "contracts"
_PLACEHOLDER: Final = re.compile(r"\{([^}]*)\}")
_TEXT: Final = {"type": "string"}

HEADERS: Final[Mapping[str, Any]] = {
    "type": "object",
    "description": "CloudEvents 1.0, Kafka binary mode",
    "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_time", "content-type"],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": {"type": "string", "description": "The same for the same fact, however often"},
        "ce_source": _TEXT,
        "ce_type": _TEXT,
        "ce_subject": {"type": "string", "description": "The aggregate that it is about"},
        "ce_time": {"type": "string", "format": "date-time"},
        "content-type": _TEXT,
        "ce_correlationid": {"type": "string", "description": "The first cause of the chain"},
        "traceparent": {"type": "string", "description": "W3C trace context"},
    },
}


def document(service: Service, cluster: Cluster, *, server: str, tls: bool) -> dict[str, Any]:
    """The AsyncAPI 3.0 document. `server` is a broker's address."""
    families = {family.name: family for family in cluster.families}
    reads = sorted({topic for s in service.subscriptions for topic in s.topics})
    letters = f"{service.name}.dead-letters"
    writes: dict[str, Mapping[str, type]] = {**service.produces, letters: {}}
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    schemas: dict[str, Any] = {}
    for action, topics in (("send", sorted(writes)), ("receive", reads)):
        for topic in topics:
            family = families.get(topic) or families.get("{service}.dead-letters")
            if family is None:
                continue
            name = _name(topic)
            models = writes.get(topic, {}) if action == "send" else {}
            types = sorted({*models, *(t for t in family.carries)})
            for kind in types:
                if _name(kind) not in messages:
                    messages[_name(kind)] = _message(kind, models.get(kind), schemas)
            channels.setdefault(name, _channel(topic, family, types))
            operations[f"{action}-{name}"] = {
                "action": action,
                "channel": {"$ref": f"#/channels/{name}"},
                "messages": _refs(f"#/channels/{name}/messages", types),
                "bindings": {"kafka": {"groupId": {"pattern": f"^{service.name}\\."}}}
                if action == "receive"
                else {},
            }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"Genvej {service.name}",
            "version": version("genvej"),
            "description": f"Events that {service.name} writes as {source_of(service.name)}, "
            "and those that it reads.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "kafka": {
                "host": server.split(",", maxsplit=1)[0],
                "protocol": "kafka-secure" if tls else "kafka",
                "security": [{"type": "scramSha512"}],
            }
        },
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": schemas},
    }


def _channel(topic: str, family: TopicFamily, types: Iterable[str]) -> dict[str, Any]:
    channel: dict[str, Any] = {
        "address": topic,
        "description": family.about,
        "messages": {
            _name(kind): {"$ref": f"#/components/messages/{_name(kind)}"} for kind in types
        },
        "bindings": {
            "kafka": {
                "topic": topic,
                "partitions": family.partitions,
                "bindingVersion": "0.5.0",
            }
        },
    }
    if is_family(topic):
        channel["parameters"] = {
            name: {"description": f"Code of the {name}"} for name in _PLACEHOLDER.findall(topic)
        }
    return channel


def _message(kind: str, model: type | None, schemas: dict[str, Any]) -> dict[str, Any]:
    message: dict[str, Any] = {"name": kind, "headers": HEADERS}
    schema = _schema(kind, model)
    if schema is None:
        message["contentType"] = kind if "/" in kind else "application/json"
    else:
        message["contentType"] = "application/json"
        message["payload"] = _hoisted(schema, _name(kind), schemas)
    return message


def _hoisted(schema: dict[str, Any], prefix: str, schemas: dict[str, Any]) -> Any:
    """The schema with its definitions among the document's: AsyncAPI resolves from the root."""

    def moved(part: Any) -> Any:
        if isinstance(part, dict):
            return {
                name: f"#/components/schemas/{prefix}.{value.removeprefix('#/$defs/')}"
                if name == "$ref"
                else moved(value)
                for name, value in part.items()
                if name not in {"$schema", "$id", "$defs"}
            }
        return [moved(item) for item in part] if isinstance(part, list) else part

    for name, definition in schema.get("$defs", {}).items():
        schemas[f"{prefix}.{name}"] = moved(definition)
    return moved(schema)


def _schema(kind: str, model: type | None) -> dict[str, Any] | None:
    """The released contract, else the model's schema; none for what outsiders define."""
    released = CONTRACTS / f"{kind.removeprefix(TYPE_PREFIX)}.schema.json"
    if "/" not in kind and released.is_file():
        found: dict[str, Any] = json.loads(released.read_text(encoding="utf-8"))
        return found
    if model is not None and issubclass(model, BaseModel):
        return model.model_json_schema()
    return None


def _refs(channel: str, types: Iterable[str]) -> list[dict[str, str]]:
    return [{"$ref": f"{channel}/{_name(kind)}"} for kind in types]


def _name(text: str) -> str:
    """A name that a JSON pointer needs no escapes for."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", text).strip("_")
