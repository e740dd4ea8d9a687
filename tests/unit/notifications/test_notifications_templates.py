"""Every template in every language, by every channel: complete, neutral, and short enough."""

from __future__ import annotations

import itertools
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.notifications.message import Channel, Facts, Place, Slot, Template
from services.notifications.rendering import (
    FOLDER,
    MissingValues,
    Rendered,
    TemplateError,
    Templates,
)
from services.notifications.settings import Municipality
from services.notifications.sms import fits_one_part, is_gsm7
from services.notifications.wording import LANGUAGES, Language, language_of
from tests.unit.notifications.factories import FORBIDDEN, RANDERS

TEMPLATES = Templates()
# The longest name and the longest number of any Danish municipality.
LONGEST = Municipality(code="760", name="Ringkøbing-Skjern Kommune", phone="99 74 24 24")

# KL's own story: Ruddi is offered a first contact on 28 May 2022, inside the limit of 31 May.
RUDDIS_TIME = Slot(
    start=datetime(2022, 5, 28, 7, 0, tzinfo=UTC),
    end=datetime(2022, 5, 28, 8, 0, tzinfo=UTC),
    place=Place(name="Holbæk Sundhedscenter", address="Gl. Ringstedvej 1", postcode="4300"),
)
EARLIER = Slot(start=datetime(2022, 5, 27, 7, 0, tzinfo=UTC), end=None, place=RUDDIS_TIME.place)
STORY = Facts(
    slot=RUDDIS_TIME,
    previous=EARLIER,
    alternatives=(EARLIER,),
    transport=True,
    limit=date(2022, 5, 31),
    inside_limit=True,
    reason="capacity-gone",
)
EVERY = [
    pytest.param(
        template, version, language, channel, id=f"{template}-{version}-{language}-{channel}"
    )
    for template in Template
    for version in TEMPLATES.versions(template)
    for language in LANGUAGES
    for channel in Channel
]


def rendered(
    template: Template,
    version: int,
    language: Language,
    channel: Channel,
    facts: Facts = STORY,
    *,
    municipality: Municipality = RANDERS,
    first_contact: bool = True,
    child: str = "",
) -> Rendered:
    return TEMPLATES.render(
        template,
        version,
        channel,
        facts,
        municipality=municipality,
        name="Ruddi Test Berggren",
        language=language,
        first_contact=first_contact,
        child=child,
    )


def _variants() -> list[Facts]:
    return [
        Facts(
            slot=RUDDIS_TIME if not home else Slot(start=RUDDIS_TIME.start),
            previous=EARLIER,
            alternatives=(EARLIER, EARLIER) if others else (),
            at_home=home,
            transport=others,
            limit=date(2022, 5, 31) if limit else None,
            inside_limit=limit,
            reason=reason,
        )
        for home, others, limit, reason in itertools.product(
            (False, True),
            (False, True),
            (False, True),
            ("capacity-gone", "order-withdrawn", "entered-in-error"),
        )
    ]


@pytest.mark.parametrize(("template", "version", "language", "channel"), EVERY)
def test_every_text_is_neutral_and_names_who_writes_and_whom_to_call(
    template: Template, version: int, language: Language, channel: Channel
) -> None:
    for facts, first, child in itertools.product(
        _variants(), (False, True), ("", "Magnus Test") if version > 1 else ("",)
    ):
        text = rendered(
            template, version, language, channel, facts, first_contact=first, child=child
        )
        assert not FORBIDDEN.search(text.subject + text.text)
        assert "89 15 15 15" in text.text
        assert "Randers Kommune" in text.text
        assert "{" not in text.text
        assert "None" not in text.text
        assert (text.subject == "") == (channel is Channel.SMS)


@pytest.mark.parametrize(("template", "version", "language", "channel"), EVERY)
def test_every_text_about_a_session_tells_when(
    template: Template, version: int, language: Language, channel: Channel
) -> None:
    if not template.startswith("session-"):
        return
    text = rendered(template, version, language, channel).text
    assert ("09.00" if language == "da" else "09:00") in text
    assert ("28. maj" if language == "da" else "28 May") in text


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize(("language", "choice"), [("da", "anden kommune"), ("en", "municipality")])
@pytest.mark.parametrize("template", [Template.SESSION_OFFERED, Template.FREE_CHOICE_OPENED])
def test_the_first_contact_tells_of_the_choice_between_places_and_municipalities(
    template: Template, language: Language, choice: str, channel: Channel
) -> None:
    first = rendered(template, 1, language, channel).text
    later = rendered(template, 1, language, channel, first_contact=False).text
    assert choice in first
    assert len(later) < len(first)


@pytest.mark.parametrize("template", list(Template))
@pytest.mark.parametrize("language", LANGUAGES)
@given(
    name=st.text(min_size=1, max_size=200),
    address=st.text(max_size=200),
    minute=st.integers(0, 60 * 24 * 400),
    first=st.booleans(),
    reason=st.sampled_from(["capacity-gone", "order-withdrawn", "entered-in-error"]),
    child=st.sampled_from(["", "Magnus Test"]),
)
def test_every_text_message_fits_one_part_whatever_the_place_is_called(
    *,
    template: Template,
    language: Language,
    name: str,
    address: str,
    minute: int,
    first: bool,
    reason: str,
    child: str,
) -> None:
    start = datetime.fromtimestamp(1_650_000_000 + minute * 60, UTC)
    slot = Slot(start=start, place=Place(name=name, address=address))
    facts = Facts(slot=slot, previous=slot, reason=reason)
    for version in TEMPLATES.versions(template):
        text = rendered(
            template,
            version,
            language,
            Channel.SMS,
            facts,
            municipality=LONGEST,
            first_contact=first,
            child=child,
        ).text
        assert fits_one_part(text)
        assert is_gsm7(text)


def test_a_mail_says_what_a_text_leaves_out() -> None:
    mail = rendered(Template.SESSION_OFFERED, 1, "da", Channel.EMAIL)
    assert mail.subject == "Din tid hos Randers Kommune: lør 28. maj kl. 09.00"
    for part in (
        "Kære Ruddi Test Berggren",
        "lørdag den 28. maj 2022 kl. 09.00 til 10.00",
        "Holbæk Sundhedscenter, Gl. Ringstedvej 1, 4300",
        "Tag tøj og sko på",
        "fredag den 27. maj 2022 kl. 09.00",
        "Du har ret til kørsel",
    ):
        assert part in mail.text
    assert "\n\n\n" not in mail.text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", list(Template))
def test_who_holds_custody_reads_of_the_child_by_mail_and_no_name_in_a_text(
    template: Template, language: Language
) -> None:
    newest = TEMPLATES.current(template)
    mail = rendered(template, newest, language, Channel.EMAIL, child="Magnus Test")
    assert mail.text.startswith(("Kære Ruddi", "Dear Ruddi"))
    assert "Magnus Test" in mail.text
    assert "Magnus" not in mail.subject
    text = rendered(template, newest, language, Channel.SMS, child="Magnus Test").text
    assert "Magnus" not in text


@pytest.mark.parametrize("channel", Channel)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("template", [one for one in Template if one.startswith("evaluation-")])
def test_what_asks_for_answers_says_how_to_answer_by_a_code_and_holds_no_link(
    template: Template, language: Language, channel: Channel
) -> None:
    text = rendered(template, 1, language, channel, Facts(code="K3VQA-7TMPX")).text
    assert "K3VQA-7TMPX" in text
    assert "89 15 15 15" in text
    assert "http" not in text


def test_a_visit_at_home_prints_no_address() -> None:
    facts = Facts(slot=Slot(start=RUDDIS_TIME.start), at_home=True)
    for language, channel in itertools.product(LANGUAGES, Channel):
        text = rendered(Template.SESSION_OFFERED, 1, language, channel, facts).text
        assert ("hjem" if language == "da" else "home") in text


def test_a_place_whose_name_tells_what_is_trained_is_named_by_its_address_in_texts() -> None:
    place = Place(name="Lungeskolen", address="Bredgade 4", postcode="8870")
    facts = Facts(slot=Slot(start=RUDDIS_TIME.start, place=place))
    text = rendered(Template.SESSION_OFFERED, 1, "da", Channel.SMS, facts).text
    assert "Bredgade 4, 8870" in text
    assert "Lunge" not in text
    assert "Lungeskolen" in rendered(Template.SESSION_OFFERED, 1, "da", Channel.EMAIL, facts).text


def test_missing_values_are_named() -> None:
    with pytest.raises(
        MissingValues, match="session-offered/1/da needs place, when, when_short"
    ) as missing:
        rendered(Template.SESSION_OFFERED, 1, "da", Channel.EMAIL, Facts())
    assert missing.value.names == {"place", "when", "when_short"}


def test_a_version_that_is_gone_is_named() -> None:
    with pytest.raises(TemplateError, match="session-offered/99/da"):
        rendered(Template.SESSION_OFFERED, 99, "da", Channel.EMAIL)


def _copy(folder: Path) -> Path:
    for path in FOLDER.rglob("*.txt"):
        target = folder / path.relative_to(FOLDER)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    return folder


def test_a_new_version_is_taken_for_new_messages_and_the_old_one_is_kept(tmp_path: Path) -> None:
    folder = _copy(tmp_path)
    for path in list((folder / "session-moved" / "1").rglob("*.txt")):
        target = folder / "session-moved" / "3" / path.relative_to(folder / "session-moved" / "1")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text("{{ when }}", encoding="utf-8")
    templates = Templates(folder)
    assert templates.current(Template.SESSION_MOVED) == 3
    assert templates.versions(Template.SESSION_MOVED) == (1, 2, 3)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{{ wehn }}", "wehn, which nothing fills in"),
        ("{% if %}", "line 1"),
        (None, "is missing"),
    ],
)
def test_a_mistake_in_a_template_is_found_at_the_start(
    tmp_path: Path, content: str | None, complaint: str
) -> None:
    path = _copy(tmp_path) / "session-offered" / "1" / "en" / "sms.txt"
    if content is None:
        path.unlink()
    else:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(TemplateError, match=complaint):
        Templates(tmp_path)


def test_control_characters_in_others_values_do_not_reach_a_subject_or_a_text() -> None:
    place = Place(name="Bad\r\nBcc: all@example.com", address="\x00\x1b[2J")
    facts = Facts(slot=Slot(start=RUDDIS_TIME.start, place=place))
    sneaky = Municipality(code="730", name="Randers\r\nBcc: all@example.com", phone="1")
    mail = rendered(Template.SESSION_OFFERED, 1, "da", Channel.EMAIL, facts, municipality=sneaky)
    assert "\n" not in mail.subject
    assert "Bad Bcc" in mail.text
    assert "\x1b" not in mail.text


@pytest.mark.parametrize(
    ("tag", "language"),
    [("da", "da"), ("da-DK", "da"), ("fo", "da"), ("en", "en"), ("ar", "en"), ("", "en")],
)
def test_who_reads_danish_is_written_to_in_danish_and_others_in_english(
    tag: str, language: str
) -> None:
    assert language_of(tag) == language
