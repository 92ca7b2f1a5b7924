"""`npm run local`: the tracking server on this machine, until Ctrl-C."""

import signal
import sys
import time

from local.stack import Stack


def main() -> int:
    # So that a plain `kill` cleans up like Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Where a shell has started this in the background, it ignores Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    started = time.monotonic()
    try:
        say("starting the database")
        with Stack() as stack:
            task = stack.task()
            stack.database.create("mlflow")
            say("creating the schema")
            result = task.migrate()
            if result.returncode:
                say(result.stderr)
                return 1
            say("starting MLflow")
            task.start_mlflow()
            task.wait_healthy()
            task.start_nginx()
            say(f"ready in {time.monotonic() - started:.0f} s, nothing is kept after Ctrl-C")
            say(f"logs: {task.folder}")
            print(f"\n  MLFLOW_TRACKING_URI={task.url}", flush=True)
            print("  MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE=1\n", flush=True)
            while task.mlflow and task.mlflow.running():
                time.sleep(0.5)
            say(f"MLflow has ended: {task.mlflow_log.read_text()[-2000:]}")
            return 1
    except KeyboardInterrupt:
        say("stopped")
        return 0


def say(line: str) -> None:
    print(f"local: {line}", file=sys.stderr, flush=True)


sys.exit(main())
