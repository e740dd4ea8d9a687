"""A FHIR message Bundle: its resources found by type and by reference, whatever their order."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from services.referral.documents import fhir_models as fhir
from services.referral.documents import fhir_types
from services.referral.documents.fields import Problems, named

MAX_ENTRIES: Final = 1000

R = TypeVar("R", bound=fhir_types.Part)


class Message:
    """The resources of a Bundle of type message.

    References are followed as R4 says (3.1.2.1, "Resolving references in Bundles"): an entry's
    fullUrl as it stands (urn:uuid or a URL), a relative `Type/id` against any entry, a URL's last
    two parts against an entry without a fullUrl, `#id` against what the resource contains. A
    version (`/_history/…`) is no part of the name.

    `modified`: the document has elements that change what others mean. Whoever doesn't know such
    an element must not process the resource (R4, 2.5.1 and 3.1.1), so it is a problem.
    """

    def __init__(self, bundle: fhir.Bundle, problems: Problems, *, modified: bool = False) -> None:
        self._problems = problems
        self._modified = modified
        self._by_name: dict[str, fhir_types.Json] = {}
        self._by_type: dict[str, list[fhir_types.Json]] = {}
        self._read: dict[int, fhir_types.Part | None] = {}
        for entry in bundle.entry[:MAX_ENTRIES]:
            if entry.resource is not None:
                self._take(entry.full_url, entry.resource)

    def _take(self, full_url: str | None, resource: fhir_types.Json) -> None:
        kind, identifier = resource.get("resourceType"), resource.get("id")
        if not isinstance(kind, str):
            return
        names = [] if full_url is None else [full_url]
        if isinstance(identifier, str):
            names.append(f"{kind}/{identifier}")
        for name in names:
            known = self._by_name.setdefault(name, resource)
            if known is not resource and known != resource:
                self._problems.add(
                    "Bundle.entry.fullUrl",
                    "structure",
                    "To forskellige ressourcer i meddelelsen har samme adresse.",
                )
        self._by_type.setdefault(kind, []).append(resource)

    def count(self, kind: str) -> int:
        """How many resources of this type there are."""
        return len(self._by_type.get(kind, ()))

    def all(self, model: type[R]) -> list[R]:
        """All resources of the model's type that can be read."""
        resources = self._by_type.get(model.__name__)
        if resources is None:
            return []
        found = (self.read(resource, model) for resource in resources)
        return [resource for resource in found if resource is not None]

    def find(
        self,
        reference: fhir_types.Reference | None,
        model: type[R],
        within: fhir_types.Json | None = None,
    ) -> R | None:
        """The resource that a reference leads to, if it is in the Bundle and of the model's type.

        `within`: the resource that holds the reference, for `#id`.
        """
        resource = self.raw(reference, within)
        if resource is None or resource.get("resourceType") != model.__name__:
            return None
        return self.read(resource, model)

    def raw(
        self, reference: fhir_types.Reference | None, within: fhir_types.Json | None = None
    ) -> fhir_types.Json | None:
        """As `find`, not yet read."""
        if reference is None or not reference.reference:
            return None
        name = reference.reference
        if name.startswith("#"):
            contained = (within or {}).get("contained")
            return next(
                (
                    resource
                    for resource in (contained if isinstance(contained, list) else ())
                    if isinstance(resource, dict) and resource.get("id") == name[1:]
                ),
                None,
            )
        if (found := self._by_name.get(name)) is not None:
            return found
        name = name.partition("/_history/")[0]
        if (found := self._by_name.get(name)) is not None:
            return found
        return self._by_name.get("/".join(name.rsplit("/", 2)[-2:]))

    def raw_all(self, kind: str) -> list[fhir_types.Json]:
        """All resources of this type, not yet read."""
        return self._by_type.get(kind, [])

    def read(self, resource: fhir_types.Json, model: type[R]) -> R | None:
        """The resource as a model; None, and problems by FHIRPath, where its types are wrong."""
        key = id(resource)
        if key not in self._read:
            self._read[key] = parse(resource, model, model.__name__, self._problems)
            for element, url in modifiers(resource) if self._modified else ():
                self._problems.add(
                    f"{model.__name__}.{element}",
                    "not-supported",
                    f"Elementet{named(url)} ændrer betydningen af andre og forstås ikke her.",
                )
        known = self._read[key]
        return known if isinstance(known, model) else None


def modifiers(value: Any) -> Iterator[tuple[str, str]]:
    """(element, address) of everything in a resource that changes what the rest of it means."""
    members = value.items() if isinstance(value, dict) else ()
    for name, member in members:
        if name == "implicitRules" and member:
            yield name, member if isinstance(member, str) else ""
        elif name == "modifierExtension":
            for one in member if isinstance(member, list) else [member]:
                url = one.get("url") if isinstance(one, dict) else None
                yield name, url if isinstance(url, str) else ""
        elif name != "contained":
            for part in member if isinstance(member, list) else [member]:
                yield from modifiers(part)


def parse(value: Mapping[str, Any], model: type[R], root: str, problems: Problems) -> R | None:
    """`value` as a model; None, and problems by FHIRPath from `root`, where its types are wrong."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        for wrong in error.errors(include_url=False, include_context=False, include_input=False):
            problems.add(
                _path(root, wrong["loc"]),
                "structure",
                "Elementet har ikke den type, som FHIR R4 foreskriver.",
            )
        return None


def _path(root: str, steps: tuple[int | str, ...]) -> str:
    path = root
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}"
    return path
