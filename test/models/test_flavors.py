"""What flavors.json promises to `npm run promote`."""

import json
import re
import subprocess

from local.task import IMAGES
from model_server import BIN

IMAGE = IMAGES / "model-server"
FLAVORS: dict[str, list[str]] = json.loads((IMAGE / "flavors.json").read_text())


def test_every_loader_is_in_the_image() -> None:
    for module in FLAVORS:
        command = [BIN / "python", "-c", f"from {module} import _load_pyfunc"]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        assert result.returncode == 0, result.stderr


def test_every_package_is_locked() -> None:
    lock = (IMAGE / "requirements.txt").read_text()
    locked = set(re.findall(r"^([a-z0-9-]+)==", lock, re.MULTILINE))

    for module, packages in FLAVORS.items():
        assert set(packages) <= locked, module
