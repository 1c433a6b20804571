# Sourced by the scripts that start a real server on 127.0.0.1:$PORT. A script prints
# `READY <url> pid=<pid> <word>=<value> ..` and leaves the server running; `kill <pid>` ends the server, and its
# temporary folder $DIR is removed with it. Exit code 69 says that the server cannot be had on this machine.
set -euo pipefail

# Debian's packages and Redmine use this folder without quotes.
if [[ ${TMPDIR:-} =~ [^A-Za-z0-9._/-] ]]; then export TMPDIR=/tmp; fi

# A busy machine takes longer than an idle one.
PATIENCE=3

SCRIPT=$(basename "$0")

fail() {
  echo "$SCRIPT: $*" >&2
  exit 1
}

unavailable() {
  echo "$*" >&2
  exit 69
}

# The script failed: end the server if it runs already.
clean_up() {
  if [ -n "${pid:-}" ] && kill "$pid" 2>/dev/null; then wait "$pid" || true; fi
  rm -rf "$DIR"
}

port_answers() {
  (exec 3<>"/dev/tcp/127.0.0.1/$PORT") 2>/dev/null
}

# Checks $PORT and makes $DIR.
prepare() {
  PORT=${PORT:-$1}
  [[ $PORT =~ ^[0-9]+$ ]] || fail "PORT must be a number, not \"$PORT\"."
  if port_answers; then fail "port $PORT is in use: set PORT to a free one."; fi
  DIR=$(mktemp -d)
  chmod 755 "$DIR"
  trap clean_up EXIT
}

# install_packages <command that shows they are there> <Debian package> ..
install_packages() {
  local probe=$1
  shift
  if command -v "$probe" >/dev/null; then return; fi
  [ "$(id -u)" = 0 ] || unavailable "$probe is not installed, and it takes root to install it."
  command -v apt-get >/dev/null || unavailable "$probe is not installed, and there is no apt-get to install it with."
  export DEBIAN_FRONTEND=noninteractive
  timeout "$((60 * PATIENCE))" apt-get update -qq || unavailable 'apt-get update failed: is there a network?'
  timeout "$((200 * PATIENCE))" apt-get install -y -qq --no-install-recommends "$@" >/dev/null ||
    unavailable "apt-get could not install $*."
}

# wait_until <seconds on an idle machine> <pid> <log file> <command ..>: waits until the command succeeds, and fails if the process ends before.
wait_until() {
  local seconds=$1 pid=$2 log=$3
  shift 3
  local end=$((SECONDS + seconds * PATIENCE))
  until "$@" >/dev/null 2>&1; do
    if ! kill -0 "$pid" 2>/dev/null; then
      tail -20 "$log" >&2
      fail 'the server ended before it was ready.'
    fi
    if ((SECONDS >= end)); then
      tail -20 "$log" >&2
      fail "the server did not start in $seconds s."
    fi
    sleep 0.25
  done
}

# ready <url> <pid> <word=value ..>: hands the server and its folder over to the caller.
ready() {
  local url=$1 pid=$2
  shift 2
  trap - EXIT
  (while kill -0 "$pid" 2>/dev/null; do sleep 1; done; rm -rf "$DIR") >/dev/null 2>&1 </dev/null &
  echo "READY $url pid=$pid $*"
}

# version_of <Debian package>: 5.0.7
version_of() {
  dpkg-query -W -f '${Version}' "$1" 2>/dev/null | sed 's/^[0-9]*://' | grep -oE '^[0-9.]+' || echo unknown
}

random_word() {
  head -c 12 /dev/urandom | od -An -tx1 | tr -d ' \n'
}
