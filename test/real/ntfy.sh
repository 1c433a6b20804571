#!/bin/bash
# Starts a real ntfy from Debian with the user `robot`, who may write to and read the topics `deploys` and `approvals`, and
# only read `readings`.
#
#   PORT=3240 bash test/real/ntfy.sh
#   READY http://127.0.0.1:3240 pid=4711 version=2.11.0 token=<token of the user> password=<its password>
. "$(dirname "$0")/server.sh"
prepare 3240
# The client alone, without the server, has the same name.
ntfy serve --help >/dev/null 2>&1 || install_packages ntfy-server ntfy

cat >"$DIR/server.yml" <<YAML
base-url: http://127.0.0.1:$PORT
listen-http: 127.0.0.1:$PORT
cache-file: $DIR/cache.db
auth-file: $DIR/user.db
auth-default-access: deny-all
visitor-request-limit-exempt-hosts: 127.0.0.1
YAML

ntfy serve --config "$DIR/server.yml" >"$DIR/ntfy.log" 2>&1 </dev/null &
pid=$!
wait_until 30 "$pid" "$DIR/ntfy.log" port_answers
# The server creates the file of the users.
manage() {
  ntfy "$1" --config "$DIR/server.yml" "${@:2}" 2>&1 || fail 'its user could not be created.'
}
password=$(random_word)
NTFY_PASSWORD=$password manage user add robot >/dev/null
for topic in deploys approvals; do manage access robot "$topic" read-write >/dev/null; done
manage access robot readings read-only >/dev/null
token=$(manage token add robot | grep -oE 'tk_[a-z0-9]+')
version=$(grep -oE 'ntfy [0-9.]+' "$DIR/ntfy.log" | head -1 | cut -d' ' -f2) || version=unknown
ready "http://127.0.0.1:$PORT" "$pid" "version=$version token=$token password=$password"
