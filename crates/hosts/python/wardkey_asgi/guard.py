"""ASGI middleware that lets through what is allowed."""

import asyncio
import logging
import os
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeAlias

from .answers import problem, refusal
from .caller import Caller, Judged
from .credential import credential_of, without_credential
from .decision import Allow, Deny
from .errors import ComponentError, OptionError
from .key_text import KeyText
from .registry import Credential
from .verifiers import Verifiers
from .watched_socket import WatchedSocket

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Any, Any, Any], Awaitable[None]]
Scopes: TypeAlias = str | Sequence[str]


def client_address(scope: Scope) -> str | None:
    """The caller's address as the server tells it: behind a proxy only if the server was told whom to believe."""
    client = scope.get("client")
    return None if client is None else str(client[0])


class Guard:
    """Puts a verifier before an application. Whoever is not allowed never reaches it.

    HTTP requests get the refusal as problem+json; WebSockets are judged when they open and, before a message passes, every
    second; a lifespan passes through.
    """

    def __init__(
        self,
        app: App,
        *,
        scopes: Scopes | Callable[[Scope], Scopes],
        registry: str | None = None,
        credential: Credential | None = None,
        component: str | os.PathLike[str] | None = None,
        audience: str | None = None,
        verifiers: Verifiers | None = None,
        any_of: bool = False,
        strict: bool = False,
        header: str = "Authorization",
        address: Callable[[Scope], str | None] | None = None,
        keep_credential: bool = False,
    ) -> None:
        """`scopes`: what a call needs, or a function of its ASGI scope that says it: all of them, with `any_of` one of them. `strict`:
        the registry is asked every time, whatever the scopes' risk. `header`: where the key stands. `address`: how the caller's
        address is found, such as `client_address`; without it keys that are bound to networks are denied. `keep_credential`: the
        application sees the header, too. `verifiers`: shared with other guards, with all options of a registry; or else `registry`,
        `credential`, `component` and `audience`, as `Verifiers` takes them."""
        own = (registry, credential, component, audience)
        self._owns_verifiers = verifiers is None
        if verifiers is None:
            if registry is None or credential is None:
                raise OptionError("one_registry", "a guard needs `registry` and `credential`, or `verifiers`")
            verifiers = Verifiers(registry, credential, component=component, audience=audience)
        elif any(each is not None for each in own):
            raise OptionError("one_registry", "a guard with `verifiers` takes no registry of its own")
        self._app = app
        self._verifiers = verifiers
        self._scopes = scopes if callable(scopes) else _named(scopes)
        self._any_of = any_of
        self._strict = strict
        self._header = header
        self._address = address
        self._keep_credential = keep_credential

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        kind = scope["type"]
        if kind == "lifespan":
            await self._lifespan(scope, receive, send)
            return
        if kind not in ("http", "websocket"):
            # Nothing passes that nobody has judged.
            raise OptionError("unknown_protocol", f"a guard knows http, websocket and lifespan, and this is {kind!r}")
        scope = {**scope, "headers": list(scope["headers"])}
        if kind == "http":
            # ASGI has it in capitals, and servers are found that do not: `delete` would be judged as another method than it is done as.
            scope["method"] = scope["method"].upper()
        credential = credential_of(scope, self._header)
        # From here on the key stands in no local of ours: whatever the application or a function of its raises passes through this frame.
        if isinstance(credential, str):
            scope = _without_request(scope)
            await _refuse(refusal(credential), scope, receive, send)
            return
        if not self._keep_credential:
            scope["headers"] = without_credential(scope, self._header)
        asked = self._asked(credential, scope)
        decision = await self._decided(asked)
        if isinstance(decision, Deny):
            await _refuse(decision, scope, receive, send)
        elif kind == "http":
            await self._app(scope | decision.seen, receive, send)
        else:
            watched = WatchedSocket(receive, send, partial(self._denied, asked))
            await self._app(scope | decision.seen, watched.receive, watched.send)

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        # It begins without the registry, too: until that answers, every call is answered 503.
        first = asyncio.get_running_loop().create_task(self._verifiers.here())
        try:
            await self._app(scope, receive, send)
        finally:
            first.cancel()
            if self._owns_verifiers:
                await self._verifiers.close()

    def _asked(self, key: KeyText, scope: Scope) -> "_Asked":
        """What a call is about."""
        required = self._scopes if isinstance(self._scopes, tuple) else _named(self._scopes(scope))
        return _Asked(key, required, None if self._address is None else self._address(scope))

    async def _decided(self, asked: "_Asked") -> "_Admitted | Deny":
        verifier = await self._verifiers.here()
        if verifier is None:
            return refusal("no_key_set")
        try:
            decision = await verifier.decide(
                asked.key, asked.required, any_of=self._any_of, strict=self._strict, address=asked.address,
            )
        except ComponentError as error:
            _LOG.error("wardkey: %s", error)
            return refusal("no_key_set")
        if isinstance(decision, Deny):
            _LOG.info("wardkey: denied: %s, subject %s, key %s", decision.reason, decision.subject, decision.key_id)
            return decision
        return _Admitted(_seen(decision, verifier.names(decision), asked.required))

    async def _denied(self, asked: "_Asked") -> Deny | None:
        decision = await self._decided(asked)
        return decision if isinstance(decision, Deny) else None


@dataclass(frozen=True, slots=True)
class _Asked:
    key: KeyText
    required: tuple[str, ...]
    address: str | None


@dataclass(frozen=True, slots=True)
class _Admitted:
    seen: dict[str, Any]


def _seen(allow: Allow, names: tuple[str, ...], required: tuple[str, ...]) -> dict[str, Any]:
    """What the application sees of it."""
    user = Caller(
        subject=allow.subject, key_id=allow.key_id, tenant=allow.tenant, audience=allow.audience, status_index=allow.status_index,
        scopes=names, expires_at_s=allow.expires_at_s, narrowed=allow.narrowed, sequence=allow.sequence, age_ms=allow.age_ms,
        zone=allow.zone,
    )
    return {"user": user, "auth": Judged(tuple(name for name in required if name in names))}


def _without_request(scope: Scope) -> dict[str, Any]:
    """What an answer needs of a scope: where a key was not taken, one may stand anywhere in the rest."""
    return {"type": scope["type"], "extensions": scope.get("extensions")}


async def _refuse(denial: Deny, scope: Scope, receive: Receive, send: Send) -> None:
    status, headers, body = problem(denial.answer)
    protocol = "http.response"
    if scope["type"] == "websocket":
        await receive()
        protocol = "websocket.http.response"
        if protocol not in (scope.get("extensions") or {}):
            # Before it is accepted, servers answer 403 to this.
            await send({"type": "websocket.close", "code": 4000 + status, "reason": denial.answer.code})
            return
    await send({"type": f"{protocol}.start", "status": status, "headers": headers})
    await send({"type": f"{protocol}.body", "body": body, "more_body": False})


def _named(scopes: Any) -> tuple[str, ...]:
    names = (scopes,) if isinstance(scopes, str) else tuple(scopes)
    if not names or not all(isinstance(name, str) and name for name in names):
        raise OptionError("scope_malformed", "a call needs one scope or a list of them")
    return names


_LOG = logging.getLogger("wardkey")
