"""`genvej publish FILE --hospital SOR`: sends a document as a hospital does."""

from __future__ import annotations

import asyncio
import json
import sys
import time
import uuid
from pathlib import Path
from typing import Annotated, Any

import typer
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from rich.console import Console

from deploy.cli import kafka
from deploy.cli.connection import access_for
from deploy.cli.errors import CommandError
from deploy.cli.receipts import Receipt, read_receipt
from deploy.cli.times import local

console = Console(highlight=False)


def publish(
    file: Annotated[
        Path,
        typer.Argument(help="A FHIR message Bundle (JSON) or GGOP XML; - reads standard input."),
    ],
    hospital: Annotated[str | None, typer.Option(help="The sending hospital's SOR number.")] = None,
    sender: Annotated[
        str | None, typer.Option(help="Who refers on another ground: gp-testgade.")
    ] = None,
    wait: Annotated[
        float, typer.Option(help="Seconds to wait for the receipt and the offer; 0 does not wait.")
    ] = 15.0,
    as_json: Annotated[
        bool, typer.Option("--json", help="The answers as JSON objects, one a line.")
    ] = False,
) -> None:
    """Send a document as a hospital or another sender does; show the receipt and the offer.

    Exit status 0: accepted. 3: refused, and the receipt says why. 1: no receipt came in time.
    """
    if (hospital is None) == (sender is None):
        raise CommandError("say who sends: --hospital SOR or --sender CODE")
    who = ("hospital", hospital) if hospital is not None else ("sender", sender or "")
    try:
        value = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise CommandError(f"{file} can't be read: {error.strerror}") from None
    raise typer.Exit(asyncio.run(_publish(value, who, wait, as_json)))


async def _publish(value: bytes, who: tuple[str, str], wait: float, as_json: bool) -> int:
    kind, code = who
    access = access_for(f"{kind}-{code}")
    correlation = str(uuid.uuid4())
    intake = f"{kind}.{code}.referrals"
    answers = [f"{kind}.{code}.receipts", f"{kind}.{code}.status"]
    async with kafka.reader(access, answers) as consumer, kafka.writer(access) as producer:
        await consumer.seek_to_end()
        await asyncio.gather(*[consumer.position(p) for p in consumer.assignment()])
        async with kafka.explained(access, intake):
            placed = await producer.send_and_wait(
                intake,
                value,
                key=correlation.encode(),
                headers=[
                    ("correlationid", correlation.encode()),
                    ("content-type", content_type(value)),
                ],
            )
        if not as_json:
            console.print(f"Sent to {intake}, offset {placed.offset}.")
        return await _answers(consumer, correlation, wait, as_json)


async def _answers(consumer: AIOKafkaConsumer, correlation: str, wait: float, as_json: bool) -> int:
    """Shows what comes back until the offer has come or the time is up."""
    started = time.monotonic()
    receipt: Receipt | None = None
    while (left := started + wait - time.monotonic()) > 0:
        for records in (await consumer.getmany(timeout_ms=min(200, int(left * 1000) + 1))).values():
            for record in records:
                if kafka.header(record, "ce_correlationid") != correlation:
                    continue
                after = time.monotonic() - started
                if record.topic.endswith(".receipts"):
                    receipt = read_receipt(record.value or b"")
                    show_receipt(receipt, after, as_json)
                    if receipt.outcome == "fatal-error":
                        return 3
                    if receipt.outcome == "ok" and receipt.problems:
                        continue  # an information outcome: there may be no offer to wait for
                else:
                    show_status(record, after, as_json)
                    return 0
    if receipt is None and wait > 0:
        raise CommandError(
            f"no receipt within {wait:g} s; the document is safe in Kafka and will be answered. "
            "See `genvej status` for what is behind"
        )
    if receipt is not None and not as_json:
        console.print(
            "No offer yet; `genvej watch` on the hospital's status topic shows it when it comes."
        )
    return 0


def content_type(value: bytes) -> bytes:
    """What the document looks like; the service decides for itself."""
    return b"application/fhir+json" if value.lstrip()[:1] in (b"{", b"[") else b"application/xml"


def show_receipt(receipt: Receipt, after: float, as_json: bool) -> None:
    """Prints the receipt's outcome and, for each problem, element and text."""
    if as_json:
        print(
            json.dumps(
                {"receipt": receipt.as_object(), "seconds": round(after, 3)}, ensure_ascii=False
            )
        )
        return
    style = {"ok": "bold green", "fatal-error": "bold red"}.get(receipt.outcome, "bold yellow")
    console.print(f"Receipt after {after:.2f} s: [{style}]{receipt.outcome}[/]")
    for problem in receipt.problems:
        console.print(
            f"  {problem.element}: {problem.text}" if problem.element else f"  {problem.text}"
        )


def show_status(record: ConsumerRecord[Any, Any], after: float, as_json: bool) -> None:
    """Prints what the hospital is told of the course: offered, when and where."""
    data = json.loads(record.value or b"{}")
    if as_json:
        print(json.dumps({"status": data, "seconds": round(after, 3)}, ensure_ascii=False))
        return
    where = (data.get("location") or {}).get("name", "")
    state = f"[bold green]{data.get('state')}[/]"
    console.print(f"Status after {after:.2f} s: {state} {local(data.get('start'))} {where}")
