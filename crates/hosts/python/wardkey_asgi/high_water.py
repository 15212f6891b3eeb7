"""The newest key set and list that were in force, for all instances of a process: none that comes later steps back behind them."""

import threading

from .decision import KeySetInfo, ListInfo
from .errors import KeySetError, RegistryError


class HighWater:
    """An instance that takes another's place knows nothing of it: a list that is older by then has keys alive that were revoked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._key_set: KeySetInfo | None = None
        self._list = _NONE

    def may_begin(self, key_set: KeySetInfo) -> None:
        """Raises `KeySetError` for one of another audience, or one that is older than what was in force."""
        with self._lock:
            known = self._key_set
        if known is None:
            return
        is_other = (key_set.tenant, key_set.audience) != (known.tenant, known.audience)
        if is_other or key_set.version < known.version:
            raise KeySetError("key_set_other_key_set", "the key set is refused: another audience's, or older than one that was in force")

    def key_set_taken(self, in_force: KeySetInfo) -> None:
        """What is in force now."""
        with self._lock:
            if self._key_set is None or in_force.version > self._key_set.version:
                self._key_set = in_force

    def may_be_first(self, head: bytes) -> None:
        """Raises `RegistryError` for a head that is older than what was in force: to be asked where an instance has no list yet."""
        if len(head) < _ISSUED_AT + 8:
            return
        order = int.from_bytes(head[_SEQUENCE:_SEQUENCE + 8], "big"), int.from_bytes(head[_ISSUED_AT:_ISSUED_AT + 8], "big")
        with self._lock:
            is_older = order < self._list
        if is_older:
            raise RegistryError("list_older", "the list is refused: older than one that was in force")

    def list_taken(self, in_force: ListInfo) -> None:
        """What is in force now, as the component has found it right."""
        with self._lock:
            self._list = max(self._list, (in_force.sequence, in_force.issued_at_ms))


_NONE = (-1, -1)
# Where a head holds them (FORMAT.md, section 4.2).
_SEQUENCE = 3
_ISSUED_AT = 43
