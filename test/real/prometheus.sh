#!/bin/bash
# A real Prometheus from Debian on 127.0.0.1:${PORT:-3250}, which watches itself each second.
#
#   PORT=3250 bash test/real/prometheus.sh
#   READY http://127.0.0.1:3250 pid=4711 version=2.53.3
#
# Its metrics are there when it is ready. `kill <pid>` ends the server, and its folder goes with it. It takes root and apt the
# first time, to install the package; it writes nothing else outside of a temporary folder.
set -euo pipefail

PORT=${PORT:-3250}

fail() {
  echo "prometheus.sh: $*" >&2
  exit 1
}

# The program is not available on this machine. This is not a failure of the tests.
unavailable() {
  echo "$*" >&2
  exit 69
}

[[ $PORT =~ ^[0-9]+$ ]] || fail "PORT must be a number, not \"$PORT\"."
if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then fail "port $PORT is in use: set PORT to a free one."; fi

if ! command -v prometheus >/dev/null; then
  [ "$(id -u)" = 0 ] || unavailable 'prometheus is not installed, and it takes root to install it.'
  command -v apt-get >/dev/null || unavailable 'prometheus is not installed, and there is no apt-get to install it with.'
  export DEBIAN_FRONTEND=noninteractive
  timeout 60 apt-get update -qq || unavailable 'apt-get update failed: is there a network?'
  # The Debian service is not needed.
  timeout 240 apt-get install -y -qq --no-install-recommends prometheus >/dev/null ||
    unavailable 'apt-get could not install prometheus.'
fi

DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
cat >"$DIR/prometheus.yml" <<YAML
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: itself
    static_configs:
      - targets: ['127.0.0.1:$PORT']
YAML

prometheus --config.file="$DIR/prometheus.yml" --storage.tsdb.path="$DIR/data" \
  --web.listen-address="127.0.0.1:$PORT" >"$DIR/prometheus.log" 2>&1 </dev/null &
pid=$!

# A rate takes two samples.
scraped() {
  exec 3<>"/dev/tcp/127.0.0.1/$PORT" || return 1
  printf 'GET /api/v1/query?query=count_over_time(up%%5B1m%%5D)%%3E2 HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&3
  grep -q '"value"' <&3
}

for _ in $(seq 240); do
  if ! kill -0 "$pid" 2>/dev/null; then break; fi
  if (scraped) 2>/dev/null; then
    version=$(prometheus --version 2>&1 | grep -oE 'version [0-9.]+' | head -1 | cut -d' ' -f2) || version=unknown
    # From here on the folder belongs to the server, and goes with it.
    trap - EXIT
    (while kill -0 "$pid" 2>/dev/null; do sleep 1; done; rm -rf "$DIR") >/dev/null 2>&1 </dev/null &
    echo "READY http://127.0.0.1:$PORT pid=$pid version=$version"
    exit 0
  fi
  sleep 0.25
done
kill "$pid" 2>/dev/null || true
tail -20 "$DIR/prometheus.log" >&2
fail 'the server did not start in 60 s, or has no data of itself.'
