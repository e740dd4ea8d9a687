"""Runs the service: `python -m services.notifications`."""

from __future__ import annotations

import sys

from services.notifications.app import build
from services.notifications.rendering import TemplateError
from services.notifications.settings import NotificationSettings
from shared.runtime import run
from shared.settings import SettingsError


def main() -> None:
    """Reads the environment and runs until it is told to stop."""
    try:
        settings = NotificationSettings.load()
        service = build(settings)
    except (SettingsError, TemplateError) as error:
        print(f"notifications: {error}", file=sys.stderr)
        sys.exit(2)
    run(service, settings)


if __name__ == "__main__":
    main()
