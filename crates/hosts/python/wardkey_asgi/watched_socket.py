"""A WebSocket whose key is judged again while it is open: no message passes on what was known more than a second ago."""

import time
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from .decision import Deny


class KeyDied(OSError):
    """What an application is told that sends into a socket whose key was denied, as of any connection that is gone."""


class WatchedSocket:
    """`receive` and `send` of one connection."""

    def __init__(
        self,
        receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
        send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
        judged: Callable[[], Awaitable[Deny | None]],
    ) -> None:
        self._receive = receive
        self._send = send
        self._judged = judged
        self._judged_at = time.monotonic()
        self._ended: MutableMapping[str, Any] | None = None
        # Taken from the server, and not handed on because the application gave up waiting: for its next `receive`.
        self._held: deque[MutableMapping[str, Any]] = deque()

    async def receive(self) -> MutableMapping[str, Any]:
        """The next message, or the end."""
        if self._ended is not None:
            return self._ended
        message = self._held.popleft() if self._held else await self._receive()
        try:
            if message["type"] == "websocket.receive" and not await self._may_go_on():
                assert self._ended is not None
                return self._ended
        except BaseException:
            self._held.appendleft(message)
            raise
        return message

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Sends, unless the key is not allowed any more."""
        if self._ended is not None or (message["type"] == "websocket.send" and not await self._may_go_on()):
            raise KeyDied("the connection is closed")
        await self._send(message)

    async def _may_go_on(self) -> bool:
        if self._ended is None and time.monotonic() - self._judged_at >= EVERY_S:
            denial = await self._judged()
            self._judged_at = time.monotonic()
            # Whoever waited beside it may have closed it by now.
            if denial is not None and self._ended is None:
                code = 4000 + denial.answer.status
                self._ended = {"type": "websocket.disconnect", "code": code, "reason": denial.answer.code}
                await self._send({"type": "websocket.close", "code": code, "reason": denial.answer.code})
        return self._ended is None


EVERY_S = 1.0
