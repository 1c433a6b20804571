#!/bin/bash
# Starts a real Trac from Debian with its XML-RPC plug-in, which also speaks JSON-RPC.
#
#   PORT=3270 bash test/real/trac.sh
#   READY http://127.0.0.1:3270 pid=4711 version=1.6 username=robot password=<its password>
. "$(dirname "$0")/server.sh"
prepare 3270
install_packages tracd trac trac-xmlrpc

password=$(random_word)
trac-admin "$DIR/ops" initenv Operations sqlite:db/trac.db >"$DIR/setup.log" 2>&1 || {
  tail -20 "$DIR/setup.log" >&2
  fail 'its project could not be set up.'
}
trac-admin "$DIR/ops" config set components 'tracrpc.*' enabled >/dev/null 2>&1
for right in XML_RPC TICKET_CREATE TICKET_MODIFY TICKET_VIEW; do
  trac-admin "$DIR/ops" permission add robot "$right" >/dev/null 2>&1
done
printf 'robot:trac:%s\n' "$(printf 'robot:trac:%s' "$password" | md5sum | cut -d' ' -f1)" >"$DIR/digest"
printf 'robot:%s\n' "$(openssl passwd -apr1 "$password")" >"$DIR/basic"
tracd --hostname 127.0.0.1 --port "$PORT" --single-env --basic-auth="ops,$DIR/basic,trac" "$DIR/ops" \
  >"$DIR/server.log" 2>&1 </dev/null &
pid=$!
url=http://127.0.0.1:$PORT
wait_until 60 "$pid" "$DIR/server.log" curl -sf -o /dev/null "$url/"
ready "$url" "$pid" "version=$(version_of trac)" username=robot "password=$password"
