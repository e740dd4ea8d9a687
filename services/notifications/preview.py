"""How a template looks when it is sent: `python -m services.notifications preview`.

The sample is KL's story of Ruddi (hl7dk/kl-gateway-rehab, input/pagecontent/example.md).
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Final

from services.notifications.message import Channel, Facts, Place, Slot, Template
from services.notifications.rendering import Rendered, Templates
from services.notifications.settings import Municipality
from services.notifications.sms import units
from services.notifications.wording import Language

_PLACE: Final = Place(name="Holbæk Sundhedscenter", address="Gl. Ringstedvej 34", postcode="4300")
SAMPLE: Final = Facts(
    slot=Slot(
        start=datetime(2022, 5, 28, 7, 0, tzinfo=UTC),
        end=datetime(2022, 5, 28, 8, 0, tzinfo=UTC),
        place=_PLACE,
    ),
    previous=Slot(start=datetime(2022, 5, 27, 7, 0, tzinfo=UTC), place=_PLACE),
    alternatives=(Slot(start=datetime(2022, 5, 28, 8, 0, tzinfo=UTC), place=_PLACE),),
    transport=True,
    limit=date(2022, 5, 31),
    reason="capacity-gone",
    code="K3VQA-7TMPX",
)
SAMPLE_MUNICIPALITY: Final = Municipality(code="316", name="Holbæk Kommune", phone="72 36 36 36")


def preview(
    templates: Templates,
    template: Template,
    language: Language,
    channel: Channel,
    *,
    version: int | None = None,
    child: str = "",
) -> Rendered:
    """A template, by default its newest version, filled with the sample.

    Raises MissingValues, TooLong or TemplateError as the sender's rendering does.
    """
    return templates.render(
        template,
        templates.current(template) if version is None else version,
        channel,
        SAMPLE,
        municipality=SAMPLE_MUNICIPALITY,
        name="Ruddi Test Berggren",
        language=language,
        first_contact=True,
        child=child,
    )


def as_text(rendered: Rendered) -> str:
    """For a terminal."""
    if rendered.channel is Channel.SMS:
        return f"{rendered.text}\n({units(rendered.text)} of 160 letters)\n"
    return f"Subject: {rendered.subject}\n\n{rendered.text}"
