"""The gateway's senders on this machine: a token for each, and the file that the gateway reads."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

from deploy.local.state import State, write_private
from services.gateway.senders import doors_of
from shared.topics import load

_FILE: Final = "senders.toml"


def token_of(state: State, principal: str) -> str:
    """A sender's token; made when first asked for."""
    return state.secret(f"gateway.token.{principal}")


def senders_file(state: State, cluster: Path) -> Path:
    """Writes who may send through the gateway: every sender that the cluster file has a door for.

    Raises ClusterFileError.
    """
    lines = ["# Written by the launcher. The tokens are in state.json: genvej credentials --http"]
    for principal in sorted(doors_of(load(cluster))):
        digest = hashlib.sha256(token_of(state, principal).encode()).hexdigest()
        lines += ["", "[[sender]]", f'principal = "{principal}"', f'sha256 = ["{digest}"]']
    path = state.folder / _FILE
    text = "\n".join(lines) + "\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_private(path, text)
    return path
