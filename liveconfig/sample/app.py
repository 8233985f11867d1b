"""The sample's routes. Each answer shows the settings it was made with: value, version, and whether it may be stale."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from liveconfig import LiveConfig, Status, View
from liveconfig.fastapi import per_request
from liveconfig.metrics import LiveConfigCollector
from liveconfig.sample.identity import Introspection, Person, Unavailable
from liveconfig.sample.limiting import RateLimit

THRESHOLD, RETRIES, LIMIT, DARK = "ai/threshold", "email/max_retries", "api/rate_limit", "dark_mode"
Send = Callable[[str], bool]


def create_app(config: LiveConfig, send: Send, introspection: Introspection | None = None) -> FastAPI:
    """The application; it closes `config` at its end. `send` delivers to an address, or says that it could not.

    With `introspection`, a request needs a bearer token that counts; without, everybody is served.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        config.close()

    app = FastAPI(title="sample", lifespan=lifespan)
    registry = CollectorRegistry()
    registry.register(LiveConfigCollector(config))
    limit, view_of = RateLimit(), per_request(config)
    # The view is taken once a request: whatever changes while it runs, changes in the next one.
    Settings = Annotated[View, Depends(view_of)]

    def within_the_limit(settings: Settings) -> None:
        if seconds := limit.take(settings.get(LIMIT, 100)):
            shown = used(settings, (LIMIT, 100))
            raise HTTPException(429, {"problem": "too many requests", **shown}, {"Retry-After": str(seconds)})

    limited = [Depends(within_the_limit)]
    if introspection is not None:
        somebody = per_person(introspection)
        limited.insert(0, Depends(somebody))

        @app.get("/whoami", dependencies=limited)
        def whoami(person: Annotated[Person, Depends(somebody)]) -> dict[str, Any]:
            """Who asks, as the issuer says."""
            return vars(person)

    @app.get("/answer", dependencies=limited)
    def answer(settings: Settings, confidence: float = 0.6) -> dict[str, Any]:
        """An answer is given from `ai/threshold` on."""
        threshold = settings.get(THRESHOLD, 0.5)
        return {"confidence": confidence, "answered": confidence >= threshold, **used(settings, (THRESHOLD, 0.5))}

    @app.post("/email", dependencies=limited)
    def email(settings: Settings, address: str) -> dict[str, Any]:
        """A delivery is tried again `email/max_retries` times."""
        most = 1 + settings.get(RETRIES, 3)
        attempts = next((number for number in range(1, most + 1) if send(address)), None)
        return {"delivered": attempts is not None, "attempts": attempts or most, **used(settings, (RETRIES, 3))}

    @app.get("/theme", dependencies=limited)
    def theme(settings: Settings, request: Request, user: str = "somebody") -> dict[str, Any]:
        """The flag `features/dark_mode`, for this user; more parameters are attributes that its rules may ask for."""
        context = {**request.query_params, "targetingKey": user}
        found = settings.flags.evaluate(DARK, False, context, "boolean")
        return {
            "theme": "dark" if found.value else "light", "variant": found.variant, "reason": found.reason,
            **used(settings, (f"features/{DARK}", None)),
        }  # fmt: skip

    @app.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": config.health.status, "reason": config.health.reason}

    @app.get("/readyz")
    def readyz() -> Response:
        """Not ready only before anything was loaded: what may be stale is served all the same."""
        return Response(status_code=503 if config.health.status == Status.NOT_READY else 204)

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)

    return app


def per_person(introspection: Introspection) -> Callable[[Request], Person]:
    """A dependency: whose request it is; 401 without a token that counts, 503 if that cannot be told."""

    def somebody(request: Request) -> Person:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            person = introspection.person(token.strip()) if scheme.lower() == "bearer" else None
        except Unavailable as away:
            raise HTTPException(503, {"problem": str(away)}, {"Retry-After": "2"}) from away
        if person is None:
            raise HTTPException(401, {"problem": "log in"}, {"WWW-Authenticate": "Bearer"})
        return person

    return somebody


def used(view: View, *asked: tuple[str, Any]) -> dict[str, Any]:
    """What an answer was made with."""
    return {"settings": dict(_shown(view, *asked))}


def _shown(view: View, *asked: tuple[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, default in asked:
        found = view.details(name, default)
        yield name, {"value": found.value, "version": found.version, "reason": found.reason, "stale": found.stale}
