"""The command of the container."""

import os
import sys
from collections.abc import Sequence

from mlops_model_server import log
from mlops_model_server.errors import Failure

HELP = """usage: mlops-model-server serve

Serves the MLflow model in /opt/ml/model, or that of MODEL_S3_URI, on port 8080 until SIGTERM:
GET /ping and POST /invocations. SageMaker starts it so, as `docker run IMAGE serve`."""


def main(arguments: Sequence[str] | None = None) -> int:
    given = list(sys.argv[1:] if arguments is None else arguments)
    if given in (["--help"], ["-h"]):
        print(HELP)
        return 0
    if given != ["serve"]:
        shown = f'"{" ".join(given)}" is no command' if given else "no command is given"
        return complain(f'{shown}: start it with "serve"', 2)
    log.configure()
    try:
        # Here, so that a wrong command is answered at once.
        from mlops_model_server import server, settings

        server.run(settings.read(os.environ))
    except Failure as failure:
        return complain(str(failure), 1)
    return 0


def complain(line: str, code: int) -> int:
    print(f"mlops-model-server: {line}", file=sys.stderr, flush=True)
    return code
