#!/bin/sh
# Runs Python with what the stack of plain processes needs: `run.sh ARGUMENTS OF PYTHON`.
# It makes three virtual environments once for each state of the lock files: the image's own, the
# clients' and an older server's, to upgrade from.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
image="$root/containers/mlflow"

say() {
  echo "services: $1" >&2
}

fail() {
  say "$1"
  exit 1
}

# The release that the image is made from; `pyenv` has one of its own only where it is told so.
python=
for candidate in python3.12 "env PYENV_VERSION=3.12 python3.12"; do
  if $candidate -c "" 2>/dev/null; then
    python=$candidate
    break
  fi
done
[ -n "$python" ] || fail "Python 3.12 is not installed: the image is made from it, so install it"

missing=
for pair in nginx:nginx-light mariadbd:mariadb-server envsubst:gettext-base curl:curl wrk:wrk; do
  PATH=$PATH:/usr/sbin command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done
if [ -n "$missing" ]; then
  [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || fail "not installed, install them:$missing"
  say "installing$missing"
  # The servers are started by hand, each in a folder of its own.
  export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
  apt-get -q update >/dev/null
  # shellcheck disable=SC2086
  apt-get -q install -y --no-install-recommends $missing >/dev/null
fi

# Runs a command unless the file named first says that it was done for the same input.
once() {
  stamp=$1
  input=$2
  shift 2
  if [ "$(cat "$stamp" 2>/dev/null)" != "$input" ]; then
    "$@"
    echo "$input" > "$stamp"
  fi
}

make_venv() { # NAME LOCK-FILE [PIP-OPTION]
  say "installing the packages of $1"
  rm -rf "${venvs:?}/$1"
  $python -m venv "$venvs/$1"
  # shellcheck disable=SC2086
  "$venvs/$1/bin/pip" install --quiet --disable-pip-version-check --require-hashes \
    --only-binary :all: ${3:-} -r "$2"
}

install_image_package() { # NAME
  "$venvs/$1/bin/pip" install --quiet --disable-pip-version-check --force-reinstall --no-deps \
    --no-index --no-build-isolation "$image"
}

prepare() { # NAME LOCK-FILE [PIP-OPTION]
  once "$venvs/$1.packages" "$(sha256sum < "$2")" make_venv "$@"
  if [ "$1" != clients ]; then
    once "$venvs/$1/image-package" "$package" install_image_package "$1"
  fi
}

venvs="$root/.venv/services"
mkdir -p "$venvs"
package=$(cat "$image/pyproject.toml" "$image"/mlops_mlflow/*.py | sha256sum)
prepare clients "$here/requirements.txt" & clients=$!
prepare server "$image/requirements.txt" --no-deps & server=$!
prepare older "$here/older-requirements.txt" --no-deps & older=$!
for job in $clients $server $older; do
  wait "$job" || fail "the packages could not be installed, see above"
done

cd "$root"
# Nothing of the caller's MLflow or AWS set-up reaches the stack.
exec env PYTHONPATH="$root/scripts:$root/containers/mlflow" PYTHONDONTWRITEBYTECODE=1 \
  "$venvs/clients/bin/python" "$@"
