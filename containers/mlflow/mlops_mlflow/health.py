"""The health check of the container."""

import http.client

from mlops_mlflow.errors import Failure


def check(port: int) -> None:
    """Raises `Failure` unless MLflow answers `/health` with 200 within 4 s."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=4)
    try:
        connection.request("GET", "/health")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        raise Failure(f"MLflow does not answer on port {port}: {error}") from error
    finally:
        connection.close()
    if status != 200:
        raise Failure(f"MLflow answers {status} on port {port}")
