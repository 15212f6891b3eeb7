"""One verifier for each event loop that asks: instances are of one thread, and so are connections."""

import asyncio
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from weakref import WeakKeyDictionary

import httpx

from .component import CompiledComponent
from .errors import OptionError, WardkeyError
from .high_water import HighWater
from .registry import Credential, Registry, kept
from .verifier import Verifier


class Verifiers:
    """A registry and an audience, to be shared by all guards of a process."""

    def __init__(
        self,
        registry: str,
        credential: Credential,
        *,
        component: str | os.PathLike[str] | None = None,
        audience: str | None = None,
        refresh_timeout_s: float = 0.5,
        strict_timeout_s: float = 2.0,
        max_state_bytes: int = 1024 * 1024,
        client: Callable[[], httpx.AsyncClient] | None = None,
        now_ms: Callable[[], int] | None = None,
    ) -> None:
        """`registry`: its origin, and a path before `/v1` if it has one. `credential`: a key with `verifier:key-set`, for strict
        scopes also `verifier:verify`, or a function that gives one. `component`: the file, beside this package by default.
        `audience`: where the credential may ask for several. `max_state_bytes`: eight indexes a byte; a list that is longer is not
        taken. Each megabyte holds the event loop up for 80 ms when it is taken, and takes 90 MB meanwhile. `client`: makes the HTTP client of an event loop, such as one with a proxy."""
        path = Path(__file__).with_name("wardkey.verifying.component.wasm") if component is None else Path(component)
        if not path.is_file():
            raise OptionError("component_missing", f"there is no component at {path}")
        self._compiled = CompiledComponent.of(str(path.resolve()))
        self._make_client = client
        self._asked = dict(audience=audience, max_state_bytes=max_state_bytes)
        self._address = registry
        self._credential = kept(credential)
        self._options = dict(refresh_timeout_s=refresh_timeout_s, strict_timeout_s=strict_timeout_s)
        self._high_water = HighWater()
        self._now_ms = now_ms or (lambda: time.time_ns() // 1_000_000)
        self._loops: WeakKeyDictionary[asyncio.AbstractEventLoop, _OfLoop] = WeakKeyDictionary()
        # What is wrong with the options is said now, not at the first request.
        self._registry(None)

    async def here(self) -> Verifier | None:
        """This event loop's verifier; nothing while there can be none, because the registry is away."""
        loop = asyncio.get_running_loop()
        of_loop = self._loops.get(loop)
        if of_loop is None:
            of_loop = self._loops[loop] = _OfLoop()
        if of_loop.verifier is not None and not of_loop.verifier.is_spent:
            return of_loop.verifier
        if time.monotonic() - of_loop.failed_at < FAILED_FOR_S:
            return None
        if of_loop.making is None:
            if of_loop.verifier is not None:
                _LOG.error("wardkey: the component did not come back; another instance takes its place")
            of_loop.making = loop.create_task(self._make(of_loop))
        await asyncio.wait({of_loop.making}, timeout=WAIT_S)
        made = of_loop.verifier
        if made is not None and not made.is_spent:
            return made
        # What takes so long counts as failed: the next second's calls wait no more.
        of_loop.failed_at = time.monotonic()
        return None

    async def close(self) -> None:
        """Ends this event loop's verifier and its connections."""
        of_loop = self._loops.pop(asyncio.get_running_loop(), None)
        if of_loop is not None:
            if of_loop.making is not None:
                of_loop.making.cancel()
            if of_loop.verifier is not None:
                of_loop.verifier.stop()
            if of_loop.registry is not None:
                await of_loop.registry.close()

    async def _make(self, of_loop: "_OfLoop") -> None:
        try:
            if of_loop.registry is None:
                of_loop.registry = self._registry(None if self._make_client is None else self._make_client())
            replaced = of_loop.verifier
            of_loop.verifier = await Verifier.of(self._compiled, of_loop.registry, self._high_water, now_ms=self._now_ms, **self._options)
            if replaced is not None:
                replaced.stop()
        except Exception as error:
            # The next request tries again: the registry may be away for a moment only.
            of_loop.failed_at = time.monotonic()
            # Only these are known to hold nothing of a key.
            _LOG.error("wardkey: no verifier: %s", f"{error.code}: {error}" if isinstance(error, WardkeyError) else type(error).__name__)
        finally:
            of_loop.making = None

    def _registry(self, client: httpx.AsyncClient | None) -> Registry:
        return Registry(self._address, self._credential, client=client, **self._asked)  # type: ignore[arg-type]


class _OfLoop:
    """What one event loop has."""

    def __init__(self) -> None:
        self.registry: Registry | None = None
        self.verifier: Verifier | None = None
        self.making: asyncio.Task[None] | None = None
        self.failed_at = -FAILED_FOR_S


FAILED_FOR_S = 1.0
WAIT_S = 2.5
_LOG = logging.getLogger("wardkey")
