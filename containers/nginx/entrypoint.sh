#!/bin/sh
# Fills the template in from the environment, then becomes nginx.
set -eu

fail() {
  echo "entrypoint: $1" >&2
  exit 1
}

if [ -z "${ALLOWED_HOSTS:-}" ]; then
  fail 'ALLOWED_HOSTS is not set: set it to the host names to answer to, as "*.example.com localhost"'
fi
# Nothing that could end the directive it is put into.
case "$ALLOWED_HOSTS" in
  *[!A-Za-z0-9.*\ -]*)
    fail "ALLOWED_HOSTS is \"$ALLOWED_HOSTS\": only letters, digits, dots, hyphens, stars and spaces" ;;
esac
case "$MAX_BODY_SIZE" in
  '' | *[!0-9kmg]* | [kmg]* | *[kmg]?*)
    fail "MAX_BODY_SIZE is \"$MAX_BODY_SIZE\": set it to a size such as 10m" ;;
esac

export ALLOWED_HOSTS MAX_BODY_SIZE LISTEN UPSTREAM RUN_DIR
envsubst '$ALLOWED_HOSTS $MAX_BODY_SIZE $LISTEN $UPSTREAM $RUN_DIR' \
  < "$TEMPLATE" > "$RUN_DIR/nginx.conf"
exec nginx -p "$RUN_DIR" -c "$RUN_DIR/nginx.conf" -e stderr
