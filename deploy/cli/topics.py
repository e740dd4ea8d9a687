"""`genvej topics plan|apply`: makes any cluster hold what the cluster file says."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from deploy.cli.connection import CLUSTER_FILE, access_for, local_state
from deploy.cli.errors import CommandError
from deploy.topology.admin import Admin, TopologyError
from deploy.topology.plan import Change, summary
from shared.topics import Cluster, ClusterFileError, load

app = typer.Typer(
    no_args_is_help=True,
    help="Compare a cluster with the cluster file, and make it alike. Without GENVEJ_KAFKA the "
    "local stack's cluster is meant.",
)
console = Console(highlight=False)

File = Annotated[
    Path,
    typer.Option(
        "--file",
        "-f",
        envvar="GENVEJ_TOPICS",
        help="The cluster file (default: deploy/topics.toml).",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]


@app.command()
def plan(file: File = CLUSTER_FILE, as_json: AsJson = False) -> None:
    """Show how the cluster differs from the file. Changes nothing.

    Exit status 0: alike. 2: it differs.
    """
    cluster, admin = _cluster(file), Admin(access_for("admin"))
    try:
        changes = admin.plan(cluster)
    except TopologyError as error:
        raise CommandError(str(error)) from None
    _show(changes, as_json)
    raise typer.Exit(2 if any(change.action != "leave" for change in changes) else 0)


@app.command()
def apply(file: File = CLUSTER_FILE, as_json: AsJson = False) -> None:
    """Make the cluster what the file says. Safe to repeat; never removes a topic.

    A new principal's password is taken from GENVEJ_PASSWORD_<PRINCIPAL> (upper case, "_" for what
    is no letter or digit), or made by the local stack.
    """
    cluster, admin = _cluster(file), Admin(access_for("admin"))
    try:
        changes = admin.apply(cluster, _password)
    except TopologyError as error:
        raise CommandError(str(error)) from None
    _show(changes, as_json)
    refused = [change for change in changes if change.action == "refuse"]
    if refused:
        raise CommandError(f"{len(refused)} differences were left, because they would do harm")


def _cluster(file: Path) -> Cluster:
    try:
        return load(file)
    except ClusterFileError as error:
        raise CommandError(str(error)) from None


def _password(principal: str) -> str | None:
    name = "".join(c if c.isalnum() else "_" for c in principal.upper())
    given = os.environ.get(f"GENVEJ_PASSWORD_{name}")
    if given or os.environ.get("GENVEJ_KAFKA"):
        return given
    return local_state().secret(f"kafka.{principal}")


def _show(changes: list[Change], as_json: bool) -> None:
    for change in changes:
        if as_json:
            print(json.dumps({"action": change.action, "difference": change.line}))
        else:
            console.print(str(change))
    if not as_json:
        console.print(summary(changes))
