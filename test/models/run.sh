#!/bin/sh
# Runs the tests of the images that serve models, as plain processes: `run.sh [ARGUMENTS OF PYTEST]`.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
image="$root/containers/model-server"
clients="$root/.venv/services/clients"
venv="$root/.venv/models"

# Makes the virtual environment of the clients where it is missing: MLflow, which logs the models,
# and the tools of the tests.
sh "$root/scripts/local/run.sh" -c ""

# What is in the image.
packages=$(sha256sum < "$image/requirements.txt")
if [ "$(cat "$venv/packages" 2>/dev/null)" != "$packages" ]; then
  echo "models: installing the packages of the model server" >&2
  rm -rf "$venv"
  "$clients/bin/python" -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --require-hashes --no-deps \
    --only-binary :all: -r "$image/requirements.txt"
  echo "$packages" > "$venv/packages"
fi
code=$(cat "$image/pyproject.toml" "$image"/mlops_model_server/*.py | sha256sum)
if [ "$(cat "$venv/code" 2>/dev/null)" != "$code" ]; then
  "$venv/bin/pip" install --quiet --disable-pip-version-check --force-reinstall --no-deps \
    --no-index --no-build-isolation "$image"
  echo "$code" > "$venv/code"
fi

if ! Rscript -e 'library(plumber)' >/dev/null 2>&1; then
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "models: installing R and plumber" >&2
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q update >/dev/null
    apt-get -q install -y --no-install-recommends r-base-core r-cran-jsonlite r-cran-plumber \
      >/dev/null
  else
    echo "models: R with plumber is not installed: install it for the model of R" >&2
    exit 1
  fi
fi

[ $# -gt 0 ] || set -- containers/model-server/tests test/models
cd "$root"
exec env PYTHONPATH="$root/scripts:$image:$here" PYTHONDONTWRITEBYTECODE=1 \
  "$clients/bin/python" -m pytest -c "$here/pytest.ini" --rootdir "$root" "$@"
