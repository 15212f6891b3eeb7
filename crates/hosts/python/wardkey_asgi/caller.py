"""Who calls, as applications see it: `scope["user"]` and `scope["auth"]`, as Starlette's own authentication fills them."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caller:
    """What is known of a key that was allowed, and nothing of its text. `scope["user"]`."""

    subject: str
    """Who it acts as, such as `svc:billing`."""
    key_id: str
    """The key's stable name: `key_` and 16 hex digits. It stays when the key is rotated."""
    tenant: int
    audience: int
    status_index: int
    scopes: tuple[str, ...]
    """Every scope that the key has left; one that the catalog does not name by its number. Only those in `scope["auth"]` were judged."""
    expires_at_s: int
    """The first Unix second in which it is dead."""
    narrowed: bool
    sequence: int
    """Of the list that the answer rests on."""
    age_ms: int
    zone: str

    @property
    def is_authenticated(self) -> bool:
        """As Starlette's users say it."""
        return True

    @property
    def display_name(self) -> str:
        """The subject."""
        return self.subject

    @property
    def identity(self) -> str:
        """The key's id."""
        return self.key_id


@dataclass(frozen=True, slots=True)
class Judged:
    """What Starlette's `@requires` looks into. `scope["auth"]`.

    Not all scopes that the key has: only those that were asked for. Another one may be of a higher risk level, for which the
    list is too old or the registry has to be asked: it needs a `Guard` of its own.
    """

    scopes: tuple[str, ...]
