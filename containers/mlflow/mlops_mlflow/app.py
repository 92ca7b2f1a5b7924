"""MLflow's application, made fit for its place behind a proxy. MLflow finds it by `--app-name`."""

import gc
import logging

from starlette.types import ASGIApp, Receive, Scope, Send

logger = logging.getLogger("uvicorn.error")


def create_app() -> ASGIApp:
    # Here, since the parent of the workers imports this module too, and needs none of it.
    from mlflow.server import app as flask_app
    from mlflow.server import handlers
    from mlflow.server.fastapi_app import app
    from starlette.requests import Request
    from starlette.responses import JSONResponse
    from werkzeug.exceptions import InternalServerError

    # A worker whose first request finds the database down would wait for it, with every later
    # request behind, for up to 51 s after the database is back (MLflow's pause between two tries).
    handlers._get_tracking_store()
    handlers._get_model_registry_store()

    # The two halves of MLflow answer what they did not expect, such as S3 being down, with a line of
    # text and a page of HTML, neither of which MLflow's clients can read.
    def answer_of_fastapi(_request: Request, error: Exception) -> JSONResponse:
        return JSONResponse(unexpected(error), 500)

    def answer_of_flask(error: InternalServerError) -> tuple[dict[str, str], int]:
        return unexpected(error.original_exception or error), 500

    app.add_exception_handler(Exception, answer_of_fastapi)
    flask_app.register_error_handler(InternalServerError, answer_of_flask)

    # What is loaded by now stays until the end. Left to the garbage collector, it is looked through
    # every second under load, and each time every request waits for a quarter of a second.
    gc.collect()
    gc.freeze()
    return OutliveErrors(app)


def unexpected(error: BaseException) -> dict[str, str]:
    """MLflow's form of an error; the text of this one may name hosts and statements."""
    return {
        "error_code": "INTERNAL_ERROR",
        "message": f"MLflow failed with {type(error).__name__}: its log tells why.",
    }


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
