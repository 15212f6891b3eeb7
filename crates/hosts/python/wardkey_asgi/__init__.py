"""Guards an ASGI application with Wardkey keys: each is judged inside this process, by the component.

`Guard` is the middleware. What it puts before the application is a `Caller` in `scope["user"]` and what was judged in
`scope["auth"]`, where Starlette's `request.user`, `request.auth` and `@requires` look.
"""

from .caller import Caller, Judged
from .errors import ComponentError, KeySetError, OptionError, RegistryError, WardkeyError
from .guard import Guard, client_address
from .verifiers import Verifiers

__all__ = [
    "Caller", "ComponentError", "Guard", "Judged", "KeySetError", "OptionError", "RegistryError", "Verifiers", "WardkeyError",
    "client_address",
]
