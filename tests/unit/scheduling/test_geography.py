"""How far it is from a postcode to a location."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.scheduling.geography import by_car, nearest_first, postcodes
from tests.unit.scheduling.checker import metres
from tests.unit.scheduling.factories import a_week

points = st.tuples(st.floats(54.5, 57.8), st.floats(8.0, 15.2))


@given(points, points)
@settings(deadline=None)
def test_the_way_by_car_is_1_3_times_the_great_circle(
    a: tuple[float, float], b: tuple[float, float]
) -> None:
    assert by_car(a, b) == pytest.approx(metres(a, b), abs=1)


def test_the_postcodes_of_the_demo_municipalities_are_known() -> None:
    randers = {8870, 8900, 8920, 8930, 8940, 8950, 8960, 8970, 8981, 8983, 8990}
    holbaek = {4300, 4340, 4350, 4420, 4440, 4450}
    assert {str(code) for code in randers | holbaek} <= postcodes().keys()


def test_every_known_postcode_lies_in_denmark() -> None:
    assert len(postcodes()) > 1000
    assert all(54.5 < lat < 57.8 and 8.0 < lon < 15.3 for lat, lon in postcodes().values())


def test_locations_come_nearest_first() -> None:
    places = [a_week(code).location for code in ("R", "L", "A")]
    sites, note = nearest_first("8870", places, postcodes())
    assert [site.code for site in sites] == ["L", "R", "A"]
    assert note == ""


def test_from_an_unknown_postcode_the_most_central_location_comes_first() -> None:
    places = [a_week(code).location for code in ("R", "L", "A")]
    sites, note = nearest_first("0000", places, postcodes())
    assert sites[0].code == "R"
    assert {site.distance_m for site in sites} == {None}
    assert "not known" in note
