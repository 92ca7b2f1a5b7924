#!/bin/sh
# Runs the tests of both doors: `run.sh [ARGUMENTS OF PYTEST]`.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
clients="$root/.venv/services/clients"
venv="$root/.venv/access"

# Makes the virtual environment of the clients where it is missing.
sh "$root/scripts/local/run.sh" -c ""

input=$(cat "$here/requirements.txt" "$root/scripts/local/requirements.txt" \
  "$root/clients/python/pyproject.toml" | sha256sum)
if [ "$(cat "$venv/done" 2>/dev/null)" != "$input" ]; then
  echo "access: installing the packages" >&2
  rm -rf "$venv"
  "$clients/bin/python" -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes \
    --only-binary :all: -r "$here/requirements.txt"
  # The packages of the clients' environment too, after its own.
  site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
  "$clients/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))' \
    > "$site/clients.pth"
  # As `pip install ./clients/python` does, so that MLflow finds the entry point.
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
    --no-index --no-build-isolation --editable "$root/clients/python"
  echo "$input" > "$venv/done"
fi

if ! command -v chromium >/dev/null; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "access: installing chromium" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q update >/dev/null
    apt-get -q install -y --no-install-recommends chromium fonts-dejavu-core >/dev/null
  else
    echo "access: chromium is not installed: install it for the browser test" >&2
    exit 1
  fi
fi

[ $# -gt 0 ] || set -- clients/python/tests test/access
cd "$root"
exec env PYTHONPATH="$root/scripts:$root/containers/mlflow:$root/test/services:$here" PYTHONDONTWRITEBYTECODE=1 \
  "$venv/bin/python" -m pytest -c "$here/pytest.ini" --rootdir "$root" "$@"
