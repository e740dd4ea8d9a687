"""Reads the policy of assessments from its file; one that can't be used says where and why."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.referral.assessment_policy import (
    AXES,
    Anchor,
    Meeting,
    Policy,
    Rule,
    Scale,
    TrackRule,
)
from services.referral.programme import Days, Name
from services.referral.programme_terms import Delivery
from services.referral.terms import Track
from shared.files import read_toml
from shared.settings import SettingsError

DEFAULT: Final = Path(__file__).with_name("assessment.toml")
_LEAST: Final = -(2**15)
_MOST: Final = 2**15 - 1
Text = Annotated[str, Field(min_length=1, max_length=300)]


class AssessmentFileError(SettingsError):
    """The policy can't be used; the message is one line: file, key, reason."""


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Name(_Form):
    da: Text
    en: Text


class _Anchor(_Name):
    value: int = Field(ge=0, le=100)


class _Scale(_Form):
    name: _Name
    instrument: Text
    source: Text
    anchors: tuple[_Anchor, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        values = [one.value for one in self.anchors]
        if sorted(set(values)) != values:
            raise ValueError("anchors must stand from the least value to the greatest")
        return self


class _Bounds(_Form):
    min: int = _LEAST
    max: int = _MOST


class _Rule(_Form):
    track: Track
    because: Text
    complexity: _Bounds | None = None
    resources: _Bounds | None = None
    motivation: _Bounds | None = None
    readiness: _Bounds | None = None

    def bounds(self) -> dict[str, tuple[int, int]]:
        found: dict[str, _Bounds | None] = {axis: getattr(self, axis) for axis in AXES}
        return {axis: (one.min, one.max) for axis, one in found.items() if one is not None}


class _Meeting(_Name):
    minutes: int = Field(ge=5, le=600)
    delivery: Delivery = Delivery.LOCATION
    min_days: int = Field(default=0, ge=0, le=730)
    max_days: int = Field(default=14, ge=0, le=730)
    leaders: int = Field(default=1, ge=1, le=20)


class _Track(_Form):
    name: _Name
    individual: bool = False
    conference: _Meeting | None = None
    follow_up: _Meeting | None = None


class _Point(_Form):
    point: str = Field(pattern=r"^(midway|before-end)$")
    about: Text


class _Missing(_Form):
    days: int = Field(ge=1, le=60)


class _File(_Form):
    version: str = Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=60)
    scale: dict[str, _Scale]
    rule: tuple[_Rule, ...] = Field(min_length=1)
    track: dict[Track, _Track]
    reassess: tuple[_Point, ...] = ()
    missing: _Missing

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if set(self.scale) != set(AXES):
            raise ValueError(f"scale must be of {', '.join(AXES)}")
        if set(self.track) != set(Track):
            raise ValueError(f"track must be of {', '.join(Track)}")
        if self.rule[-1].bounds():
            raise ValueError("the last rule must fit everybody, so it names no axis")
        return self


def load(path: Path = DEFAULT) -> Policy:
    """The policy of a file. Raises AssessmentFileError."""
    file = read_toml(path, _File, AssessmentFileError)
    return Policy(
        version=file.version,
        scales={axis: _scale(file.scale[axis]) for axis in AXES},
        rules=tuple(
            Rule(track=one.track, because=one.because, bounds=one.bounds()) for one in file.rule
        ),
        tracks={track: _track(one) for track, one in file.track.items()},
        points={one.point: one.about for one in file.reassess},
        missing_days=file.missing.days,
    )


def _scale(form: _Scale) -> Scale:
    return Scale(
        name=_name(form.name),
        instrument=form.instrument,
        source=form.source,
        anchors=_anchors(form.anchors),
    )


def _anchors(forms: Sequence[_Anchor]) -> tuple[Anchor, ...]:
    return tuple(Anchor(value=one.value, name=_name(one)) for one in forms)


def _track(form: _Track) -> TrackRule:
    return TrackRule(
        name=_name(form.name),
        individual=form.individual,
        conference=_meeting(form.conference),
        follow_up=_meeting(form.follow_up),
    )


def _meeting(form: _Meeting | None) -> Meeting | None:
    if form is None:
        return None
    return Meeting(
        name=_name(form),
        minutes=form.minutes,
        delivery=form.delivery,
        after=Days(least=form.min_days, most=form.max_days),
        leaders=form.leaders,
    )


def _name(form: _Name) -> Name:
    return Name(da=form.da, en=form.en)
