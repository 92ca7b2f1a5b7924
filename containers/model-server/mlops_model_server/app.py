"""The HTTP side of SageMaker's contract: `GET /ping` and `POST /invocations`."""

import logging
import time
from collections.abc import Callable

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from mlops_model_server.answers import Answer, failure
from mlops_model_server.errors import Failure
from mlops_model_server.workers import Workers

logger = logging.getLogger(__name__)


def routes(workers: Workers, fail: Callable[[Failure], None]) -> list[Route]:
    """`fail` is called when no worker will answer any more."""

    async def ping(_request: Request) -> Response:
        return Response(status_code=200 if workers.ready else 503)

    async def invocations(request: Request) -> Response:
        started = time.monotonic()
        try:
            body = await request.body()
        except ClientDisconnect:
            logger.info("the caller went away before the end of its request")
            return Response(status_code=400)
        answer = await answer_to(request.headers.get("content-type", ""), body)
        log(answer, len(body), time.monotonic() - started)
        return Response(answer.body, answer.status, media_type="application/json")

    async def answer_to(content_type: str, body: bytes) -> Answer:
        if not workers.ready:
            return failure(503, "TEMPORARILY_UNAVAILABLE", "the model is still being loaded")
        try:
            return await workers.answer(content_type, body)
        except Failure as error:
            fail(error)
            return failure(503, "TEMPORARILY_UNAVAILABLE", "the model server starts again")

    return [Route("/ping", ping), Route("/invocations", invocations, methods=["POST"])]


def log(answer: Answer, bytes_in: int, seconds: float) -> None:
    fields: dict[str, object] = {
        "status": answer.status,
        "bytes_in": bytes_in,
        "bytes_out": len(answer.body.encode()),
        "seconds": round(seconds, 4),
    }
    if answer.trace:
        fields["trace"] = answer.trace
    level = logging.ERROR if answer.status >= 500 else logging.INFO
    logger.log(level, "invocation", extra={"fields": fields})
