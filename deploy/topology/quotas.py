"""Client quotas: Kafka's protocol has them, no Python client's admin class sets them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.admin import DescribeClientQuotasRequest
from aiokafka.protocol.api import Request, RequestStruct, Response
from aiokafka.protocol.types import Array, Boolean, Float64, Int16, Int32, Schema, String

_USER = "user"
# The match type that asks for entities of any name.
_ANY_NAME = 2


class _AlterResponse(Response):  # type: ignore[misc]
    API_KEY = 49
    API_VERSION = 0
    SCHEMA = Schema(
        ("throttle_time_ms", Int32),
        (
            "entries",
            Array(
                ("error_code", Int16),
                ("error_message", String("utf-8")),
                ("entity", Array(("entity_type", String("utf-8")), ("name", String("utf-8")))),
            ),
        ),
    )


class _AlterStruct(RequestStruct):  # type: ignore[misc]
    """AlterClientQuotas v0, as Kafka's message definition has it (KIP-546)."""

    API_KEY = 49
    API_VERSION = 0
    RESPONSE_TYPE = _AlterResponse
    SCHEMA = Schema(
        (
            "entries",
            Array(
                ("entity", Array(("entity_type", String("utf-8")), ("name", String("utf-8")))),
                (
                    "ops",
                    Array(("key", String("utf-8")), ("value", Float64), ("remove", Boolean)),
                ),
            ),
        ),
        ("validate_only", Boolean),
    )


class _Alter(Request[_AlterStruct]):  # type: ignore[misc]
    API_KEY = 49

    def __init__(self, entries: Sequence[Any]) -> None:
        self._entries = entries

    def build(self, request_struct_class: type[_AlterStruct]) -> _AlterStruct:
        return request_struct_class(self._entries, False)


async def read(options: Mapping[str, Any]) -> dict[str, dict[str, float]]:
    """The quotas of each user; `options` are aiokafka's connection arguments."""
    async with _Connection(options) as send:
        answer = await send(DescribeClientQuotasRequest([(_USER, _ANY_NAME, None)], True))
    if answer.error_code:
        raise for_code(answer.error_code)(answer.error_message)
    return {
        entity[0][1]: dict(values)
        for entity, values in answer.entries
        # The default for all users has no name.
        if len(entity) == 1 and entity[0][1] is not None
    }


async def write(
    options: Mapping[str, Any], changes: Mapping[str, Mapping[str, float | None]]
) -> None:
    """Sets quotas of users; None removes one. Raises aiokafka's KafkaError where it is refused."""
    entries = [
        (
            [(_USER, user)],
            [(key, value or 0.0, value is None) for key, value in quotas.items()],
        )
        for user, quotas in changes.items()
    ]
    async with _Connection(options) as send:
        answer = await send(_Alter(entries))
    for code, message, _entity in answer.entries:
        if code:
            raise for_code(code)(message)


class _Connection:
    """A connection for one request to any broker, which passes it on to the controller."""

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._client = AIOKafkaClient(**options)

    async def __aenter__(self) -> Any:
        await self._client.bootstrap()
        return self._send

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def _send(self, request: Any) -> Any:
        node = self._client.get_random_node()
        if node is None:
            raise KafkaError("no broker answers")
        return await self._client.send(node, request)
