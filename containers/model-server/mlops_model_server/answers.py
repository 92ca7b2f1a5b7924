"""What goes back to the caller."""

import json
from dataclasses import dataclass

# MLflow's messages may quote the whole payload.
MESSAGE_LIMIT = 1000


@dataclass(frozen=True)
class Answer:
    status: int
    body: str
    # For the log: where the model failed. Its message may quote the payload, and is left out.
    trace: tuple[str, ...] = ()


def failure(status: int, error_code: str, message: str, trace: tuple[str, ...] = ()) -> Answer:
    """In the form of MLflow's errors, but never with a stack trace."""
    if len(message) > MESSAGE_LIMIT:
        message = f"{message[:MESSAGE_LIMIT]}…"
    return Answer(status, json.dumps({"error_code": error_code, "message": message}), trace)
