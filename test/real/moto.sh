#!/bin/bash
# moto, which plays AWS, on 127.0.0.1:${PORT:-3220}.
#
#   PORT=3220 bash test/real/moto.sh
#   READY http://127.0.0.1:3220 pid=4711 version=5.2.1
#
# It keeps everything in memory, so `kill <pid>` ends all of it. It takes the moto of python3, else Debian's, which root
# and apt install the first time.
set -euo pipefail

PORT=${PORT:-3220}

# The program is not available on this machine. This is not a failure of the tests.
unavailable() {
  echo "$*" >&2
  exit 69
}

# Before 5.2 its dates are not those of AWS, and the SDK cannot read them.
serves() {
  "$1" -c 'import moto.server, flask, flask_cors; assert [int(n) for n in moto.__version__.split(".")[:2]] >= [5, 2]' 2>/dev/null
}

PYTHON=
for candidate in python3 /usr/bin/python3; do
  if command -v "$candidate" >/dev/null && serves "$candidate"; then
    PYTHON=$candidate
    break
  fi
done
if [ -z "$PYTHON" ]; then
  [ "$(id -u)" = 0 ] || unavailable 'python3 has no moto, and it takes root to install it.'
  command -v apt-get >/dev/null || unavailable 'python3 has no moto, and there is no apt-get to install it with.'
  export DEBIAN_FRONTEND=noninteractive
  timeout 60 apt-get update -qq || unavailable 'apt-get update failed: is there a network?'
  # Dependencies of its server that the Debian package does not declare.
  timeout 180 apt-get install -y -qq --no-install-recommends python3-moto python3-flask-cors python3-docker \
    python3-graphql-core python3-jsondiff python3-jsonpath-ng python3-joserfc python3-yaml >/dev/null ||
    unavailable 'apt-get could not install python3-moto.'
  PYTHON=/usr/bin/python3
  serves "$PYTHON" || unavailable "moto 5.2 or later is not installed, and Debian's python3-moto is older or cannot serve here."
fi

LOG=$(mktemp)
trap 'rm -f "$LOG"' EXIT
serve='import sys; from moto.server import main; main(["-H", "127.0.0.1", "-p", sys.argv[1]])'
# Its state machines call its other services at this port.
MOTO_PORT=$PORT "$PYTHON" -c "$serve" "$PORT" >"$LOG" 2>&1 </dev/null &
pid=$!
for _ in $(seq 120); do
  if ! kill -0 "$pid" 2>/dev/null; then break; fi
  if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then
    version=$("$PYTHON" -c 'import moto; print(moto.__version__)')
    echo "READY http://127.0.0.1:$PORT pid=$pid version=$version"
    exit 0
  fi
  sleep 0.25
done
kill "$pid" 2>/dev/null || true
tail -20 "$LOG" >&2
echo 'moto.sh: the server did not start in 30 s.' >&2
exit 1
