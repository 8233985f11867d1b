"""One consistent view a request. Needs the extra `fastapi`.

    config = LiveConfig.from_env()
    Settings = Annotated[View, Depends(per_request(config))]

    @app.get("/answer")
    async def answer(settings: Settings) -> float:
        return settings.get("ai/threshold", 0.5)

A setting that changes while a request runs changes in the next one.
"""

from collections.abc import Awaitable, Callable

from starlette.requests import Request

from liveconfig.reader import Reader
from liveconfig.view import View


def per_request(config: Reader) -> Callable[[Request], Awaitable[View]]:
    """A dependency: the view that was in force when this request first asked, whoever asks again in it."""

    async def view(request: Request) -> View:
        found = getattr(request.state, "liveconfig", None)
        if not isinstance(found, View):
            found = request.state.liveconfig = config.snapshot()
        return found

    return view
