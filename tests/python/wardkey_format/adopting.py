"""Taking a head over (section 4.5)."""

from dataclasses import dataclass

from .changes import CannotApply, apply_changes
from .head import Head
from .key_set import KeySet
from .numbers import sum_of_milliseconds
from .state import State


@dataclass(slots=True, frozen=True)
class RevocationList:
    """A head with its state. It is of the tenant and audience of the key set whose list key proved the head."""

    tenant: int
    audience: int
    head: Head
    state: State

    def is_of(self, key_set: KeySet) -> bool:
        return (self.tenant, self.audience) == (key_set.tenant, key_set.audience)


def adopt(
    key_set: KeySet, in_force: RevocationList | None, head: Head, state: State | None, now: int
) -> tuple[str, RevocationList | None]:
    """The word of 4.5, and the list that is in force afterwards. The head was read (4.4)."""
    if in_force and not in_force.is_of(key_set):
        return "other_audience", in_force
    if head.issued_at > sum_of_milliseconds(now, key_set.max_skew):
        return "clock_behind", in_force

    def with_state(new_state: State) -> RevocationList:
        return RevocationList(key_set.tenant, key_set.audience, head, new_state)

    if in_force:
        old = in_force.head
        if head.meaning_for(key_set.audience) == old.meaning_for(key_set.audience):
            return "in_force", in_force
        if (head.sequence, head.issued_at) <= (old.sequence, old.issued_at):
            return "older", in_force
        if head.digest == in_force.state.digest():
            return "adopted", with_state(in_force.state)
        if old.sequence == head.from_sequence or any(c.sequence == old.sequence for c in head.changes):
            try:
                changed = apply_changes(in_force.state, [c for c in head.changes if c.sequence > old.sequence])
                if changed.digest() == head.digest:
                    return "adopted", with_state(changed)
            except CannotApply:
                pass
    if state is None:
        return "state_needed", in_force
    if state.digest() == head.digest:
        return "adopted", with_state(state)
    return "other_state", in_force
