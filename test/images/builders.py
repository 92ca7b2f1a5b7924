"""The two builders: Docker, and buildah with base images made on this machine."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from local.processes import Service

CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


def say(line: str) -> None:
    print(f"images: {line}", file=sys.stderr, flush=True)


def run(*command: str | Path, **options: Any) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    if result.returncode:
        raise RuntimeError(f"{command} ended with {result.returncode}:\n{result.stderr[-5000:]}")
    return result.stdout.strip()


class Builder(Protocol):
    name: str

    def build(self, context: Path, tag: str) -> None: ...

    def config(self, tag: str) -> dict[str, Any]:
        """User, Entrypoint, Cmd, Env, Volumes and StopSignal of an image."""

    def start(
        self,
        tag: str,
        arguments: list[str],
        environment: Mapping[str, str],
        log: Path,
        file: tuple[Path, str] | None = None,
    ) -> Service:
        """
        On the host's network, as the image's own user, its root read-only. A file or folder of the
        host can be put into it.
        """

    def close(self) -> None: ...


class Docker:
    name = "docker"

    def build(self, context: Path, tag: str) -> None:
        run("docker", "build", "--tag", tag, context)

    def config(self, tag: str) -> dict[str, Any]:
        return json.loads(run("docker", "image", "inspect", tag))[0]["Config"]

    def start(
        self,
        tag: str,
        arguments: list[str],
        environment: Mapping[str, str],
        log: Path,
        file: tuple[Path, str] | None = None,
    ) -> Service:
        command = ["docker", "run", "--rm", "--network=host", "--read-only", "--cap-drop=ALL"]
        for name, value in environment.items():
            command += ["--env", f"{name}={value}"]
        if file:
            command += ["--volume", f"{file[0]}:{file[1]}:ro"]
        stop = self.config(tag).get("StopSignal") or "SIGTERM"
        return Service(
            [*command, tag, *arguments], os.environ, log, stop_signal=getattr(signal, stop)
        )

    def close(self) -> None:
        pass


class Buildah:
    """
    No registry is needed: the base images are Debian by debootstrap, with nginx from Debian, and
    Node and Python 3.12 as they are installed on this machine. They carry the names that the
    Dockerfiles ask for, and differ in their patch releases.
    """

    name = "buildah"

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="mlops-images-"))
        self._buildah = [
            "buildah",
            f"--root={self.folder}/storage",
            f"--runroot={self.folder}/run",
            "--storage-driver=overlay",
        ]
        self._bases: set[str] = set()
        self._containers = 0

    def buildah(self, *arguments: str | Path) -> str:
        return run(*self._buildah, *arguments)

    def build(self, context: Path, tag: str) -> None:
        for base in base_images(context / "Dockerfile"):
            self._make_base(base)
        self.buildah(
            "bud",
            "--isolation=chroot",
            "--pull-never",
            "--format=docker",
            f"--tag={tag}",
            f"--ignorefile={context / '.dockerignore'}"
            if (context / ".dockerignore").exists()
            else "--layers=false",
            context,
        )

    def config(self, tag: str) -> dict[str, Any]:
        return json.loads(self.buildah("inspect", "--type=image", tag))["Docker"]["config"]

    def start(
        self,
        tag: str,
        arguments: list[str],
        environment: Mapping[str, str],
        log: Path,
        file: tuple[Path, str] | None = None,
    ) -> Service:
        config = self.config(tag)
        container = self.buildah("from", "--pull-never", tag)
        root = Path(self.buildah("mount", container))
        values = dict(value.split("=", 1) for value in config["Env"]) | dict(environment)
        # Only the volumes can be written to, each owned as its folder is in the image.
        script = ["set -eu", f"mount --bind {root} {root}"]
        for volume in config["Volumes"]:
            owner = (root / volume.lstrip("/")).stat()
            options = f"uid={owner.st_uid},gid={owner.st_gid},mode={owner.st_mode & 0o7777:o}"
            script.append(f"mount -t tmpfs -o {options} tmpfs {root}{volume}")
        if file:
            target = root / file[1].lstrip("/")
            script += [f"mkdir -p {target.parent}", f"cp -r {file[0]} {target}"]
        script += [
            f"mount -t proc proc {root}/proc",
            f"mount --rbind /dev {root}/dev",
            f"mount -o remount,bind,ro {root}",
            f"cd {root}",
            f'exec chroot --userspec={config["User"]} . env -i "$@"',
        ]
        command = [
            *(f"{name}={value}" for name, value in values.items()),
            "sh",
            "-c",
            f'cd {config.get("WorkingDir") or "/"} && exec "$@"',
            "sh",
            *(config.get("Entrypoint") or []),
            *(arguments or config.get("Cmd") or []),
        ]
        # As runc does with a container's output, which its user may want to open again.
        log.touch()
        os.chown(log, *(int(number) for number in config["User"].split(":")))
        stop = config.get("StopSignal") or "SIGTERM"
        return Service(
            ["unshare", "--mount", "sh", "-c", "\n".join(script), "sh", *command],
            {},
            log,
            stop_signal=getattr(signal, stop),
        )

    def close(self) -> None:
        subprocess.run([*self._buildah, "rm", "--all"], capture_output=True, check=False)
        subprocess.run(
            ["umount", self.folder / "storage" / "overlay"], capture_output=True, check=False
        )
        shutil.rmtree(self.folder, ignore_errors=True)

    def _make_base(self, image: str) -> None:
        if image in self._bases:
            return
        kind = image.split(":")[0]
        if kind not in EXTRAS:
            raise RuntimeError(
                f"{image}: no way is known to make it here; EXTRAS knows {list(EXTRAS)}"
            )
        say(f"making a stand-in for {image}")
        root = self.folder / "rootfs"
        if not root.exists():
            packages = ",".join(
                ["ca-certificates", *(name for names in EXTRAS.values() for name in names)]
            )
            run("debootstrap", "--variant=minbase", f"--include={packages}", "bookworm", root)
            # Where a proxy stands between this machine and the package registries.
            shutil.copy(CA_BUNDLE, root / CA_BUNDLE.relative_to("/"))
        container = self.buildah("from", "scratch")
        self.buildah("copy", container, root, "/")
        if kind in INSTALLED:
            local = self.folder / kind
            INSTALLED[kind](local)
            self.buildah("copy", container, local, "/usr/local")
        if kind == "python":
            self.buildah("run", "--isolation=chroot", container, "ldconfig")
        if kind == "nginx":
            self.buildah(
                "run",
                "--isolation=chroot",
                container,
                "sh",
                "-c",
                "groupadd --gid 101 nginx; useradd --uid 101 --gid nginx --system nginx",
            )
        for name in ("PIP_CERT", "NODE_EXTRA_CA_CERTS"):
            self.buildah("config", f"--env={name}={CA_BUNDLE}", container)
        self.buildah("commit", "--quiet", container, f"docker.io/library/{image}")
        self.buildah("rm", container)
        self._bases.add(image)


# Debian packages that a kind of base image needs beyond the system.
EXTRAS = {
    "python": [
        "libffi8",
        "libssl3",
        "zlib1g",
        "libbz2-1.0",
        "liblzma5",
        "libsqlite3-0",
        "libreadline8",
    ],
    "node": ["libstdc++6"],
    "nginx": ["nginx-light", "gettext-base", "curl"],
    "debian": [],
}


def copy_python(root: Path) -> None:
    shutil.copytree(sys.base_prefix, root, symlinks=True)


def copy_node(root: Path) -> None:
    (root / "bin").mkdir(parents=True)
    shutil.copy(run("node", "--print", "process.execPath"), root / "bin" / "node")
    modules = root / "lib" / "node_modules"
    shutil.copytree(Path(run("npm", "root", "--global")) / "npm", modules / "npm", symlinks=True)
    (root / "bin" / "npm").symlink_to("../lib/node_modules/npm/bin/npm-cli.js")


# What is put into /usr/local, as it is installed here.
INSTALLED = {"python": copy_python, "node": copy_node}


def base_images(dockerfile: Path) -> list[str]:
    text = dockerfile.read_text(encoding="utf-8")
    defaults = dict(re.findall(r"^ARG (\w+)=(\S+)$", text, re.MULTILINE))
    images = []
    for image in re.findall(r"^FROM (\S+)", text, re.MULTILINE):
        images.append(re.sub(r"\$\{(\w+)\}", lambda match: defaults[match[1]], image))
    stages = set(re.findall(r"^FROM \S+ AS (\S+)$", text, re.MULTILINE))
    return [image for image in images if image not in stages]
