"""Who sends plans and who gets them, as the cluster file and the municipality files name them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Hospital:
    """A hospital with its own topic. `departments`: (SOR, name) of those who may send on it."""

    sor: str
    name: str
    ean: str
    departments: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Municipality:
    """A receiver of plans. `postcodes`: (code, district); `weight`: its share of the plans."""

    code: str
    name: str
    sor: str
    ean: str
    postcodes: tuple[tuple[str, str], ...]
    weight: float = 1.0


# The municipalities' real postcodes (PyPI countrystatecity-postal-codes; Postnord's districts).
POSTCODES: Final = {
    "316": (
        ("4300", "Holbæk"),
        ("4340", "Tølløse"),
        ("4350", "Ugerløse"),
        ("4370", "Store Merløse"),
        ("4390", "Vipperød"),
        ("4420", "Regstrup"),
        ("4440", "Mørkøv"),
        ("4450", "Jyderup"),
        ("4520", "Svinninge"),
    ),
    "730": (
        ("8870", "Langå"),
        ("8900", "Randers C"),
        ("8920", "Randers NV"),
        ("8930", "Randers NØ"),
        ("8940", "Randers SV"),
        ("8960", "Randers SØ"),
        ("8970", "Havndal"),
        ("8981", "Spentrup"),
        ("8983", "Gjerlev J"),
        ("8990", "Fårup"),
    ),
}
# Inhabitants in thousands, rounded: Randers has more plans than Holbæk.
_WEIGHTS: Final = {"316": 73.0, "730": 98.0}


def hospitals(cluster_file: Path) -> tuple[Hospital, ...]:
    """The hospitals that the cluster file names. Raises OSError and tomllib.TOMLDecodeError."""
    parties = tomllib.loads(cluster_file.read_text(encoding="utf-8"))["party"]
    return tuple(
        Hospital(
            sor=party["code"],
            name=party["name"],
            ean=party["attributes"]["ean"],
            departments=tuple(
                (department["sor"], department["name"])
                for department in party["attributes"]["departments"]
            ),
        )
        for party in parties
        if party["kind"] == "hospital"
    )


def municipalities(folder: Path) -> tuple[Municipality, ...]:
    """The municipalities of a folder whose postcodes are known here. Raises as `hospitals`."""
    read = [
        tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.toml"))
    ]
    return tuple(
        Municipality(
            code=one["code"],
            name=one["name"],
            sor=one["sor"],
            ean=one["ean"],
            postcodes=POSTCODES[one["code"]],
            weight=_WEIGHTS.get(one["code"], 50.0),
        )
        for one in read
        if one["code"] in POSTCODES
    )
