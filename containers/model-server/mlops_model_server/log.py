"""Logs as lines of JSON. They hold no payload, and so no message of an exception either."""

import json
import logging
from datetime import UTC, datetime
from traceback import extract_tb
from types import TracebackType


def configure() -> None:
    """For the whole process, the libraries' logs and warnings included."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    logging.captureWarnings(True)


def places(trace: TracebackType | None) -> list[str]:
    """Where an exception was raised, outermost call first."""
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in extract_tb(trace)]


class JsonFormatter(logging.Formatter):
    """One line a record; `extra={"fields": {…}}` adds fields of its own."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0]:
            line |= {"error": record.exc_info[0].__name__, "trace": places(record.exc_info[2])}
        return json.dumps(line, ensure_ascii=False)
