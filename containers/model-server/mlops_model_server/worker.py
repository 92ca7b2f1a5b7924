"""
What runs where the model is: in a process of its own, or in a thread where there is one worker.

The process that holds the port imports this module too, but nothing of MLflow: so the port is open
within a second, and no memory is spent twice. Hence the imports in the functions.
"""

from __future__ import annotations

import gc
from pathlib import Path
from typing import TYPE_CHECKING

from mlops_model_server import log
from mlops_model_server.answers import Answer
from mlops_model_server.errors import Failure

if TYPE_CHECKING:
    from mlflow.pyfunc import PyFuncModel

_model: PyFuncModel | Failure


def start(folder: Path) -> None:
    """Loads the model, once for the worker, before its first request."""
    global _model
    log.configure()
    try:
        _model = load(folder)
    except Failure as failure:
        # An exception would reach nobody from here; see `check`.
        _model = failure
    # What is loaded by now stays until the end: the garbage collector need not look through it again
    # and again, with a request waiting.
    gc.collect()
    gc.freeze()


def check() -> None:
    """Raises `Failure` when the model could not be loaded."""
    if isinstance(_model, Failure):
        raise _model


def answer(content_type: str, body: bytes) -> Answer:
    from mlops_model_server import scoring

    assert not isinstance(_model, Failure)
    return scoring.answer(_model, content_type, body)


def load(folder: Path) -> PyFuncModel:
    """Raises `Failure` for a folder that holds no model, or none that this image can load."""
    try:
        (folder / "MLmodel").open().close()
    except OSError as error:
        raise Failure(
            f"{folder / 'MLmodel'}: {error.strerror}: deploy the folder of an MLflow model, the "
            "one that holds MLmodel"
        ) from error
    from mlflow import pyfunc

    try:
        return pyfunc.load_model(str(folder))
    except Exception as error:
        reason = " ".join(str(error).split())
        raise Failure(
            f"the model in {folder} can not be loaded: {type(error).__name__}: {reason}"
        ) from error
