#!/bin/sh
# Succeeds when MLflow answers through nginx.
exec curl --silent --show-error --fail --output /dev/null --max-time 4 \
  "http://127.0.0.1:$LISTEN/health"
