"""`genvej sample` and `genvej credentials`: what a sender needs for a first try."""

from __future__ import annotations

import sys
import uuid
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Annotated

import typer

from deploy.cli.connection import CLUSTER_FILE, access_for, local_state
from deploy.cli.errors import CommandError
from deploy.cli.services import service_url
from deploy.demo.documents import fhir_plan, ggop_plan
from deploy.demo.fhir_referral import fhir_referral
from deploy.demo.xref15 import xref15
from deploy.local.senders import senders_file, token_of
from deploy.local.staff import SAMPLES, token
from services.gateway.senders import doors_of
from shared.topics import load


class Format(StrEnum):
    """What a sample is: a hospital's plan in two formats, a GP's referral in two."""

    FHIR = "fhir"
    GGOP = "ggop"
    REFERRAL = "referral"
    XREF15 = "xref15"


def sample(
    format: Annotated[  # noqa: A002 - the option's name
        Format, typer.Option(help="A hospital's plan (fhir, ggop), or a GP's referral.")
    ] = Format.FHIR,
    discharge: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Day of discharge (default: today)."),
    ] = None,
) -> None:
    """Print a rehabilitation plan for MedCom's test person Ruddi, to Holbæk, under a new id.

    Send it with: genvej sample | genvej publish - --hospital 100000000000316. A GP's referral, as
    FHIR or as MedCom XREF15, is of the test person Einer, with low back pain; send it with:
    genvej sample --format xref15 | genvej publish - --sender gp-testgade
    """
    now = datetime.now(UTC)
    day: date = discharge.date() if discharge else now.astimezone().date()
    phone = "+447700900100"  # of the range that Ofcom keeps free for fiction
    if format is Format.FHIR:
        document = fhir_plan(
            document_id=str(uuid.uuid4()),
            discharge_date=day,
            authored=day,
            sent_at=now,
            phone=phone,
        )
    elif format is Format.REFERRAL:
        document = fhir_referral(document_id=str(uuid.uuid4()), asked=day, sent_at=now, phone=phone)
    elif format is Format.XREF15:
        document = xref15(document_id=uuid.uuid4().hex[:14], asked=day, sent_at=now)
    else:
        document = ggop_plan(
            document_id=uuid.uuid4().hex[:14],
            contact_start=day,
            discharge_date=day,
            authored=day,
            sent_at=now,
            phone=phone,
        )
    sys.stdout.buffer.write(document.rstrip(b"\n") + b"\n")


def credentials(
    principal: Annotated[
        str | None,
        typer.Argument(help="Such as hospital-100000000000316, roster-randers, ops or 730-desk."),
    ] = None,
    http: Annotated[
        bool, typer.Option("--http", help="For senders without Kafka: what curl reads (-K).")
    ] = False,
) -> None:
    """Print how a principal connects, in the form that kcat and other librdkafka clients read.

    With kcat: genvej credentials ops > ops.conf, then kcat -F ops.conf -C -t training. The file
    holds a password. For a member of staff it is the bearer token of the HTTP endpoints; without
    a principal, all members of the stack here with their tokens. With curl:
    genvej credentials hospital-100000000000316 --http > door.conf, then
    curl -K door.conf --data-binary @plan.json.
    """
    members = [one for one in SAMPLES if principal in {None, one.id}]
    if members:
        for one in members:
            secret = token(local_state(), one.id)
            print(secret if principal else f"{one.id:14} {one.role:10} {one.name:12} {secret}")
        return
    assert principal is not None
    if http:
        _http(principal)
        return
    access = access_for(principal)
    declared = load(CLUSTER_FILE).principals.get(principal)
    for prefix in declared.groups if declared else ():
        print(f"# {principal} may read in consumer groups whose group.id begins with {prefix}")
    for name, value in access.librdkafka().items():
        if name != "log_level":
            print(f"{name}={value}")


def _http(principal: str) -> None:
    """Prints the gateway's address and the sender's token. Raises CommandError."""
    known = doors_of(load(CLUSTER_FILE))
    if principal not in known:
        raise CommandError(f"{principal} is none of those who may send: {', '.join(sorted(known))}")
    state = local_state()
    senders_file(state, CLUSTER_FILE)  # one that was declared since the start is let in, too
    print(f'url = "{service_url("gateway")}/$process-message"')
    print(f'header = "Authorization: Bearer {token_of(state, principal)}"')
    print('header = "Content-Type: application/fhir+json"')
