"""Every setting that is missing or wrong is named, and no value is shown."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import ClassVar

import pytest

from shared.clock import Clock
from shared.crypto import generate_key
from shared.settings import ServiceSettings, SettingsError


class OfficeSettings(ServiceSettings):
    service: ClassVar[str] = "office"
    extra: int = 1


GOOD = {
    "GENVEJ_KAFKA": "127.0.0.1:9092",
    "GENVEJ_TOPICS": "topics.toml",
    "GENVEJ_OFFICE_DSN": "postgresql://office:secret@127.0.0.1/office",
    "GENVEJ_OFFICE_PORT": "8080",
    "GENVEJ_OFFICE_VAULT_KEYS": generate_key(),
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def test_the_services_own_variable_wins_over_the_shared_one(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("GENVEJ_OFFICE_KAFKA", "elsewhere:9092")
    environment.setenv("GENVEJ_EXTRA", "7")
    settings = OfficeSettings.load()
    assert settings.kafka == "elsewhere:9092"
    assert settings.extra == 7


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_variable_is_named(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.delenv(name)
    with pytest.raises(SettingsError, match=f"^{name} is not set"):
        OfficeSettings.load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("GENVEJ_OFFICE_PORT", "http"),
        ("GENVEJ_OFFICE_PORT", "70000"),
        ("GENVEJ_KAFKA_SECURITY", "NONE"),
        ("GENVEJ_CLOCK", "tomorrow"),
        ("GENVEJ_CLOCK", "2022-05-23T08:00:00"),
        ("GENVEJ_OFFICE_VAULT_KEYS", "k1:hunter2hunter2"),
    ],
)
def test_a_wrong_variable_is_named_and_its_value_is_not_shown(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)
    with pytest.raises(SettingsError, match=f"{name} is wrong") as caught:
        OfficeSettings.load()
    assert "hunter2" not in str(caught.value)


def test_secrets_are_not_shown(environment: pytest.MonkeyPatch) -> None:
    settings = OfficeSettings.load()
    assert "secret" not in repr(settings)


def test_a_clock_shows_another_day_and_ticks() -> None:
    real = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)
    clock = Clock.parse(
        "2022-05-23T08:00:00+02:00@2026-11-22T16:00:00Z", real=lambda: real + timedelta(hours=1)
    )
    assert clock.now() == datetime(2022, 5, 23, 7, 0, tzinfo=UTC)
    assert clock.from_real(real) == datetime(2022, 5, 23, 6, 0, tzinfo=UTC)


def test_without_a_setting_the_clock_is_the_machines() -> None:
    assert Clock.parse(None).shift == timedelta(0)
