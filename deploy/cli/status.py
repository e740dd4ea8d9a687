"""`genvej status`: how the services do, and what is behind."""

from __future__ import annotations

import json
from typing import Annotated, Any

import httpx
import typer
from rich.console import Console
from rich.table import Table

from deploy.cli.services import SERVICES, metrics, most, service_url, total

console = Console(highlight=False)


def status(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Show the services' health and what is behind.

    Exit status 0 when every service is ready, 1 otherwise.
    """
    rows = [state_of(service) for service in SERVICES]
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
    else:
        console.print(table(rows))
        for row in rows:
            for reason in row["reasons"]:
                console.print(f"{row['service']}: {reason}", style="yellow")
    raise typer.Exit(0 if all(row["status"] == "ready" for row in rows) else 1)


def state_of(service: str) -> dict[str, Any]:
    """One service's row."""
    url = service_url(service)
    try:
        health = httpx.get(url + "/health/ready", timeout=5).json()
        found = metrics(service)
    except (httpx.HTTPError, ValueError):
        return {
            "service": service,
            "url": url,
            "status": "down",
            "reasons": [f"nothing answers at {url}; its log says why"],
        }
    return {
        "service": service,
        "url": url,
        "status": health["status"],
        "reasons": health["reasons"],
        "lag_messages": int(total(found.get("genvej_consumer_lag_messages"))),
        "lag_seconds": round(most(found.get("genvej_consumer_lag_seconds")), 1),
        "outbox_rows": int(total(found.get("genvej_outbox_rows"))),
        "outbox_seconds": round(most(found.get("genvej_outbox_oldest_seconds")), 1),
        "parked": int(total(found.get("genvej_parked_rows"))),
        "parked_seconds": round(most(found.get("genvej_parked_oldest_seconds")), 1),
        "dead_letters": int(total(found.get("genvej_dead_letters_open"))),
        "halted_sources": int(total(found.get("genvej_source_halted"))),
    }


def table(rows: list[dict[str, Any]]) -> Table:
    """The rows as people read them."""
    shown = Table(box=None, pad_edge=False)
    for head in ("service", "status", "behind", "outbox", "parked", "dead", "address"):
        shown.add_column(head, overflow="fold", no_wrap=head == "address")
    for row in rows:
        colour = {"ready": "green", "unready": "yellow"}.get(row["status"], "bold red")
        cells = [row["service"], f"[{colour}]{row['status']}[/]"]
        if "lag_messages" in row:
            cells += [
                f"{row['lag_messages']} ({row['lag_seconds']:g} s)",
                f"{row['outbox_rows']} ({row['outbox_seconds']:g} s)",
                f"{row['parked']} ({row['parked_seconds']:g} s)",
                str(row["dead_letters"]),
            ]
        else:
            cells += ["-"] * 4
        shown.add_row(*cells, row["url"])
    return shown
