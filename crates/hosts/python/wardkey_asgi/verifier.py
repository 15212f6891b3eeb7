"""The verifier of one audience in one event loop: judges a key, and does what the component asks for."""

from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address

from .answers import refusal
from .catalog import catalog_names
from .component import REGISTRY_FAILED, CompiledComponent, Instance
from .decision import Alive, Allow, AskRefresh, AskRegistry, Decision, Deny
from .errors import OptionError, RegistryError
from .high_water import HighWater
from .key_set_renewal import KeySetRenewal
from .key_text import KeyText
from .list_refresh import ListRefresh
from .registry import Registry


class Verifier:
    """One instance of the component, with its list and its key set kept as new as they must be."""

    def __init__(
        self, instance: Instance, registry: Registry, high_water: HighWater, names: dict[int, str], etag: str | None, *, now_ms: Callable[[], int],
        refresh_timeout_s: float, strict_timeout_s: float,
    ) -> None:
        self._instance = instance
        self._registry = registry
        self._now_ms = now_ms
        self._strict_timeout_s = strict_timeout_s
        self._key_set = KeySetRenewal(instance, registry, high_water, now_ms, names, etag)
        self._list = ListRefresh(instance, registry, high_water, now_ms, refresh_timeout_s, self._key_set.ahead)

    @classmethod
    async def of(
        cls, compiled: CompiledComponent, registry: Registry, high_water: HighWater, *, now_ms: Callable[[], int], refresh_timeout_s: float,
        strict_timeout_s: float,
    ) -> "Verifier":
        """Fetches the key set, and the list if it can be had: without one nothing is allowed."""
        given = await registry.key_set(None)
        if given is None:
            raise RegistryError("registry_refused", "the registry says that the key set is the same as none")
        key_set, etag = given
        instance = Instance(compiled, key_set)
        high_water.may_begin(instance.key_set())
        high_water.key_set_taken(instance.key_set())
        verifier = cls(
            instance, registry, high_water, catalog_names(key_set), etag,
            now_ms=now_ms, refresh_timeout_s=refresh_timeout_s, strict_timeout_s=strict_timeout_s,
        )
        await verifier._list.first()
        return verifier

    @property
    def is_spent(self) -> bool:
        """Whether the component did not come back from a call: another verifier must take its place."""
        return self._instance.is_spent

    async def decide(
        self, key: KeyText, scopes: tuple[str, ...], *, any_of: bool = False, strict: bool = False, address: str | None = None,
    ) -> Decision:
        """Judges a key: refreshes the list and asks the registry where that is owed."""
        caller = _caller(address)
        refresh_failed: bool | None = None
        registry: object | None = None
        asked_for_key_set = False
        while True:
            now = self._now_ms()
            try:
                requirement = self._instance.requirement(scopes, any_of, strict)
            except OptionError:
                self._instance.forget(registry)
                raise
            verdict = self._instance.verify(key, requirement, now, caller, refresh_failed is True, registry)
            # An answer serves one verification, and is asked for once.
            registry = None if registry is None else REGISTRY_FAILED
            if isinstance(verdict, AskRefresh):
                # A list that was just brought and is not fresh any more counts as not brought.
                refresh_failed = refresh_failed is not None or not await self._list.refresh()
            elif isinstance(verdict, AskRegistry):
                if registry is not None:
                    self._instance.forget(verdict.question)
                    return refusal("registry_unavailable")
                registry = await self._confirmed(verdict, key, scopes, any_of, address)
                if isinstance(registry, Deny):
                    return registry
            elif isinstance(verdict, Deny) and verdict.reason == "no_key_set" and not asked_for_key_set:
                asked_for_key_set = True
                await self._key_set.renew(KEY_SET_WAIT_S)
            else:
                self._list.ahead(now)
                return verdict

    def names(self, allow: Allow) -> tuple[str, ...]:
        """The scopes that a key has left; one that the catalog does not name by its number."""
        return tuple(self._key_set.names.get(number, str(number)) for number in allow.scopes)

    def status(self) -> dict[str, object]:
        """What it rests on, for a health check or a log."""
        if self.is_spent:
            return {"is_spent": True}
        key_set, in_force = self._instance.key_set(), self._instance.list_in_force()
        return {
            "is_spent": False, "tenant": key_set.tenant, "audience": key_set.audience, "key_set_version": key_set.version,
            "sequence": None if in_force is None else in_force.sequence, "age_ms": self._list.age_ms,
            "refreshes": self._list.refreshes, "waits": self._list.waits,
            "last_list_error": self._list.last_error, "last_key_set_error": self._key_set.last_error,
        }

    def stop(self) -> None:
        """Ends what is under way."""
        self._list.stop()
        self._key_set.stop()

    async def _confirmed(
        self, asked: AskRegistry, key: KeyText, scopes: tuple[str, ...], any_of: bool, address: str | None,
    ) -> object:
        """The component's confirmation, `REGISTRY_FAILED`, or a denial for a reason that the component has no word for."""
        try:
            answer = await self._registry.confirm(key, scopes, any_of, address, self._strict_timeout_s)
        except Exception:
            self._instance.forget(asked.question)
            return REGISTRY_FAILED
        except BaseException:
            # The request was given up: the question is not kept for it.
            self._instance.forget(asked.question)
            raise
        verdict = _verdict(answer)
        if verdict is not None:
            return self._instance.answer(asked.question, verdict) or REGISTRY_FAILED
        self._instance.forget(asked.question)
        reason, status, retry_after_s = answer.get("reason"), answer.get("status"), answer.get("retry_after_s")
        # What is no refusal of the caller's is no answer.
        if answer.get("decision") != "deny" or not isinstance(reason, str) or not isinstance(status, int) or not 400 <= status < 500:
            return REGISTRY_FAILED
        return refusal(reason, retry_after_s if _fits(retry_after_s, 32) else None)


def _verdict(answer: dict[str, object]) -> Alive | str | None:
    decision, reason = answer.get("decision"), answer.get("reason")
    if decision != "allow":
        return _VERDICTS.get(reason) if decision == "deny" and isinstance(reason, str) else None
    listed = answer.get("list")
    if answer.get("status") != 200 or not isinstance(listed, dict) or listed.get("zone") != "registry":
        return None
    numbers = [(answer.get(name), bits) for name, bits in _NUMBERS] + [(listed.get("sequence"), 64)]
    key_id, subject, narrowed = answer.get("key_id"), answer.get("subject"), answer.get("narrowed")
    texts = all(isinstance(text, str) and text.isascii() for text in (key_id, subject))
    # The package would cut off what is too much, without a word: a number that is none of ours is no answer.
    if not texts or not isinstance(narrowed, bool) or not all(_fits(number, bits) for number, bits in numbers):
        return None
    tenant, audience, status_index, expires_at_s, sequence = (number for number, _ in numbers)
    return Alive(tenant, audience, key_id, status_index, subject, expires_at_s, narrowed, sequence)  # type: ignore[arg-type]


def _fits(number: object, bits: int) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 1 << bits


def _caller(address: str | None) -> IPv4Address | IPv6Address | None:
    """What is no address is not known."""
    if address is None:
        return None
    try:
        found = ip_address(address)
    except ValueError:
        return None
    # One with a zone is of this machine's network alone.
    return None if isinstance(found, IPv6Address) and found.scope_id is not None else found


KEY_SET_WAIT_S = 0.5
_NUMBERS = [("tenant", 16), ("audience", 8), ("status_index", 32), ("expires_at", 32)]
# The registry's denials as the component takes them; "invalid_token" is a key that it never issued.
_VERDICTS = {"revoked": "revoked", "suspended": "suspended", "retired": "retired", "expired": "expired", "invalid_token": "never_issued"}
