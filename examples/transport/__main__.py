"""Runs the transport office: python -m examples.transport."""

from __future__ import annotations

import sys

from examples.transport.office import SERVICE, TransportSettings
from shared.runtime import run
from shared.settings import SettingsError


def main() -> None:
    """Reads the environment and runs until SIGTERM; exits with 2 where a setting is wrong."""
    try:
        settings = TransportSettings.load()
    except SettingsError as error:
        print(f"transport: {error}", file=sys.stderr)
        sys.exit(2)
    run(SERVICE, settings)


if __name__ == "__main__":
    main()
