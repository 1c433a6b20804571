#!/bin/bash
# Starts moto, an emulator of AWS that keeps everything in memory. Uses the moto of python3, or that of Debian.
#
#   PORT=3220 bash test/real/moto.sh
#   READY http://127.0.0.1:3220 pid=4711 version=5.2.1
. "$(dirname "$0")/server.sh"
prepare 3220

# Before 5.2 its dates are not those of AWS, and the SDK cannot read them.
serves() {
  "$1" -c 'import moto.server, flask, flask_cors; assert [int(n) for n in moto.__version__.split(".")[:2]] >= [5, 2]' 2>/dev/null
}

PYTHON=python3
if ! serves "$PYTHON"; then
  PYTHON=/usr/bin/python3
  # The last ones are dependencies of its server that the Debian package does not declare.
  serves "$PYTHON" || install_packages python3-moto python3-moto python3-flask-cors python3-docker \
    python3-graphql-core python3-jsondiff python3-jsonpath-ng python3-joserfc python3-yaml
  serves "$PYTHON" || unavailable "moto 5.2 or later is not installed, and Debian's python3-moto is older or cannot serve here."
fi

serve='import sys; from moto.server import main; main(["-H", "127.0.0.1", "-p", sys.argv[1]])'
# Its state machines call its other services at this port.
MOTO_PORT=$PORT "$PYTHON" -c "$serve" "$PORT" >"$DIR/moto.log" 2>&1 </dev/null &
pid=$!
wait_until 30 "$pid" "$DIR/moto.log" port_answers
ready "http://127.0.0.1:$PORT" "$pid" "version=$("$PYTHON" -c 'import moto; print(moto.__version__)')"
