"""`npm run ui` as a process."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from callers import environment
from local.processes import HOST, Service, free_port, get_status, wait_until

ROOT = Path(__file__).resolve().parents[2]


@contextlib.contextmanager
def run_ui(api: str, credentials: tuple[str, str], folder: Path) -> Iterator[int]:
    """Its port."""
    port = free_port()
    log = folder / "log"
    command = ["node", "--require", f"{ROOT}/offline/register.js", f"{ROOT}/scripts/ui.ts"]
    service = Service([*command, "--url", api, "--port", str(port)], environment(*credentials), log)

    def ready_or_gone() -> bool:
        assert service.running(), log.read_text()
        return get_status(port, "/version", f"{HOST}:{port}") == 200

    try:
        wait_until(ready_or_gone, "the start of the ui proxy")
        yield port
    finally:
        service.stop()
