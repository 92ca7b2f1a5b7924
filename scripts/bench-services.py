"""`npm run bench:services`: the container's command beside plain `mlflow server`, and nginx's price.

Whatever is compared runs in turns, round by round, so that a busy machine slows both. Prints tables
in Markdown, and ends with 1 when a ratio that the project promises does not hold.
"""

import argparse
import json
import os
import platform
import re
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote_plus

import psutil
from local.database import USER
from local.processes import HOST, SYSTEM_PATH, Service, free_port, get_status, wait_until
from local.stack import Stack
from local.task import VENVS, Task

ROUNDS = 10
# What is promised of /health is a difference of a few per cent.
HEALTH_ROUNDS = 40
SECONDS = 2
CONNECTIONS = 16
PASSWORD = "benchmark"

READ = "/api/2.0/mlflow/experiments/get?experiment_id=0"
WRITE = "/api/2.0/mlflow/runs/log-metric"
WRITE_LUA = """
local step = 0
request = function()
  step = step + 1
  local body = string.format(
    '{"run_id":"%s","key":"bench-%s","value":1,"timestamp":%d,"step":%d}', run, name, step, step)
  return wrk.format("POST", nil, {["Content-Type"] = "application/json"}, body)
end
init = function(args)
  run = args[1]
  name = args[2]
end
"""


@dataclass(frozen=True)
class Measurement:
    rate: float
    p50: float
    p99: float


@dataclass(frozen=True)
class Server:
    """Something to send requests to."""

    name: str
    port: int
    process: Service
    run_id: str


class Bench:
    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self._write_script = stack.folder / "write.lua"
        self._write_script.write_text(WRITE_LUA)
        self._writes = 0

    def measure(self, server: Server, path: str, seconds: int = SECONDS) -> Measurement:
        command: list[str | Path] = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency"]
        # As every request by the API has one; nginx would make one up.
        command += ["-H", "X-Request-Id: benchmark"]
        url = f"http://{HOST}:{server.port}{path}"
        if path == WRITE:
            self._writes += 1
            command += ["-s", self._write_script, url, "--", server.run_id, str(self._writes)]
        else:
            command.append(url)
        output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        assert "Non-2xx" not in output, output
        return Measurement(
            rate=float(find(r"Requests/sec:\s+([\d.]+)", output)),
            p50=milliseconds(find(r"\n\s+50%\s+(\S+)", output)),
            p99=milliseconds(find(r"\n\s+99%\s+(\S+)", output)),
        )

    def in_turns(
        self, servers: list[Server], path: str, rounds: int = ROUNDS
    ) -> dict[str, list[Measurement]]:
        results: dict[str, list[Measurement]] = {server.name: [] for server in servers}
        for server in servers:
            self.measure(server, path, 1)
        for number in range(rounds):
            # Each is the first of a round as often as the last.
            for server in servers if number % 2 else reversed(servers):
                results[server.name].append(self.measure(server, path))
        return results


def find(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    assert match, text
    return match[1]


def milliseconds(text: str) -> float:
    match = re.fullmatch(r"([\d.]+)(us|ms|s)", text)
    assert match, text
    number, unit = match.groups()
    return float(number) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def median(values: list[Measurement], of: Callable[[Measurement], float]) -> float:
    return statistics.median(of(value) for value in values)


def median_ratio(over: list[Measurement], under: list[Measurement]) -> float:
    return statistics.median(a.rate / b.rate for a, b in zip(over, under, strict=True))


def memory_gib(service: Service) -> float:
    """What the process and all below it hold; shared pages count once."""
    members = service.members()
    return sum(process.memory_full_info().pss for process in members) / 2**30


def new_run(port: int) -> str:
    def post(path: str, body: dict[str, object]) -> dict:
        request = urllib.request.Request(
            f"http://{HOST}:{port}/api/2.0/mlflow/{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    experiment = post("experiments/create", {"name": f"bench {time.time_ns()}"})["experiment_id"]
    return post("runs/create", {"experiment_id": experiment})["run"]["info"]["run_id"]


def start_task(stack: Stack, name: str, workers: int) -> Task:
    stack.database.create(name)
    task = stack.task(database_name=name, workers=workers)
    task.start()
    return task


def start_plain(stack: Stack) -> tuple[Service, int]:
    """`mlflow server` as installed by `pip install mlflow`, with its defaults."""
    stack.database.create("plain")
    port = free_port()
    uri = (
        f"mysql+pymysql://{USER}:{quote_plus(PASSWORD)}@{HOST}:{stack.database.port}/plain"
        f"?ssl_ca={stack.database.ca_file}"
    )
    folder = stack.folder / "plain"
    folder.mkdir()
    service = Service(
        [
            VENVS / "clients" / "bin" / "mlflow",
            "server",
            f"--port={port}",
            f"--backend-store-uri={uri}",
            "--artifacts-destination=s3://artifacts/plain",
        ],
        {
            "PATH": f"{VENVS / 'clients' / 'bin'}:{SYSTEM_PATH}",
            "HOME": str(folder),
            "MLFLOW_DISABLE_TELEMETRY": "true",
        },
        folder / "log",
    )
    wait_until(lambda: get_status(port, "/health") == 200, "the start of plain MLflow", 300)
    # Its job runner starts after its workers.
    time.sleep(20)
    return service, port


def table(head: list[str], rows: list[list[str]]) -> None:
    for line in [head, ["---"] * len(head), *rows]:
        print("| " + " | ".join(line) + " |")
    print(flush=True)


def say(line: str) -> None:
    print(f"bench: {line}", file=sys.stderr, flush=True)


def compare_with_plain(bench: Bench) -> list[str]:
    """Ours and plain MLflow, per GiB that each holds."""
    say("the container's command beside plain mlflow server")
    task = start_task(bench.stack, "ours", 2)
    assert task.mlflow
    plain, plain_port = start_plain(bench.stack)
    ours = Server("ours", task.mlflow_port, task.mlflow, new_run(task.mlflow_port))
    stock = Server("plain", plain_port, plain, new_run(plain_port))
    rows, failures = [], []
    for title, path in (("light read", READ), ("log-metric", WRITE)):
        results = bench.in_turns([ours, stock], path)
        gib = {server.name: memory_gib(server.process) for server in (ours, stock)}
        ratio = median_ratio(results["ours"], results["plain"])
        per_gib = ratio * gib["plain"] / gib["ours"]
        for server in (ours, stock):
            measured = results[server.name]
            rate = median(measured, lambda one: one.rate)
            rows.append(
                [
                    title,
                    server.name,
                    f"{rate:.0f}",
                    f"{median(measured, lambda one: one.p50):.1f}",
                    f"{median(measured, lambda one: one.p99):.0f}",
                    f"{gib[server.name]:.2f}",
                    f"{rate / gib[server.name]:.0f}",
                    f"**{per_gib:.1f}**" if server is ours else "1",
                ]
            )
        if per_gib < 2:
            failures.append(f"{title}: {per_gib:.2f} times plain per GiB, promised are 2")
    print(f"### Ours (2 workers) and plain `mlflow server`, {CONNECTIONS} connections\n")
    table(
        ["request", "server", "per s", "p50 ms", "p99 ms", "GiB held", "per s and GiB", "ratio"],
        rows,
    )
    plain.stop()
    task.stop()
    return failures


def compare_with_nginx(bench: Bench) -> list[str]:
    """
    What is promised is judged with one worker: on a machine of two processors a second one would have
    to share its own with the client and the proxy, and the ratio would be that of the machine.
    """
    say("direct to MLflow beside through nginx")
    rows, failures = [], []
    tasks = {count: start_task(bench.stack, f"behind_nginx_{count}", count) for count in (1, 2)}
    runs = {count: new_run(task.port) for count, task in tasks.items()}
    for workers, title, path, rounds in (
        (1, "/health", "/health", HEALTH_ROUNDS),
        (2, "/health", "/health", ROUNDS),
        (2, "light read", READ, ROUNDS),
        (2, "log-metric", WRITE, ROUNDS),
    ):
        task = tasks[workers]
        assert task.mlflow
        direct = Server("direct", task.mlflow_port, task.mlflow, runs[workers])
        proxied = Server("nginx", task.port, task.mlflow, runs[workers])
        results = bench.in_turns([direct, proxied], path, rounds)
        ratio = median_ratio(results["nginx"], results["direct"])
        added = statistics.median(
            a.p99 - b.p99 for a, b in zip(results["nginx"], results["direct"], strict=True)
        )
        for name, measured in results.items():
            rows.append(
                [
                    str(workers),
                    title,
                    name,
                    f"{median(measured, lambda one: one.rate):.0f}",
                    f"{median(measured, lambda one: one.p50):.1f}",
                    f"{median(measured, lambda one: one.p99):.1f}",
                    f"**{ratio:.2f}**" if name == "nginx" else "1",
                    f"**{added:+.1f}**" if name == "nginx" else "",
                ]
            )
        if workers != 1:
            continue
        if ratio < 0.95:
            failures.append(f"/health through nginx: ratio {ratio:.2f}, promised is 0.95")
        if added > 2:
            failures.append(f"/health through nginx: p99 {added:+.1f} ms, promised are 2")
    print(f"### Through nginx, {CONNECTIONS} connections\n")
    table(
        ["workers", "request", "path", "per s", "p50 ms", "p99 ms", "ratio", "p99 added ms"], rows
    )
    for task in tasks.values():
        task.stop()
    return failures


def compare_workers(bench: Bench) -> list[str]:
    say("1, 2 and 4 workers")
    tasks = {count: start_task(bench.stack, f"workers_{count}", count) for count in (1, 2, 4)}
    servers = []
    for count, task in tasks.items():
        assert task.mlflow
        servers.append(Server(str(count), task.port, task.mlflow, new_run(task.port)))
    idle = {server.name: memory_gib(server.process) for server in servers}
    reads = bench.in_turns(servers, READ)
    writes = bench.in_turns(servers, WRITE)
    print(f"### Workers, through nginx, {CONNECTIONS} connections\n")
    table(
        [
            "workers",
            "light reads per s",
            "log-metric per s",
            "log-metric p99 ms",
            "GiB at rest",
            "GiB after",
        ],
        [
            [
                server.name,
                f"{median(reads[server.name], lambda one: one.rate):.0f}",
                f"{median(writes[server.name], lambda one: one.rate):.0f}",
                f"{median(writes[server.name], lambda one: one.p99):.0f}",
                f"{idle[server.name]:.2f}",
                f"{memory_gib(server.process):.2f}",
            ]
            for server in servers
        ],
    )
    for task in tasks.values():
        task.stop()
    return []


def cold_starts(bench: Bench) -> list[str]:
    say("cold starts")
    rows = []
    for workers in (1, 2):
        name = f"cold_{workers}"
        bench.stack.database.create(name)
        for state in ("empty", "migrated"):
            task = bench.stack.task(database_name=name, workers=workers)
            begun = time.monotonic()
            assert task.migrate().returncode == 0
            migrated = time.monotonic()
            task.start_mlflow()
            task.wait_healthy()
            assert task.mlflow
            healthy = time.monotonic()
            cpu = sum(sum(process.cpu_times()[:2]) for process in task.mlflow.members())
            rows.append(
                [
                    state,
                    str(workers),
                    f"{migrated - begun:.1f}",
                    f"{healthy - migrated:.1f}",
                    f"{cpu:.1f}",
                ]
            )
            task.stop()
    print("### Cold start\n")
    table(["database", "workers", "migrate s", "server s", "CPU s of the server"], rows)
    return []


PARTS: dict[str, Callable[[Bench], list[str]]] = {
    "plain": compare_with_plain,
    "nginx": compare_with_nginx,
    "workers": compare_workers,
    "starts": cold_starts,
}


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="npm run bench:services --",
        description="Compares the tracking server's containers with plain MLflow, and with themselves "
        "in other settings. Takes a quarter of an hour. Ends with 1 when a promised ratio does not hold.",
    )
    parser.add_argument("--only", choices=PARTS, help="one part in place of all")
    only = parser.parse_args().only
    model = find(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text())
    memory = psutil.virtual_memory().total / 2**30
    print(
        f"Taken on {time.strftime('%Y-%m-%d')} on {model}, {os.cpu_count()} cores, {memory:.0f} GiB, "
        f"{platform.machine()}, with client, servers and database on the same machine "
        f"(load {os.getloadavg()[0]:.1f} at the start); medians of {ROUNDS} rounds of {SECONDS} s "
        f"in turns, {HEALTH_ROUNDS} for /health with one worker.\n"
    )
    with Stack() as stack:
        stack.rotate_password(PASSWORD)
        bench = Bench(stack)
        failures = [
            failure for part in PARTS if only in (None, part) for failure in PARTS[part](bench)
        ]
    for failure in failures:
        say(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
