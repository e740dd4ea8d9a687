"""Runs the service: `python -m services.gateway`."""

from __future__ import annotations

import sys

from services.gateway.app import service
from services.gateway.settings import GatewaySettings
from shared.runtime import run
from shared.settings import SettingsError
from shared.topics import ClusterFileError


def main() -> None:
    """Reads the environment and runs until SIGTERM; exits with 2 where a setting is wrong."""
    try:
        settings = GatewaySettings.load()
        declared = service(settings)
    except (SettingsError, ClusterFileError) as error:
        print(f"gateway: {error}", file=sys.stderr)
        sys.exit(2)
    run(declared, settings)


if __name__ == "__main__":
    main()
