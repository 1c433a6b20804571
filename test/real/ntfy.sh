#!/bin/bash
# A real ntfy from Debian on 127.0.0.1:${PORT:-3240}, with one user who may use two topics.
#
#   PORT=3240 bash test/real/ntfy.sh
#   READY http://127.0.0.1:3240 pid=4711 version=2.11.0 token=<token of the user> password=<its password>
#
# The user is `robot`; it may write to `deploys` and `approvals` and read them, and only read `readings`. `kill <pid>` ends the server, and
# its folder goes with it. It takes root and apt the first time, to install the package; it writes nothing else outside of a
# temporary folder.
set -euo pipefail

PORT=${PORT:-3240}

fail() {
  echo "ntfy.sh: $*" >&2
  exit 1
}

# The program is not available on this machine. This is not a failure of the tests.
unavailable() {
  echo "$*" >&2
  exit 69
}

[[ $PORT =~ ^[0-9]+$ ]] || fail "PORT must be a number, not \"$PORT\"."
if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then fail "port $PORT is in use: set PORT to a free one."; fi

# Its older part alone, without the server, has the same name.
if ! ntfy serve --help >/dev/null 2>&1; then
  [ "$(id -u)" = 0 ] || unavailable 'ntfy is not installed, and it takes root to install it.'
  command -v apt-get >/dev/null || unavailable 'ntfy is not installed, and there is no apt-get to install it with.'
  export DEBIAN_FRONTEND=noninteractive
  timeout 60 apt-get update -qq || unavailable 'apt-get update failed: is there a network?'
  timeout 180 apt-get install -y -qq --no-install-recommends ntfy >/dev/null ||
    unavailable 'apt-get could not install ntfy.'
fi

DIR=$(mktemp -d)
trap 'rm -rf "$DIR"' EXIT
cat >"$DIR/server.yml" <<YAML
base-url: http://127.0.0.1:$PORT
listen-http: 127.0.0.1:$PORT
cache-file: $DIR/cache.db
auth-file: $DIR/user.db
auth-default-access: deny-all
YAML

ntfy serve --config "$DIR/server.yml" >"$DIR/ntfy.log" 2>&1 </dev/null &
pid=$!
for _ in $(seq 120); do
  if ! kill -0 "$pid" 2>/dev/null; then break; fi
  if (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null; then
    # Its users are in a file that the server makes.
    password=$(head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n')
    NTFY_PASSWORD=$password ntfy user --config "$DIR/server.yml" add robot >/dev/null 2>&1 || break
    for topic in deploys approvals; do
      ntfy access --config "$DIR/server.yml" robot "$topic" read-write >/dev/null 2>&1 || break 2
    done
    ntfy access --config "$DIR/server.yml" robot readings read-only >/dev/null 2>&1 || break
    token=$(ntfy token --config "$DIR/server.yml" add robot 2>&1 | grep -oE 'tk_[a-z0-9]+') || break
    version=$(grep -oE 'ntfy [0-9.]+' "$DIR/ntfy.log" | head -1 | cut -d' ' -f2) || version=unknown
    # From here on the folder belongs to the server, and goes with it.
    trap - EXIT
    (while kill -0 "$pid" 2>/dev/null; do sleep 1; done; rm -rf "$DIR") >/dev/null 2>&1 </dev/null &
    echo "READY http://127.0.0.1:$PORT pid=$pid version=$version token=$token password=$password"
    exit 0
  fi
  sleep 0.25
done
kill "$pid" 2>/dev/null || true
tail -20 "$DIR/ntfy.log" >&2
fail 'the server did not start in 30 s, or its user could not be made.'
