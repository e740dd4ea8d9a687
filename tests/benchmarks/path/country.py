"""A made-up country for the bench: hospitals, municipalities, rosters and the cluster file.

The municipalities' codes are the real ones, everything else about them is neutral and drawn from a
seed: their names, their sizes, and which of Denmark's postcodes lie in them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

from deploy.demo.senders import Hospital, Municipality
from services.scheduling.geography import Point, postcodes

# Statistics Denmark's codes of the 98 municipalities.
CODES: Final = tuple(
    str(code)
    for code in (
        *(101, 147, 151, 153, 155, 157, 159, 161, 163, 165, 167, 169, 173, 175),
        *(183, 185, 187, 190, 201, 210, 217, 219, 223, 230, 240, 250, 253, 259),
        *(260, 265, 269, 270, 306, 316, 320, 326, 329, 330, 336, 340, 350, 360),
        *(370, 376, 390, 400, 410, 420, 430, 440, 450, 461, 479, 480, 482, 492),
        *(510, 530, 540, 550, 561, 563, 573, 575, 580, 607, 615, 621, 630, 657),
        *(661, 665, 671, 706, 707, 710, 727, 730, 740, 741, 746, 751, 756, 760),
        *(766, 773, 779, 787, 791, 810, 813, 820, 825, 840, 846, 849, 851, 860),
    )
)
SOURCE: Final = "danmark"
"""One roster system speaks for all municipalities."""
DEPARTMENTS: Final = 3
LOCATIONS: Final = 3
# Sessions that a therapist has inside a limit of seven days: some of these days are holidays.
SESSIONS_OF_A_THERAPIST: Final = 32
SLACK: Final = 2.0
"""How much more capacity there is than documents, so that most are offered inside the limit."""
_HOURS: Final = ", ".join(f"{day} 08:00-16:00" for day in ("mon", "tue", "wed", "thu", "fri"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """What was written, and who is in it. `rosters` are files as in deploy/demo/capacity."""

    cluster_file: Path
    municipality_files: Path
    rosters: tuple[Path, ...]
    hospitals: tuple[Hospital, ...]
    municipalities: tuple[Municipality, ...]


def make_country(
    folder: Path,
    cluster_file: Path,
    *,
    seed: int,
    municipalities: int,
    hospitals: int,
    documents: int,
) -> Country:
    """Writes a country that can take `documents` plans in one week.

    `cluster_file` is the one to take topics, profiles and principals from. Raises ValueError where
    there are more municipalities than codes.
    """
    if not 1 <= municipalities <= len(CODES):
        raise ValueError(f"there are {len(CODES)} municipalities, not {municipalities}")
    random = Random(f"path/{seed}")
    places = list(_postcodes(municipalities))
    sizes = [math.exp(random.gauss(0, 0.8)) for _ in range(municipalities)]
    found = tuple(
        Municipality(
            code=code,
            name=f"Kommune {code}",
            sor=f"100000000{code}016",
            ean=f"5790000000{code}",
            postcodes=tuple((postcode, f"By {postcode}") for postcode in near),
            weight=size,
        )
        for code, near, size in zip(CODES, places, sizes, strict=False)
    )
    senders = tuple(_hospital(number) for number in range(1, hospitals + 1))
    municipality_files, roster_files = folder / "municipalities", folder / "rosters"
    for room in (municipality_files, roster_files):
        room.mkdir(parents=True)
    for one in found:
        path = municipality_files / f"{one.code}.toml"
        path.write_text(_municipality_file(one), encoding="utf-8")
        therapists = math.ceil(
            SLACK * documents * one.weight / sum(sizes) / SESSIONS_OF_A_THERAPIST
        )
        path = roster_files / f"{one.code}.toml"
        path.write_text(_roster(one, max(LOCATIONS, therapists), random), encoding="utf-8")
    cluster = folder / "topics.toml"
    cluster.write_text(_cluster(cluster_file, senders, found), encoding="utf-8")
    return Country(
        cluster_file=cluster,
        municipality_files=municipality_files,
        rosters=tuple(sorted(roster_files.glob("*.toml"))),
        hospitals=senders,
        municipalities=found,
    )


def _postcodes(municipalities: int) -> Iterator[list[str]]:
    """Denmark's postcodes in order, cut into as many pieces."""
    known = sorted(postcodes())
    for number in range(municipalities):
        first = number * len(known) // municipalities
        yield known[first : (number + 1) * len(known) // municipalities]


def _hospital(number: int) -> Hospital:
    return Hospital(
        sor=f"1000000000{number:05d}",
        name=f"Sygehus {number}",
        ean=f"57900001{number:05d}",
        departments=tuple(
            (f"10000000{number:04d}{department}016", f"Afdeling {department}")
            for department in range(1, DEPARTMENTS + 1)
        ),
    )


def _municipality_file(one: Municipality) -> str:
    head = {"code": one.code, "name": one.name, "sor": one.sor, "ean": one.ean}
    provider = {"code": one.code, "sor": f"100000001{one.code}016", "name": f"Træning {one.code}"}
    # Told as soon as there is a time: the bench measures the way from a plan to its message.
    scheduling = "\n[scheduling]\n" + _lines({"tell": 60})
    return (
        _lines({**head, "phone": "70 10 10 10"}) + "\n[provider]\n" + _lines(provider) + scheduling
    )


def _roster(one: Municipality, therapists: int, random: Random) -> str:
    text = _lines({"provider": one.code, "source": SOURCE})
    known = postcodes()
    homes = random.sample([code for code, _ in one.postcodes], LOCATIONS)
    for number, postcode in enumerate(homes):
        code = f"{one.code}-{number + 1}"
        lat, lon = _near(known[postcode], random)
        text += "\n[[location]]\n" + _lines(
            {
                "code": code,
                "name": f"Træningssted {code}",
                "address": f"Vej {number + 1}",
                "postcode": postcode,
                "lat": lat,
                "lon": lon,
                "rooms": [f"Rum {room + 1}" for room in range(len(range(number, therapists, 3)))],
            }
        )
    for number in range(therapists):
        # Hardly one plan in a hundred asks for more than the general competence.
        more = ["specialiseret"] if number < LOCATIONS else []
        text += "\n[[therapist]]\n" + _lines(
            {
                "id": f"{one.code}-t{number + 1:03d}",
                "location": f"{one.code}-{number % LOCATIONS + 1}",
                "competences": ["almen", *more],
                "languages": ["da", "en"] if number % 3 == 0 else ["da"],
                "hours": _HOURS,
            }
        )
    return text


def _near(point: Point, random: Random) -> Point:
    """A place up to a kilometre or so away."""
    return tuple(round(degree + random.uniform(-0.01, 0.01), 4) for degree in point)  # type: ignore[return-value]


def _cluster(
    cluster_file: Path, hospitals: Sequence[Hospital], municipalities: Sequence[Municipality]
) -> str:
    """The cluster file with these hospitals and this roster system in place of its own."""
    blocks = re.split(r"(?m)^(?=\[\[)", cluster_file.read_text(encoding="utf-8"))
    kept = [block for block in blocks if not re.search(r'(?m)^kind = "(hospital|source)"', block)]
    parties = [
        "[[party]]\n"
        + _lines({"kind": "hospital", "code": one.sor, "name": one.name})
        + "[party.attributes]\n"
        + _lines({"ean": one.ean})
        + "departments = ["
        + ", ".join(f'{{ sor = "{sor}", name = "{name}" }}' for sor, name in one.departments)
        + "]\n\n"
        for one in hospitals
    ]
    roster = (
        "[[party]]\n"
        + _lines({"kind": "source", "code": SOURCE, "name": "Vagtplan"})
        + f"attributes = {{ providers = {json.dumps([one.code for one in municipalities])} }}\n\n"
    )
    return "".join([kept[0], *parties, roster, *kept[1:]])


def _lines(values: Mapping[str, object]) -> str:
    """Keys and values as TOML: JSON's strings, numbers and lists are TOML's, too."""
    return "".join(
        f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in values.items()
    )
