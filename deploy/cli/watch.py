"""`genvej watch TOPIC`: what travels on a topic, as it arrives."""

from __future__ import annotations

import asyncio
import json
from typing import Annotated, Any

import typer
from aiokafka import ConsumerRecord
from rich.console import Console
from rich.text import Text

from deploy.cli import kafka
from deploy.cli.connection import access_for

console = Console(highlight=False)


def watch(
    topic: Annotated[str, typer.Argument(help="A topic's name, such as training.")],
    from_start: Annotated[
        bool, typer.Option("--from-start", help="Begin with the oldest record that is kept.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, help="Stop after so many records.")
    ] = None,
    follow: Annotated[
        bool, typer.Option(help="Wait for more when the end of the topic is reached.")
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    principal: Annotated[
        str | None, typer.Option(help="As whom to read (default: the operator).")
    ] = None,
) -> None:
    """Show what travels on a topic. Ctrl-C ends it.

    Records of `citizens` are encrypted and shown as their size alone.
    """
    try:
        asyncio.run(_watch(topic, from_start, limit, follow, as_json, principal))
    except KeyboardInterrupt:
        raise typer.Exit(0) from None


async def _watch(
    topic: str,
    from_start: bool,
    limit: int | None,
    follow: bool,
    as_json: bool,
    as_whom: str | None,
) -> None:
    access = access_for(as_whom or "ops")
    shown = 0
    async with kafka.reader(access, [topic]) as consumer, kafka.explained(access, topic):
        partitions = list(consumer.assignment())
        ends = await consumer.end_offsets(partitions)
        if from_start:
            await consumer.seek_to_beginning(*partitions)
        else:
            await consumer.seek_to_end(*partitions)
        while limit is None or shown < limit:
            if not follow and all([await consumer.position(p) >= ends[p] for p in partitions]):
                if shown == 0 and not as_json:
                    console.print(f"{topic} holds no records.")
                return
            for records in (await consumer.getmany(timeout_ms=500)).values():
                for record in records:
                    if limit is not None and shown >= limit:
                        return
                    shown += 1
                    print(json.dumps(as_object(record), ensure_ascii=False)) if as_json else show(
                        record
                    )


def as_object(record: ConsumerRecord[Any, Any]) -> dict[str, Any]:
    """The record as JSON; a value that is no text is given as its size."""
    value: Any = None
    if record.value is not None:
        try:
            text = record.value.decode("utf-8")
            value = json.loads(text) if text[:1] in "{[" else text
        except ValueError:
            value = {"bytes": len(record.value)}
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": record.key.decode("utf-8", "replace") if record.key is not None else None,
        "headers": dict(kafka.headers_of(record)),
        "value": value,
    }


def show(record: ConsumerRecord[Any, Any]) -> None:
    """Prints one record: its type, where it stands, and its data."""
    kind = kafka.header(record, "ce_type").removeprefix("dk.genvej.") or "(no type)"
    head = Text.assemble(
        (f"{record.partition}/{record.offset}", "dim"),
        " ",
        (kind, "bold cyan"),
        " ",
        (kafka.header(record, "ce_subject"), "dim"),
    )
    console.print(head)
    if record.value is None:
        console.print("  (erased)", style="dim")
        return
    value = as_object(record)["value"]
    body = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    console.print(Text("  " + body[:2000] + ("…" if len(body) > 2000 else "")))
