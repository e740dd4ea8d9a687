"""Versioned templates: `templates/<name>/<version>/<da|en>/{email,subject,sms}.txt` (Jinja2)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jinja2 import FileSystemLoader, StrictUndefined, TemplateSyntaxError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.notifications.message import (
    Channel,
    Facts,
    Template,
)
from services.notifications.settings import Municipality
from services.notifications.sms import fits_one_part, to_gsm7
from services.notifications.wording import (
    LANGUAGES,
    Language,
    Value,
    place_choices,
    values,
)

FOLDER: Final = Path(__file__).parent / "templates"
PARTS: Final = ("email", "subject", "sms")
# Every name that a template may use: a misspelt one is found when the service starts.
NAMES: Final = frozenset(
    {
        "name",
        "child",
        "sender",
        "phone",
        "first_contact",
        "at_home",
        "transport",
        "inside_limit",
        "limit",
    }
    | {"reason", "code", "alternatives", "ends", "when", "when_short", "place"}
    | {"previous_when", "previous_short"}
)
_BLANK_LINES: Final = re.compile(r"\n\s*\n(\s*\n)+")


class TemplateError(Exception):
    """A template is missing or wrong; the message names the file and what to do."""


class MissingValues(Exception):
    """The facts lack what the template names."""

    def __init__(self, template: str, names: frozenset[str]) -> None:
        super().__init__(f"{template} needs {', '.join(sorted(names))}")
        self.names = names


class TooLong(Exception):
    """The text does not fit one text message, however short its place is written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A finished text. `subject` is "" for text messages."""

    channel: Channel
    language: Language
    subject: str
    text: str


class Templates:
    """All templates of a folder, parsed and checked once. Raises TemplateError."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._env = ImmutableSandboxedEnvironment(
            loader=FileSystemLoader(folder),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            autoescape=False,  # plain text; values are cleaned of control characters
            auto_reload=False,
            cache_size=-1,
        )
        self._needs: dict[str, frozenset[str]] = {}
        self._versions: dict[Template, tuple[int, ...]] = {}
        for template in Template:
            versions = sorted(
                int(path.name)
                for path in (folder / template).glob("*")
                if path.is_dir() and path.name.isdigit()
            )
            if not versions:
                raise TemplateError(f"{folder / template} holds no version; make {template}/1/")
            self._versions[template] = tuple(versions)
            for version in versions:
                for language in LANGUAGES:
                    for part in PARTS:
                        self._check(folder, f"{template}/{version}/{language}/{part}.txt")

    def _check(self, folder: Path, name: str) -> None:
        try:
            source = (folder / name).read_text(encoding="utf-8")
            needs = frozenset(meta.find_undeclared_variables(self._env.parse(source)))
        except FileNotFoundError:
            raise TemplateError(f"{folder / name} is missing; every version has it") from None
        except TemplateSyntaxError as error:
            raise TemplateError(f"{folder / name}, line {error.lineno}: {error.message}") from None
        if unknown := needs - NAMES:
            raise TemplateError(
                f"{folder / name} uses {', '.join(sorted(unknown))}, which nothing fills in; "
                f"known are {', '.join(sorted(NAMES))}"
            )
        self._needs[name] = needs

    def versions(self, template: Template) -> tuple[int, ...]:
        """The versions there are, oldest first; a waiting message keeps the one it was made for."""
        return self._versions[template]

    def current(self, template: Template) -> int:
        """The version that new messages get."""
        return self._versions[template][-1]

    def render(
        self,
        template: Template,
        version: int,
        channel: Channel,
        facts: Facts,
        *,
        municipality: Municipality,
        name: str,
        language: Language,
        first_contact: bool,
        child: str = "",
    ) -> Rendered:
        """The finished text; with `child` to somebody who holds custody of whom it names.

        Raises MissingValues, TooLong, or TemplateError (no such version)."""
        filled = values(
            facts,
            municipality=municipality,
            name=name,
            language=language,
            first_contact=first_contact,
            child=child,
        )
        folder = f"{template}/{version}/{language}"
        if channel is Channel.EMAIL:
            self._require(folder, ("subject", "email"), filled)
            return Rendered(
                channel=channel,
                language=language,
                subject=" ".join(self._fill(f"{folder}/subject.txt", filled).split()),
                text=_tidy(self._fill(f"{folder}/email.txt", filled)) + "\n",
            )
        self._require(folder, ("sms",), {**filled, "place": ""})
        text = ""
        for place in place_choices(facts, language):
            filled["place"] = place
            text = to_gsm7(" ".join(self._fill(f"{folder}/sms.txt", filled).split()))
            if fits_one_part(text):
                return Rendered(channel=channel, language=language, subject="", text=text)
        raise TooLong(f"{folder}/sms.txt: {len(text)} letters")

    def _require(self, folder: str, parts: Sequence[str], filled: Mapping[str, Value]) -> None:
        missing: set[str] = set()
        for part in parts:
            needs = self._needs.get(f"{folder}/{part}.txt")
            if needs is None:
                raise TemplateError(f"there is no {folder}/{part}.txt; released versions are kept")
            missing |= needs - filled.keys()
        if missing:
            raise MissingValues(folder, frozenset(missing))

    def _fill(self, name: str, filled: Mapping[str, Value]) -> str:
        return self._env.get_template(name).render(filled)


def _tidy(text: str) -> str:
    """Blocks that were left out leave their blank lines behind."""
    return _BLANK_LINES.sub("\n\n", text).strip()
