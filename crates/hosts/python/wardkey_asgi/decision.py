"""What a verification comes to, in the words of wit/verify."""

from dataclasses import dataclass
from typing import Any, TypeAlias


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What a caller may be told."""

    status: int
    error: str | None
    code: str
    retry_after_s: int | None


@dataclass(frozen=True, slots=True)
class Allow:
    """Who calls, and on what knowledge that is said."""

    tenant: int
    audience: int
    epoch: int
    key_id: str
    status_index: int
    expires_at_s: int
    subject: str
    scopes: bytes
    narrowed: bool
    sequence: int
    age_ms: int
    zone: str


@dataclass(frozen=True, slots=True)
class Deny:
    """A refusal: `reason` is for logs, `answer` for the caller. Whose key it was is known once its tag was found right."""

    reason: str
    answer: HttpAnswer
    subject: str | None = None
    key_id: str | None = None


@dataclass(frozen=True, slots=True)
class AskRefresh:
    """The host owes one refresh of the list."""


@dataclass(frozen=True, slots=True)
class AskRegistry:
    """The host owes the registry's answer to this question, a handle of the component's."""

    question: Any


Decision: TypeAlias = Allow | Deny
Verdict: TypeAlias = Allow | Deny | AskRefresh | AskRegistry


@dataclass(frozen=True, slots=True)
class Alive:
    """A key that the registry says is alive, as its answer repeats it: the component compares it with the question."""

    tenant: int
    audience: int
    key_id: str
    status_index: int
    subject: str
    expires_at_s: int
    narrowed: bool
    sequence: int


@dataclass(frozen=True, slots=True)
class KeySetInfo:
    """What a key set is, but for its secrets."""

    tenant: int
    audience: int
    version: int
    fresh_for_ms: int


@dataclass(frozen=True, slots=True)
class ListInfo:
    """What is known of the list in force."""

    sequence: int
    issued_at_ms: int
    current_key_set: int
    least_key_set: int


@dataclass(frozen=True, slots=True)
class StateNeeded:
    """A good head that names a state which is not there: `sequence-digest`, as the registry spells it."""

    name: str
