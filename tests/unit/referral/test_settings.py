"""A wrong setting is named by its variable, and never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.referral.settings import ReferralSettings
from shared.settings import SettingsError
from tests.unit.referral.factories import ROOT, a_key

GOOD = {
    "GENVEJ_KAFKA": "127.0.0.1:1",
    "GENVEJ_TOPICS": str(ROOT / "deploy" / "topics.toml"),
    "GENVEJ_MUNICIPALITIES": str(ROOT / "deploy" / "municipalities"),
    "GENVEJ_REFERRAL_DSN": "postgresql://referral:secret@127.0.0.1/referral",
    "GENVEJ_REFERRAL_PORT": "0",
    "GENVEJ_REFERRAL_VAULT_KEYS": f"k1:{a_key('vault')}",
    "GENVEJ_CITIZENS_KEYS": f"k1:{a_key('citizens')}",
    "GENVEJ_REFERRAL_ID_KEY": a_key("id"),
    "GENVEJ_REFERRAL_CPR_KEY": a_key("cpr"),
}


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.usefixtures("environment")
def test_the_environment_is_enough() -> None:
    settings = ReferralSettings.load()
    assert settings.municipalities == Path(GOOD["GENVEJ_MUNICIPALITIES"])


@pytest.mark.parametrize("name", GOOD)
def test_a_missing_setting_is_named(environment: pytest.MonkeyPatch, name: str) -> None:
    environment.delenv(name)
    field = name.removeprefix("GENVEJ_").removeprefix("REFERRAL_")
    with pytest.raises(SettingsError, match=rf"GENVEJ_(REFERRAL_)?{field} is not set"):
        ReferralSettings.load()


@pytest.mark.parametrize(
    "name", ["GENVEJ_REFERRAL_ID_KEY", "GENVEJ_REFERRAL_CPR_KEY", "GENVEJ_CITIZENS_KEYS"]
)
@pytest.mark.parametrize("value", ["short", "c2hvcnQ=", "æøå"])
def test_a_wrong_key_is_named_and_not_shown(
    environment: pytest.MonkeyPatch, name: str, value: str
) -> None:
    environment.setenv(name, value)
    with pytest.raises(SettingsError) as raised:
        ReferralSettings.load()
    assert name.rsplit("_", 2)[-2] in str(raised.value)
    assert value not in str(raised.value)


def test_every_setting_of_the_service_is_described() -> None:
    for name, field in ReferralSettings.model_fields.items():
        assert field.description, name
