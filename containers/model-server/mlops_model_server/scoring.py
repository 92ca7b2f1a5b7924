"""One request: the payload as MLflow reads it, the model, and the answer in MLflow's form."""

import io
import json
from email.message import Message
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.pyfunc import PyFuncModel, scoring_server

from mlops_model_server.answers import Answer, failure
from mlops_model_server.log import places

JSON = "application/json"
CSV = "text/csv"


class Refusal(Exception):
    """The payload is at fault."""

    def __init__(self, status: int, error_code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.error_code = error_code


def answer(model: PyFuncModel, content_type: str, body: bytes) -> Answer:
    """Raises nothing: a failure is an answer too."""
    try:
        data, params = read(model, content_type, body)
        predictions = model.predict(data, params=params)
        result = io.StringIO()
        scoring_server.predictions_to_json(predictions, result)
        return Answer(200, result.getvalue())
    except Refusal as refusal:
        return failure(refusal.status, refusal.error_code, str(refusal))
    except MlflowException as error:
        # Above all, data that does not fit the model's signature.
        return failure(error.get_http_status_code(), error.error_code, error.message)
    except Exception as error:
        message = f"the model failed: {type(error).__name__}: {error}"
        return failure(500, "INTERNAL_ERROR", message, tuple(places(error.__traceback__)))


def read(model: PyFuncModel, content_type: str, body: bytes) -> tuple[Any, dict[str, Any] | None]:
    """The data and the parameters to predict with. Raises `Refusal`."""
    header = Message()
    header["content-type"] = content_type
    kind, charset = header.get_content_type(), header.get_content_charset("utf-8")
    if kind not in (JSON, CSV) or charset != "utf-8":
        raise Refusal(
            415,
            "UNSUPPORTED_MEDIA_TYPE",
            f'the Content-Type is "{content_type}": send {JSON} or {CSV}, in UTF-8',
        )
    schema = model.metadata.get_input_schema()
    try:
        if kind == CSV:
            return scoring_server.parse_csv_input(io.StringIO(body.decode()), schema), None
        payload = json.loads(body)
        if not isinstance(payload, dict):
            raise Refusal(400, "BAD_REQUEST", scoring_server.REQUIRED_INPUT_FORMAT)
        parsed = scoring_server._parse_json_data(payload, model.metadata, schema)
        return parsed.data, parsed.params
    except MlflowException as error:
        raise Refusal(400, error.error_code, error.message) from error
    except (ValueError, RecursionError) as error:
        raise Refusal(400, "BAD_REQUEST", f"the body is not {kind}: {error}") from error
