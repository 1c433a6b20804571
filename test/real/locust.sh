#!/bin/bash
# A real Locust from Debian on 127.0.0.1:${PORT:-3211}, with a locustfile of two requests.
#
#   PORT=3211 bash test/real/locust.sh
#   READY http://127.0.0.1:3211 pid=4711 version=2.24.0
#
# `kill <pid>` ends it, and its folder goes with it. It takes root and apt the first time, to install the package; it writes
# nothing else outside of a temporary folder.
set -euo pipefail

PORT=${PORT:-3211}

fail() {
  echo "locust.sh: $*" >&2
  exit 1
}

# The program is not available on this machine. This is not a failure of the tests.
unavailable() {
  echo "$*" >&2
  exit 69
}

[[ $PORT =~ ^[0-9]+$ ]] || fail "PORT must be a number, not \"$PORT\"."
if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then fail "port $PORT is in use: set PORT to a free one."; fi

if ! command -v locust >/dev/null; then
  [ "$(id -u)" = 0 ] || unavailable 'Locust is not installed, and it takes root to install it.'
  command -v apt-get >/dev/null || unavailable 'Locust is not installed, and there is no apt-get to install it with.'
  export DEBIAN_FRONTEND=noninteractive
  timeout 60 apt-get update -qq || unavailable 'apt-get update failed: is there a network?'
  timeout 180 apt-get install -y -qq --no-install-recommends python3-locust >/dev/null ||
    unavailable 'apt-get could not install python3-locust.'
fi
# Debian's own does not know its version.
version=$(locust --version | grep -oE '^locust [0-9.]+' | cut -d' ' -f2) ||
  version=$(dpkg-query -W -f '${Version}' python3-locust 2>/dev/null | cut -d- -f1) || version=unknown

DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT

cat >"$DIR/locustfile.py" <<'PYTHON'
from locust import HttpUser, constant, task


class Shop(HttpUser):
    wait_time = constant(0.2)

    @task(9)
    def catalogue(self):
        self.client.get("/catalogue, all of it", name="/catalogue, all of it")

    @task
    def cart(self):
        self.client.get("/cart")
PYTHON

locust -f "$DIR/locustfile.py" --web-host 127.0.0.1 --web-port "$PORT" >"$DIR/locust.log" 2>&1 </dev/null &
pid=$!
for _ in $(seq 120); do
  if ! kill -0 "$pid" 2>/dev/null; then break; fi
  if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then
    # From here on the folder belongs to the server, and goes with it.
    trap - EXIT
    (while kill -0 "$pid" 2>/dev/null; do sleep 1; done; rm -rf "$DIR") >/dev/null 2>&1 </dev/null &
    echo "READY http://127.0.0.1:$PORT pid=$pid version=$version"
    exit 0
  fi
  sleep 0.25
done
kill "$pid" 2>/dev/null || true
tail -20 "$DIR/locust.log" >&2
fail 'the server did not start in 30 s.'
