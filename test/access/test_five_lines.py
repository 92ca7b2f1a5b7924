"""The lines that the README gives to a data scientist, as they are printed there."""

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from callers import environment
from conftest import CONNECTION, ROOT, WRITER
from front import Front
from local.processes import SYSTEM_PATH


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """The commands of a virtual environment that has MLflow, but not the signer."""
    folder = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    packages = tmp_path / "packages"
    packages.mkdir()
    own = Path(sysconfig.get_path("purelib"))
    for package in own.glob("flit_core*"):
        (packages / package.name).symlink_to(package)
    clients = (own / "clients.pth").read_text(encoding="utf-8").strip()
    (site / "all.pth").write_text(f"{packages}\n{clients}\n", encoding="utf-8")
    return folder / "bin"


def test_run_as_printed(front: Front, python: Path, tmp_path: Path) -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"## Work with it\n\n```sh\n(.*?)```", text, re.DOTALL)[0]
    assert len(lines.splitlines()) <= 5
    pulumi = tmp_path / "bin" / "pulumi"
    pulumi.parent.mkdir()
    outputs = {"connection": {**CONNECTION, "MLFLOW_TRACKING_URI": front.url}}
    pulumi.write_text(f"#!/bin/sh\necho '{json.dumps(outputs)}'\n", encoding="utf-8")
    pulumi.chmod(0o755)
    before = len(front.calls)

    result = subprocess.run(
        ["sh", "-eu", "-c", lines],
        cwd=ROOT,
        env={
            "PATH": os.pathsep.join([str(python), str(pulumi.parent), SYSTEM_PATH]),
            "HOME": str(tmp_path),
            **environment(*WRITER),
            # What is already there is enough; "0" switches the isolation off.
            "PIP_NO_INDEX": "1",
            "PIP_NO_BUILD_ISOLATION": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stdout + result.stderr
    assert "Successfully installed mlops-sigv4" in result.stdout
    made = [call.path for call in front.calls[before:] if call.status == 200]
    assert "/api/2.0/mlflow/runs/create" in made
    assert "/api/2.0/mlflow/runs/log-metric" in made or "/api/2.0/mlflow/runs/log-batch" in made
