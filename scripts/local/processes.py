"""Processes that are started, watched and ended as a container runtime would."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import psutil

HOST = "127.0.0.1"
SYSTEM_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds} s")
        time.sleep(0.05)


def accepts_connections(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


def get_status(port: int, path: str, host: str = HOST) -> int:
    """The status of a GET, or 0 when nobody answers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": host})
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def as_user(user: str | None) -> list[str]:
    """Options of setpriv."""
    if user is None:
        return []
    return [f"--reuid={user}", f"--regid={user}", "--clear-groups"]


class Service:
    """A process with everything that it starts, in a process group of its own."""

    def __init__(
        self,
        command: Sequence[str | Path],
        environment: Mapping[str, str],
        log: Path,
        *,
        user: str | None = None,
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self._stop_signal = stop_signal
        # --pdeathsig: it ends with this program, however that ends.
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                ["setpriv", *as_user(user), "--pdeathsig", "TERM", "--", *command],
                env={"PATH": SYSTEM_PATH, **environment},
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    def running(self) -> bool:
        return self.process.poll() is None

    def members(self) -> list[psutil.Process]:
        """The process and all below it, itself first."""
        with contextlib.suppress(psutil.NoSuchProcess):
            parent = psutil.Process(self.pid)
            return [parent, *parent.children(recursive=True)]
        return []

    def signal(self, number: signal.Signals) -> None:
        """To the process alone, as a container runtime does."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)

    def kill_all(self) -> None:
        """SIGKILL to the whole group, as when the task is gone."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self, seconds: float = 60) -> int:
        """The container's stop: its signal, then SIGKILL for what is left. The exit code."""
        if self.running():
            self.signal(self._stop_signal)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
        self.kill_all()
        return self.process.returncode
