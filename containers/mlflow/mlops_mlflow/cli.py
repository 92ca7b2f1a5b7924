"""The commands of the container: `migrate`, `server` and `healthcheck`."""

import argparse
import os
import sys
from collections.abc import Sequence

from mlops_mlflow.errors import Failure


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="mlops-mlflow", description=__doc__)
    parser.add_argument("command", choices=sorted(COMMANDS))
    command = COMMANDS[parser.parse_args(arguments).command]
    if region := os.environ.get("AWS_REGION"):
        # ECS sets the first, boto3 reads the second.
        os.environ.setdefault("AWS_DEFAULT_REGION", region)
    try:
        return command()
    except Failure as failure:
        print(f"mlops-mlflow: {failure}", file=sys.stderr, flush=True)
        return 1


# Each command imports what it needs: a health check runs every few seconds and must stay cheap.


def migrate() -> int:
    from mlops_mlflow import migration, settings

    return migration.run(settings.database(os.environ))


def server() -> int:
    from mlops_mlflow import server

    server.run(os.environ)
    return 0


def healthcheck() -> int:
    from mlops_mlflow import health, settings

    port = settings.whole_number(os.environ, "MLFLOW_PORT", default=5000, least=1, most=65535)
    health.check(port)
    return 0


COMMANDS = {"migrate": migrate, "server": server, "healthcheck": healthcheck}
