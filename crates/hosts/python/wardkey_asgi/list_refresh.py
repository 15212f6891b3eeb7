"""Keeping the list fresh: one refresh in flight, a wait of half a second at most, no step back."""

import asyncio
import logging
import random
from collections.abc import Callable

from .component import Instance
from .high_water import HighWater
from .registry import Registry


class ListRefresh:
    """The list of one instance."""

    def __init__(
        self, instance: Instance, registry: Registry, high_water: HighWater, now_ms: Callable[[], int], wait_s: float, adopted: Callable[[], None],
    ) -> None:
        self.last_error: str | None = None
        """Why the last refresh failed; nothing since one succeeded."""
        self.refreshes = 0
        self.waits = 0
        self._instance = instance
        self._registry = registry
        self._high_water = high_water
        self._now_ms = now_ms
        self._wait_s = wait_s
        self._adopted = adopted
        self._issued_at_ms: int | None = None
        self._fresh_for_ms = instance.key_set().fresh_for_ms
        self._latest: asyncio.Task[None] | None = None
        # With those that a later one has superseded, and whose answer may still come.
        self._under_way: set[asyncio.Task[None]] = set()
        self._started_at_ms = 0
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
        return await self.first(self._wait_s)

    async def first(self, wait_s: float | None = None) -> bool:
        """The same before anybody is judged: head and state are two calls, and nobody can be answered without them."""
        # It waits for the task and does not end it: others wait, too.
        await asyncio.wait({self._start()}, timeout=max(self._wait_s, FIRST_WAIT_S) if wait_s is None else wait_s)
        if self._is_fresh:
            return True
        # What takes so long counts as failed: the next second's calls wait no more.
        self._failed_at_ms = self._now_ms()
        return False

    def ahead(self, now_ms: int) -> None:
        """Begins a refresh before anybody has to wait for one, if it is about time."""
        if now_ms >= self._ahead_at_ms and not self._is_under_way and not self._has_just_failed:
            self._start()

    def stop(self) -> None:
        """Ends what is under way."""
        for task in self._under_way:
            task.cancel()

    @property
    def _is_fresh(self) -> bool:
        age = self.age_ms
        return age is not None and age <= self._fresh_for_ms

    @property
    def _has_just_failed(self) -> bool:
        return self._failed_at_ms is not None and 0 <= self._now_ms() - self._failed_at_ms < FAILED_FOR_MS

    @property
    def _is_under_way(self) -> bool:
        """One that hangs holds up no other: from some time on another begins beside it."""
        longest_ms = max(SUPERSEDED_AFTER_MS, self._wait_s * 1_000)
        return self._latest is not None and abs(self._now_ms() - self._started_at_ms) < longest_ms

    def _start(self) -> "asyncio.Task[None]":
        if self._latest is not None and self._is_under_way:
            return self._latest
        self.refreshes += 1
        self._started_at_ms = self._now_ms()
        task = self._latest = asyncio.get_running_loop().create_task(self._bring())
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    async def _bring(self) -> None:
        error = await self._brought()
        is_latest = self._latest is asyncio.current_task()
        if is_latest:
            self._latest = None
        # That one failed which another has superseded says nothing of the other.
        if is_latest or error is None:
            # When it begins and when it is over: a registry that is away for an hour fills no log.
            if error is not None and self.last_error is None:
                _LOG.warning("wardkey: the list is not refreshed: %s", error)
            elif error is None and self.last_error is not None:
                _LOG.warning("wardkey: the list is refreshed again")
            self.last_error = error
            self._failed_at_ms = None if error is None else self._now_ms()
        self._ahead_at_ms = (self._issued_at_ms or 0) + random.uniform(0.5, 0.8) * self._fresh_for_ms
        self._adopted()

    async def _brought(self) -> str | None:
        """Why it failed, if it did."""
        try:
            tenant = self._instance.key_set().tenant
            head = await self._registry.head(tenant)
            if self._issued_at_ms is None:
                self._high_water.may_be_first(head)
            needed = self._instance.apply_list(head, None, self._now_ms())
            if needed is not None:
                state = await self._registry.state(tenant, needed.name)
                needed = self._instance.apply_list(head, state, self._now_ms())
            in_force = self._instance.list_in_force()
            if in_force is not None:
                self._issued_at_ms = in_force.issued_at_ms
                self._high_water.list_taken(in_force)
            self._fresh_for_ms = self._instance.key_set().fresh_for_ms
        except Exception as failure:
            return getattr(failure, "code", type(failure).__name__)
        return "list_state_needed" if needed is not None else None if self._is_fresh else "list_not_fresh"


FAILED_FOR_MS = 1_000
SUPERSEDED_AFTER_MS = 1_500
FIRST_WAIT_S = 2.0
_LOG = logging.getLogger("wardkey")
