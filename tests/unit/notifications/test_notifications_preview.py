"""Every template can be looked at before it is sent, also from the command line."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from services.notifications.message import Channel, Template
from services.notifications.preview import as_text, preview
from services.notifications.rendering import TemplateError, Templates
from services.notifications.wording import LANGUAGES, Language

ROOT = Path(__file__).parents[3]
TEMPLATES = Templates()


@pytest.mark.parametrize("template", list(Template))
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("channel", list(Channel))
def test_every_template_has_a_preview(
    template: Template, language: Language, channel: Channel
) -> None:
    shown = as_text(preview(TEMPLATES, template, language, channel))
    assert "Holbæk Kommune" in shown
    assert ("Subject:" in shown) == (channel is Channel.EMAIL)


def test_a_preview_of_a_version_that_is_not_there_says_so() -> None:
    with pytest.raises(TemplateError, match="session-offered/9"):
        preview(TEMPLATES, Template.SESSION_OFFERED, "da", Channel.SMS, version=9)


def test_the_command_line_shows_a_preview_without_any_settings() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "services.notifications", "preview", "session-offered"),
            *("--language", "en", "--channel", "sms"),
        ],
        cwd=ROOT,
        env={},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("Holbæk Kommune: You have an appointment Sat 28 May at 09:00")
