"""A method that is judged by is the one that is done."""

from wardkey_asgi import Guard
from wardkey_asgi.guard import Scope

from .registry import SCOPE, FakeRegistry
from .asgi import Seen, answered, app_of, http, run
from .vectors import STRICT


@run
async def test_no_spelling_of_a_method_passes_by_another_ones_rule() -> None:
    def needed(scope: Scope) -> str:
        return STRICT if scope["method"] == "DELETE" else SCOPE

    seen: Seen = []
    guard = Guard(app_of(seen), verifiers=FakeRegistry().verifiers(), scopes=needed)
    assert (await answered(guard, http()))[0] == 200
    for method in ("DELETE", "delete", "Delete"):
        assert (await answered(guard, http() | {"method": method}))[0] != 200, method
    assert (await answered(guard, http() | {"method": "post"}))[0] == 200
    assert [scope["method"] for scope in seen] == ["GET", "POST"]
