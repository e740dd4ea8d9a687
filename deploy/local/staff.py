"""Sample members of staff for a stack on one machine; a municipality writes its own file."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from deploy.local.state import State, write_private
from shared.staff import EVERYBODY, Member, hash_of, new_token

FILE: Final = "staff.toml"
_PLACES: Final = {"730": "Randers", "316": "Holbæk"}
_PEOPLE: Final = {
    # role: (name, unit). All names are made up.
    "desk": ("Karen Prøve", "Visitationen"),
    "therapist": ("Jens Prøve", "Genoptræningen"),
    "planner": ("Åse Prøve", "Planlægningen"),
    "privacy": ("Lis Prøve", "Databeskyttelse"),
}

SAMPLES: Final = (
    *(
        Member(
            id=f"{provider}-{role}",
            name=name,
            role=role,
            unit=f"{unit}, {place}",
            provider=provider,
        )
        for provider, place in _PLACES.items()
        for role, (name, unit) in _PEOPLE.items()
    ),
    Member(
        id="fysioterapi-randers",
        name="Ida Prøve",
        role="supplier",
        unit="Fysioterapien Prøvegade",
        provider="fysioterapi-randers",
    ),
    Member(
        id="coordinator",
        name="Bo Prøve",
        role="coordinator",
        unit="Tværsektorielt samarbejde",
        provider=EVERYBODY,
    ),
)
"""Who works at the referral desk, trains and plans for each of the two sample municipalities, who
answers for the sample supplier, and who keeps the portfolio for all."""


def token(state: State, member: str) -> str:
    """A sample member's bearer token; the same at the next start."""
    return state.secret(f"staff.{member}", new_token)


def write_staff_file(state: State) -> Path:
    """Writes the staff file of the sample members; leaves one alone that says the same."""
    path = state.folder / FILE
    text = "# Sample members of staff. `genvej credentials` shows their tokens.\n" + "".join(
        "\n[[member]]\n"
        f'id = "{one.id}"\nname = "{one.name}"\nrole = "{one.role}"\nunit = "{one.unit}"\n'
        f'provider = "{one.provider}"\nsha256 = "{hash_of(token(state, one.id))}"\n'
        for one in SAMPLES
    )
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_private(path, text)
    return path
