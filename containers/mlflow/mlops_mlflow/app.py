"""MLflow's application, made fit for its place behind a proxy. MLflow finds it by `--app-name`."""

import logging

from starlette.types import ASGIApp, Receive, Scope, Send

logger = logging.getLogger("uvicorn.error")


def create_app() -> ASGIApp:
    # Here, since the parent of the workers imports this module too, and needs none of it.
    from mlflow.server import handlers
    from mlflow.server.fastapi_app import app

    # A worker whose first request finds the database down would wait for it, with every later
    # request behind, for up to 51 s after the database is back (MLflow's pause between two tries).
    handlers._get_tracking_store()
    handlers._get_model_registry_store()
    return OutliveErrors(app)


class OutliveErrors:
    """
    Keeps the connection of a request that failed.

    Starlette answers 500 and raises the error on; uvicorn then closes the connection without having
    announced it, and a request that the proxy has sent on it meanwhile is lost: 502, for another
    client's request that was in order.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception:
            # An answer that is not complete uvicorn ends itself.
            logger.exception("the request %s failed", scope.get("path"))
