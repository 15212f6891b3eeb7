"""What a host requires of a key (section 5)."""

from dataclasses import dataclass

from .catalog import STRICT, Catalog
from .numbers import Refused

ALL_OF, ANY_OF = "all_of", "any_of"


@dataclass(slots=True, frozen=True)
class Requirement:
    tenant: int
    audience: int
    version: int
    scopes: int
    mode: str
    level: int

    def is_met_by(self, held: int) -> bool:
        if self.mode == ALL_OF:
            return self.scopes & held == self.scopes
        return self.scopes & held != 0


def build_requirement(
    catalog: Catalog, tenant: int, audience: int, version: int, names: list[str], mode: str, strict: bool
) -> Requirement:
    """A requirement of scopes of this catalog. Its level is the strictest of all that it names, or strict where the host says so."""
    if mode not in (ALL_OF, ANY_OF):
        raise Refused("mode")
    if not names:
        raise Refused("no_scope")
    scopes, level = 0, STRICT if strict else 0
    for name in names:
        scope = catalog.by_name.get(name)
        if scope is None:
            raise Refused("unknown_scope")
        scopes |= 1 << scope.number
        level = max(level, scope.level)
    return Requirement(tenant, audience, version, scopes, mode, level)
