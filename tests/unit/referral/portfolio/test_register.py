"""Where an order goes by the register, and what the portfolio files say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from deploy.cli.main import app
from services.referral.commands import Case
from services.referral.domain import decide
from services.referral.facts import OrderPlaced, Received, WorkOpened
from services.referral.facts_choice import FreeChoiceOpened
from services.referral.portfolio.files import read_file, read_files
from services.referral.portfolio.register import (
    Kind,
    Register,
    Route,
    State,
    Statement,
    Way,
    figures,
    route,
)
from tests.unit.referral.factories import NOW, PORTFOLIO, ROOT, a_plan, facts_of, taking

FILES = ROOT / "deploy" / "portfolio"
GOOD = """\
source = "Holbæk Kommune"

[[offer]]
id = "back-team"
name = { da = "Rygteam", en = "Back team" }

[[provider]]
code = "316"
name = "Holbæk Kommune"
kind = "municipality"
offer = [{ id = "back-team", state = "established" }]
"""


def an_offer(
    provider: str, state: State, offer: str = "back-school", **other: Any
) -> dict[tuple[str, str], Statement]:
    one = Statement(
        **{
            "provider": provider,
            "provider_name": provider,
            "kind": Kind.MUNICIPALITY,
            "offer": offer,
            "offer_name": offer,
            "state": state,
            "source": "a test",
            **other,
        }
    )
    return {one.key: one}


NOT = State.NOT_ESTABLISHED
MOVED = an_offer("316", NOT, instead=("730", "851"))


@pytest.mark.parametrize(
    ("register", "expected"),
    [
        ({}, Route("316", Way.UNSTATED)),
        (an_offer("316", State.ESTABLISHED), Route("316", Way.ESTABLISHED)),
        (an_offer("316", State.NOT_ESTABLISHED), Route(None, Way.NOBODY)),
        (an_offer("316", State.IN_DEVELOPMENT), Route(None, Way.NOBODY)),
        (an_offer("316", State.NOT_ANSWERED), Route(None, Way.NOBODY)),
        (MOVED, Route(None, Way.NOBODY)),
        (MOVED | an_offer("851", State.ESTABLISHED), Route("851", Way.AGREED)),
        (
            MOVED | an_offer("851", State.ESTABLISHED) | an_offer("730", State.ESTABLISHED),
            Route("730", Way.AGREED, others=("851",)),
        ),
        (MOVED | an_offer("730", State.IN_DEVELOPMENT), Route(None, Way.NOBODY)),
        (
            MOVED | an_offer("730", State.ESTABLISHED, kind=Kind.HOSPITAL),
            Route(None, Way.NOBODY),
        ),
        (an_offer("316", NOT, offer="mastery"), Route("316", Way.UNSTATED)),
    ],
)
def test_an_order_goes_where_the_programme_is_established(
    register: Register, expected: Route
) -> None:
    assert route(register, "316", "back-school") == expected


def test_a_plan_goes_to_whom_the_route_names() -> None:
    command = taking(a_plan())
    routed = facts_of(decide(Case(), _with(command, Route("730", Way.AGREED)), NOW))
    received = next(fact for fact in routed if isinstance(fact, Received))
    assert received.referral.provider == "730"
    assert any(isinstance(fact, OrderPlaced) for fact in routed)


def test_what_nobody_offers_is_not_ordered_but_looked_at_and_free_choice_opens() -> None:
    facts = facts_of(decide(Case(), _with(taking(a_plan()), Route(None, Way.NOBODY)), NOW))
    assert not any(isinstance(fact, OrderPlaced) for fact in facts)
    (work,) = (fact for fact in facts if isinstance(fact, WorkOpened))
    assert (work.reason, work.about) == ("not-established", "p140-almen")
    (opened,) = (fact for fact in facts if isinstance(fact, FreeChoiceOpened))
    assert opened.reason == "infeasible"


def _with(command: Any, way: Route) -> Any:
    fields = {name: getattr(command, name) for name in command.__dataclass_fields__}
    return type(command)(**{**fields, "route": way})


def test_the_survey_of_19_municipalities_is_reproduced() -> None:
    statements, problems = read_files(FILES, PORTFOLIO)
    assert not problems
    found = {
        one.offer: tuple(one.counts[state] for state in State)
        for one in figures(one for one in statements if one.survey == "back-pain-19")
    }
    assert found == {"back-team": (1, 11, 1, 6), "back-counselling": (1, 4, 5, 9)}


def test_the_report_says_the_figures_and_their_source() -> None:
    arguments = ["portfolio", "report", "--survey", "back-pain-19", "--from", str(FILES)]
    said = CliRunner().invoke(app, arguments)
    assert said.exit_code == 0
    rows = [line.split() for line in said.output.splitlines()]
    assert ["back-team", "1", "11", "1", "6", "19"] in rows
    assert ["back-counselling", "1", "4", "5", "9", "19"] in rows
    assert "Source: Survey of 19 municipalities" in said.output


def test_hospitals_stand_in_the_same_portfolio_with_what_when_and_to_whom() -> None:
    statements, _ = read_files(FILES, PORTFOLIO)
    told = [one for one in statements if one.kind is Kind.HOSPITAL and one.state == "established"]
    assert len({one.provider for one in told}) == 2
    assert all(one.what and one.opened and one.to_whom for one in told)


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (changed("established", "ready"), ":11: provider[0].offer[0].state: input should be"),
        (changed("source", "sauce"), ":1: sauce: is no key here; did you mean source?"),
        (changed("316", "Holbæk!"), ":8: provider[0].code: should be words of lower-case"),
        (
            changed('id = "back-team", s', 'id = "back-tame", s'),
            ":11: provider[0].offer[0].id: there is no programme back-tame",
        ),
        (
            changed('[{ id = "back-team", state = "established" }]', "[]"),
            ":11: provider[0].offer: should hold at least one",
        ),
        (
            changed("}]", '}, { id = "back-team", state = "established" }]'),
            ":11: provider[0].offer[1].id: 316 states back-team twice",
        ),
        (
            changed('established" }', 'established", instead = ["730"] }'),
            ":11: provider[0].offer[0].instead: what is established needs nobody instead",
        ),
        (
            changed('"municipality"', '"hospital"'),
            ":11: provider[0].offer[0].opened: is missing: a hospital says what, when",
        ),
        (changed('id = "back-team"\n', 'id = "mastery"\n'), ":4: offer[0].id: mastery is a prog"),
        (changed("[[offer]]", "[[offer]"), ":3: is no TOML"),
    ],
)
def test_a_bad_file_is_refused_with_file_line_key_and_reason(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "portfolio.toml"
    path.write_text(text, encoding="utf-8")
    statements, problems = read_file(path, PORTFOLIO)
    assert not statements
    assert any(str(one).startswith(f"{path}{said}") for one in problems), problems


def test_a_provider_states_an_offer_in_one_file_only(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.toml").write_text(GOOD, encoding="utf-8")
    _, problems = read_files(tmp_path, PORTFOLIO)
    assert [one.reason for one in problems] == ["316 states back-team in another file too"]
