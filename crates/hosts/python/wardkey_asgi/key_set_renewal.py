"""Bringing a newer key set when the list names one: in the background, one at a time."""

import asyncio
from collections.abc import Callable

from .catalog import catalog_names
from .component import Instance
from .high_water import HighWater
from .registry import Registry


class KeySetRenewal:
    """The key set of one instance."""

    def __init__(
        self, instance: Instance, registry: Registry, high_water: HighWater, now_ms: Callable[[], int], names: dict[int, str], etag: str | None,
    ) -> None:
        self.names = names
        """Names of scopes, by number."""
        self.last_error: str | None = None
        self._instance = instance
        self._registry = registry
        self._high_water = high_water
        self._now_ms = now_ms
        self._etag = etag
        self._under_way: asyncio.Task[None] | None = None
        self._tried_at_ms: int | None = None
        self._late_at_ms: int | None = None

    def ahead(self) -> None:
        """Begins a renewal if the list in force names a newer one."""
        if self._instance.is_spent:
            return
        in_force = self._instance.list_in_force()
        if in_force is not None and in_force.current_key_set > self._instance.key_set().version:
            self._start()

    async def renew(self, wait_s: float) -> None:
        """Fetches the newest, and waits so long for it."""
        task = self._start()
        if task is None or self._was_just_late:
            return
        _, pending = await asyncio.wait({task}, timeout=wait_s)
        if pending:
            # What takes so long counts as failed: the next second's calls wait no more.
            self._late_at_ms = self._now_ms()

    def stop(self) -> None:
        """Ends what is under way."""
        if self._under_way is not None:
            self._under_way.cancel()

    @property
    def _was_just_late(self) -> bool:
        return self._late_at_ms is not None and 0 <= self._now_ms() - self._late_at_ms < LATE_FOR_MS

    def _start(self) -> "asyncio.Task[None] | None":
        if self._under_way is not None:
            return self._under_way
        now = self._now_ms()
        if self._tried_at_ms is not None and 0 <= now - self._tried_at_ms < EVERY_MS:
            return None
        self._tried_at_ms = now
        self._under_way = asyncio.get_running_loop().create_task(self._bring())
        return self._under_way

    async def _bring(self) -> None:
        try:
            given = await self._registry.key_set(self._etag)
            if given is not None:
                self._instance.renew(given[0])
                self._high_water.key_set_taken(self._instance.key_set())
                self.names = catalog_names(given[0])
                self._etag = given[1]
            self.last_error = None
        except Exception as failure:
            self.last_error = getattr(failure, "code", type(failure).__name__)
        finally:
            self._under_way = None


EVERY_MS = 2_000
LATE_FOR_MS = 1_000
