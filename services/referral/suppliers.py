"""Private suppliers under the free choice, as the cluster file declares them.

A supplier is a party of kind "provider": it reads its orders on `provider.<code>.orders` and
answers on `provider.<code>.responses`, with a principal of its own. Its attributes say for which
municipalities and types of plan it has an agreement.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Final

from pydantic import BaseModel, Field, ValidationError

from services.referral.choosable import Kind, Provider
from services.referral.configuration import ConfigurationError, Directory
from services.referral.plan import PlanType
from shared.topics import Party, load

ORDERS: Final = "provider.{provider}.orders"


class _Attributes(BaseModel):
    sor: str = Field(pattern=r"^[0-9]+$")
    municipalities: tuple[str, ...] = Field(min_length=1)
    plan_types: tuple[PlanType, ...] = (PlanType.ALMEN,)


def suppliers(path: Path) -> dict[str, Provider]:
    """The private suppliers by code. Raises ConfigurationError and ClusterFileError."""
    found = (_supplier(path, one) for one in load(path).parties if one.kind == "provider")
    return {one.code: one for one in found}


def _supplier(path: Path, party: Party) -> Provider:
    try:
        said = _Attributes.model_validate(party.attributes)
    except ValidationError as error:
        fault = error.errors(include_input=False, include_url=False)[0]
        key = ".".join(map(str, fault["loc"]))
        raise ConfigurationError(f"{path}: provider {party.code}: {key}: {fault['msg']}") from None
    return Provider(
        code=party.code,
        name=party.name or party.code,
        sor=said.sor,
        kind=Kind.PRIVATE,
        municipalities=frozenset(said.municipalities),
        plan_types=frozenset(said.plan_types),
    )


def with_suppliers(directory: Directory, path: Path) -> Directory:
    """The directory with the cluster file's suppliers. Raises as `suppliers`, and where one has a
    municipality's code."""
    private = suppliers(path)
    municipal = {one.provider for one in directory.by_code.values()}
    for code in sorted(municipal & private.keys()):
        raise ConfigurationError(f"{path}: provider {code} has the code of a municipality's own")
    performers = {**directory.performers, **{code: one.sor for code, one in private.items()}}
    return replace(directory, suppliers=private, performers=performers)


def providers_of(directory: Directory) -> dict[str, Provider]:
    """Everybody who may train, by code: the municipalities' own and the private suppliers."""
    own = {
        one.provider: Provider(
            code=one.provider,
            name=one.name,
            sor=directory.performers.get(one.provider, one.sor),
            kind=Kind.MUNICIPAL,
        )
        for one in directory.by_code.values()
    }
    return {**own, **directory.suppliers}
