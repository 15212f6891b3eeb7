"""Key set, list and strict answers from a registry over HTTP."""

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias
from urllib.parse import quote, urlsplit

import httpx

from .errors import OptionError, RegistryError, WardkeyError
from .key_text import KeyText

Credential: TypeAlias = str | Callable[[], str | Awaitable[str]]


def kept(credential: Credential) -> KeyText | Callable[[], str | Awaitable[str]]:
    """A credential as it may be held. Raises `OptionError` for none."""
    held = KeyText(credential) if isinstance(credential, str) else credential
    if isinstance(held, KeyText) and not held.secret_text():
        raise OptionError("credential_missing", "a registry needs the option `credential`, a key")
    return held


class Registry:
    """One registry, asked as the verifier of one audience."""

    def __init__(
        self, base: str, credential: KeyText | Callable[[], str | Awaitable[str]], *, audience: str | None, client: httpx.AsyncClient | None, max_state_bytes: int,
    ) -> None:
        url = urlsplit(base)
        if url.scheme != "https" and not (url.scheme == "http" and url.hostname in _LOOPBACK):
            raise OptionError("https_required", "a registry's URL begins with https://, or with http:// for one on this machine")
        self._base = base.rstrip("/")
        self._credential = credential
        self._audience = audience
        self._max_state_bytes = max_state_bytes
        self._client = client
        self._owns_client = client is None

    async def key_set(self, etag: str | None) -> tuple[bytes, str | None] | None:
        """The key set and its ETag; nothing if it is still the one of this ETag."""
        query = "" if self._audience is None else "?audience=" + quote(self._audience, safe="")
        headers = {} if etag is None else {"If-None-Match": etag}
        response = await self._ask("GET", "/v1/key-set" + query, MOST_KEY_SET, GIVE_UP_S, authorized=True, headers=headers, also=304)
        return None if response.status == 304 else (response.body, response.etag)

    async def head(self, tenant: int) -> bytes:
        """The list's head."""
        return (await self._ask("GET", f"/v1/list/{tenant}/head", MOST_HEAD, GIVE_UP_S)).body

    async def state(self, tenant: int, name: str) -> bytes:
        """The state of this name."""
        return (await self._ask("GET", f"/v1/list/{tenant}/state/{name}", self._max_state_bytes, GIVE_UP_S)).body

    async def confirm(self, key: KeyText, scopes: tuple[str, ...], any_of: bool, address: str | None, timeout_s: float) -> dict[str, Any]:
        """The registry's own word on a key."""
        response = await self._ask(
            "POST", "/v1/verify", MOST_ANSWER, timeout_s, authorized=True, headers={"Content-Type": "application/json"},
            content=lambda: self._question(key, scopes, any_of, address),
        )
        answer = json.loads(response.body)
        if not isinstance(answer, dict):
            raise RegistryError("registry_refused", "the registry's answer is no object")
        return answer

    async def close(self) -> None:
        """Closes the connections."""
        if self._owns_client and self._client is not None:
            await self._client.aclose()

    def _question(self, key: KeyText, scopes: tuple[str, ...], any_of: bool, address: str | None) -> bytes:
        question: dict[str, Any] = {"key": key.secret_text(), "scopes": list(scopes), "match": "any" if any_of else "all", "strict": True}
        if address is not None:
            question["address"] = address
        if self._audience is not None:
            question["audience"] = self._audience
        return json.dumps(question).encode()

    async def _ask(
        self, method: str, path: str, most: int, timeout_s: float, *, authorized: bool = False,
        headers: dict[str, str] | None = None, content: Callable[[], bytes] | None = None, also: int = 200,
    ) -> "_Response":
        failure: WardkeyError
        if self._client is None:
            # Nothing of the machine's own: no proxy, no password file. Who needs a proxy hands in a client.
            self._client = httpx.AsyncClient(trust_env=False)
        try:
            async with asyncio.timeout(timeout_s):
                sent = dict(headers or {})
                if authorized:
                    sent["Authorization"] = "Bearer " + await self._secret_credential()
                request = self._client.build_request(method, self._base + path, headers=sent, content=content and content())
                # A redirect could take the credential elsewhere.
                response = await self._client.send(request, stream=True, follow_redirects=False)
                try:
                    return await _taken(response, most, also)
                finally:
                    await response.aclose()
        except RegistryError as error:
            failure = RegistryError(error.code, str(error))
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, OSError) as error:
            failure = RegistryError("registry_unreachable", f"the registry did not answer: {type(error).__name__}")
        # Out here, where the error that held the request and its credential is gone.
        raise failure

    async def _secret_credential(self) -> str:
        if isinstance(self._credential, KeyText):
            return self._credential.secret_text().strip()
        given = self._credential()
        # What is read from a file ends in a new line.
        return (await given if inspect.isawaitable(given) else given).strip()


class _Response:
    __slots__ = ("status", "body", "etag")

    def __init__(self, status: int, body: bytes, etag: str | None) -> None:
        self.status, self.body, self.etag = status, body, etag


async def _taken(response: httpx.Response, most: int, also: int) -> _Response:
    status = response.status_code
    if status != 200:
        if status == also:
            return _Response(status, b"", None)
        request = response.headers.get("Wardkey-Request-Id")
        which = "" if request is None else f" (request {request})"
        raise RegistryError(_CODES.get(status, "registry_refused"), f"the registry answers {status}{which}{_ADVICE.get(status, '')}")
    body = bytearray()
    # Read no further than it may be long: whoever answers may be somebody else.
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > most:
            raise RegistryError("answer_too_long", f"the answer is longer than {most} bytes")
    return _Response(status, bytes(body), response.headers.get("ETag"))


GIVE_UP_S = 5.0
MOST_KEY_SET = 17_769
MOST_HEAD = 4_096
MOST_ANSWER = 64 * 1024
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_ADVICE = {
    401: ": the credential is wrong, has expired or was revoked",
    403: ": the credential needs verifier:key-set, and `audience` where it is for several",
}
_CODES = {401: "credential_refused", 403: "credential_refused", 404: "not_found", 410: "tenant_gone", 429: "too_many_requests"}
