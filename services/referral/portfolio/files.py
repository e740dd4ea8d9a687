"""Portfolio files: what providers have said of their offers, as TOML (docs/portfolio.md).

A bad file is refused with file, line, key and reason, and nothing of it is stated.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from services.referral.data_files import ID_PATTERN, Problem, Read, read
from services.referral.portfolio.register import Kind, State, Statement
from services.referral.programme_format import Day, Id, NameIn, Text
from services.referral.programme_lines import Loc
from services.referral.programme_policy import Portfolio

Long = Annotated[str, Field(min_length=1, max_length=2000)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NamedOffer(_Form):
    """[[offer]]: an offer that is no programme, with its name."""

    id: Id
    name: NameIn


class OfferIn(_Form):
    """[[provider.offer]]: how far one offer has come."""

    id: Id
    state: State
    what: Long | None = None
    opened: Long | None = None
    to_whom: Long | None = None
    instead: tuple[Id, ...] = ()


class ProviderIn(_Form):
    """[[provider]]: who offers."""

    code: Annotated[str, Field(pattern=ID_PATTERN, max_length=40)]
    name: Text
    kind: Kind
    offer: tuple[OfferIn, ...] = Field(min_length=1)


class PortfolioFile(_Form):
    """A portfolio file: who said it, when, of whom. `survey`: the id of the survey it answers."""

    source: Text
    day: Day | None = None
    survey: Id | None = None
    offer: tuple[NamedOffer, ...] = ()
    provider: tuple[ProviderIn, ...] = Field(min_length=1)


def read_file(path: Path, programmes: Portfolio) -> tuple[tuple[Statement, ...], list[Problem]]:
    """The statements of a file, or what is wrong with it (then no statement is made)."""
    one = read(path, PortfolioFile, _faults)
    problems = [*one.problems, *_unknown(one, programmes)]
    if one.file is None or problems:
        return (), sorted(problems)
    return tuple(_statements(one.file, programmes)), []


def read_files(path: Path, programmes: Portfolio) -> tuple[tuple[Statement, ...], list[Problem]]:
    """As `read_file`, of a file or of all files of a folder; each provider says an offer once."""
    if not path.is_dir():
        return read_file(path, programmes)
    files = sorted(path.glob("*.toml"))
    if not files:
        return (), [Problem(str(path), 1, "", "holds no portfolio file (*.toml)")]
    statements: dict[tuple[str, str], Statement] = {}
    problems: list[Problem] = []
    for each in files:
        found, wrong = read_file(each, programmes)
        problems += wrong
        for one in found:
            if one.key in statements:
                twice = f"{one.provider} states {one.offer} in another file too"
                problems.append(Problem(str(each), 1, "provider", twice))
            statements[one.key] = one
    return (tuple(statements.values()), []) if not problems else ((), sorted(problems))


def _faults(file: PortfolioFile) -> Iterator[tuple[Loc, str]]:
    names: set[str] = set()
    for index, named in enumerate(file.offer):
        if named.id in names:
            yield ("offer", index, "id"), f"{named.id} stands here twice"
        names.add(named.id)
    providers: set[str] = set()
    for index, provider in enumerate(file.provider):
        if provider.code in providers:
            yield ("provider", index, "code"), f"{provider.code} stands here twice"
        providers.add(provider.code)
        said: set[str] = set()
        for place, offer in enumerate(provider.offer):
            loc: Loc = ("provider", index, "offer", place)
            if offer.id in said:
                yield (*loc, "id"), f"{provider.code} states {offer.id} twice"
            said.add(offer.id)
            yield from _offer(loc, provider, offer)


def _offer(loc: Loc, provider: ProviderIn, offer: OfferIn) -> Iterator[tuple[Loc, str]]:
    if offer.instead and offer.state is State.ESTABLISHED:
        yield (*loc, "instead"), "what is established needs nobody instead"
    if provider.code in offer.instead:
        yield (*loc, "instead"), "a provider doesn't take its own orders instead"
    told = {"what": offer.what, "opened": offer.opened, "to_whom": offer.to_whom}
    if provider.kind is Kind.HOSPITAL and offer.state is State.ESTABLISHED:
        for key, value in told.items():
            if value is None:
                yield (*loc, key), "is missing: a hospital says what, when and to whom"


def _unknown(one: Read[PortfolioFile], programmes: Portfolio) -> Iterator[Problem]:
    if one.file is None:
        return
    named = {offer.id for offer in one.file.offer}
    for index, offer in enumerate(one.file.offer):
        if offer.id in programmes.programmes:
            yield one.problem(("offer", index, "id"), f"{offer.id} is a programme and has its name")
    for index, provider in enumerate(one.file.provider):
        for place, said in enumerate(provider.offer):
            if said.id not in named and said.id not in programmes.programmes:
                reason = f"there is no programme {said.id}, nor an [[offer]] of that id here"
                yield one.problem(("provider", index, "offer", place, "id"), reason)


def _statements(file: PortfolioFile, programmes: Portfolio) -> Iterator[Statement]:
    names = {offer.id: offer.name.da for offer in file.offer}
    for provider in file.provider:
        for one in provider.offer:
            programme = programmes.programmes.get(one.id)
            yield Statement(
                provider=provider.code,
                provider_name=provider.name,
                kind=provider.kind,
                offer=one.id,
                offer_name=programme.name.da if programme is not None else names[one.id],
                state=one.state,
                day=file.day,
                source=file.source,
                what=one.what,
                opened=one.opened,
                to_whom=one.to_whom,
                instead=one.instead,
                survey=file.survey,
            )
