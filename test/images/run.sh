#!/bin/sh
# Builds and starts every image, with Docker or, where that is not running, with buildah.
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
missing=
if ! docker info >/dev/null 2>&1; then
  [ "$(id -u)" = 0 ] || { echo "images: start Docker, or run this as root with buildah" >&2; exit 1; }
  for command in buildah debootstrap; do
    command -v "$command" >/dev/null || missing="$missing $command"
  done
  if [ -n "$missing" ]; then
    echo "images: installing$missing" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q update >/dev/null
    # shellcheck disable=SC2086
    apt-get -q install -y --no-install-recommends $missing crun fuse-overlayfs >/dev/null
  fi
fi
exec sh "$root/scripts/local/run.sh" -m pytest -c "$root/test/images/pytest.ini" "$root/test/images" "$@"
