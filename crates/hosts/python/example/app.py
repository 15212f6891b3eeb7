"""An API in Starlette behind a guard.

    WARDKEY_URL=http://127.0.0.1:8787 WARDKEY_CREDENTIAL=wk_… uvicorn --app-dir example app:app
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.applications import Starlette
from starlette.authentication import requires
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from wardkey_asgi import Guard, Verifiers, client_address

COMPONENT = os.environ.get("WARDKEY_COMPONENT", Path(__file__).parents[4] / "target/wardkey.verifying.component.wasm")

# One for all guards: one key set, one list, one instance for each event loop.
verifiers = Verifiers(os.environ["WARDKEY_URL"], os.environ["WARDKEY_CREDENTIAL"], component=COMPONENT)


def guarded(scopes: str) -> Middleware:
    """What every route of a part needs."""
    return Middleware(Guard, verifiers=verifiers, scopes=scopes, address=client_address)


async def health(request: Request) -> JSONResponse:
    verifier = await verifiers.here()
    return JSONResponse({"verifier": None if verifier is None else verifier.status()})


async def report(request: Request) -> JSONResponse:
    user = request.user
    return JSONResponse({"subject": user.subject, "key_id": user.key_id, "judged": request.auth.scopes, "zone": user.zone})


@requires("reports:export")
async def export(request: Request) -> JSONResponse:
    # Never reached: `reports:export` was not judged by the guard of `/reports`.
    return JSONResponse({})


async def fails(request: Request) -> JSONResponse:
    raise RuntimeError("the application's own")


async def live(websocket: WebSocket) -> None:
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(f"{websocket.user.subject}: {text}")


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncIterator[None]:
    # Before the first request, if the registry is there.
    await verifiers.here()
    yield
    await verifiers.close()


app = Starlette(lifespan=lifespan, routes=[
    Route("/healthz", health),
    Mount("/reports", middleware=[guarded("reports:read")], routes=[
        Route("/", report), Route("/export", export), Route("/fails", fails), WebSocketRoute("/live", live),
    ]),
    Mount("/purge", middleware=[guarded("reports:purge")], routes=[Route("/", report, methods=["POST"])]),
])
