"""Keeping the list fresh: one refresh in flight, a wait of half a second at most, no step back."""

import asyncio
import random
from collections.abc import Callable

from .component import Instance
from .registry import Registry


class ListRefresh:
    """The list of one instance."""

    def __init__(
        self, instance: Instance, registry: Registry, now_ms: Callable[[], int], wait_s: float, adopted: Callable[[], None],
    ) -> None:
        self.last_error: str | None = None
        """Why the last refresh failed; nothing since one succeeded."""
        self.refreshes = 0
        self.waits = 0
        self._instance = instance
        self._registry = registry
        self._now_ms = now_ms
        self._wait_s = wait_s
        self._adopted = adopted
        self._issued_at_ms: int | None = None
        self._fresh_for_ms = instance.key_set().fresh_for_ms
        self._under_way: asyncio.Task[None] | None = None
        self._failed_at_ms: int | None = None
        # When the next refresh begins of itself: after a part of fresh-for, drawn anew each time, so that many verifiers do
        # not ask at once.
        self._ahead_at_ms = 0.0

    @property
    def age_ms(self) -> int | None:
        """Milliseconds since the head in force was made; nothing without one."""
        return None if self._issued_at_ms is None else max(0, self._now_ms() - self._issued_at_ms)

    async def refresh(self) -> bool:
        """Brings a head of age ≤ fresh-for into force: whether there is one in time. What comes later is there for the next."""
        if self._is_fresh:
            return True
        if self._has_just_failed:
            return False
        self.waits += 1
        # It waits for the task and does not end it: others wait, too.
        await asyncio.wait({self._start()}, timeout=self._wait_s)
        return self._is_fresh

    def ahead(self, now_ms: int) -> None:
        """Begins a refresh before anybody has to wait for one, if it is about time."""
        if now_ms >= self._ahead_at_ms and self._under_way is None and not self._has_just_failed:
            self._start()

    def stop(self) -> None:
        """Ends what is under way."""
        if self._under_way is not None:
            self._under_way.cancel()

    @property
    def _is_fresh(self) -> bool:
        age = self.age_ms
        return age is not None and age <= self._fresh_for_ms

    @property
    def _has_just_failed(self) -> bool:
        return self._failed_at_ms is not None and 0 <= self._now_ms() - self._failed_at_ms < FAILED_FOR_MS

    def _start(self) -> "asyncio.Task[None]":
        if self._under_way is None:
            self.refreshes += 1
            self._under_way = asyncio.get_running_loop().create_task(self._bring())
        return self._under_way

    async def _bring(self) -> None:
        error: str | None
        try:
            tenant = self._instance.key_set().tenant
            head = await self._registry.head(tenant)
            needed = self._instance.apply_list(head, None, self._now_ms())
            if needed is not None:
                state = await self._registry.state(tenant, needed.name)
                needed = self._instance.apply_list(head, state, self._now_ms())
            in_force = self._instance.list_in_force()
            key_set = self._instance.key_set()
            self._issued_at_ms = None if in_force is None else in_force.issued_at_ms
            self._fresh_for_ms = key_set.fresh_for_ms
            error = "list_state_needed" if needed is not None else None if self._is_fresh else "list_not_fresh"
        except Exception as failure:
            error = getattr(failure, "code", type(failure).__name__)
        finally:
            self._under_way = None
        self._ahead_at_ms = (self._issued_at_ms or 0) + random.uniform(0.5, 0.8) * self._fresh_for_ms
        self.last_error = error
        if error is not None:
            self._failed_at_ms = self._now_ms()
        self._adopted()


FAILED_FOR_MS = 1_000
