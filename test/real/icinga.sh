#!/bin/bash
# Starts a real Icinga 2 from Debian with its API over TLS, and the services `slo` and `healthy` on the host `pay`, which take passive results.
#
#   PORT=3310 bash test/real/icinga.sh
#   READY https://localhost:3310 pid=4711 version=2.14.6 username=robot password=<its password> ca=<file of the certificate authority>
. "$(dirname "$0")/server.sh"
prepare 3310
install_packages icinga2 icinga2-bin icinga2-common
command -v openssl >/dev/null || unavailable 'there is no openssl to make certificates with.'

password=$(random_word)
mkdir -p "$DIR/certs" "$DIR/lib" "$DIR/run/icinga2" "$DIR/spool" "$DIR/log" "$DIR/cache"
(
  cd "$DIR/certs"
  openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj '/CN=Icinga test CA' -keyout ca.key -out ca.crt
  openssl req -newkey rsa:2048 -nodes -subj '/CN=localhost' -keyout localhost.key -out localhost.csr
  printf 'subjectAltName=DNS:localhost,IP:127.0.0.1' >san
  openssl x509 -req -in localhost.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 2 -extfile san -out localhost.crt
) >"$DIR/setup.log" 2>&1 || {
  tail -20 "$DIR/setup.log" >&2
  fail 'its certificates could not be made.'
}
cat >"$DIR/icinga2.conf" <<CONF
include <itl>
const NodeName = "localhost"
const ZoneName = "localhost"
object Endpoint NodeName { }
object Zone ZoneName { endpoints = [ NodeName ] }
object FileLogger "main" { severity = "warning", path = "$DIR/log/icinga2.log" }
object CheckerComponent "checker" { }
object NotificationComponent "notification" { }
object ApiListener "api" { bind_host = "127.0.0.1", bind_port = $PORT }
object ApiUser "robot" { password = "$password", permissions = [ "*" ] }
object Host "pay" { check_command = "passive", enable_active_checks = false }
object Service "slo" { host_name = "pay", check_command = "passive", enable_active_checks = false, max_check_attempts = 1 }
object Service "healthy" { host_name = "pay", check_command = "passive", enable_active_checks = false, max_check_attempts = 1 }
CONF
mkdir -p "$DIR/lib/certs"
cp "$DIR/certs/ca.crt" "$DIR/certs/localhost.crt" "$DIR/certs/localhost.key" "$DIR/lib/certs/"
chown -R nagios:nagios "$DIR" 2>/dev/null || true
icinga2 daemon -c "$DIR/icinga2.conf" -D DataDir="$DIR/lib" -D InitRunDir="$DIR/run" -D SpoolDir="$DIR/spool" \
  -D LogDir="$DIR/log" -D CacheDir="$DIR/cache" >"$DIR/server.log" 2>&1 </dev/null &
pid=$!
url=https://localhost:$PORT
wait_until 60 "$pid" "$DIR/server.log" curl -sf --cacert "$DIR/certs/ca.crt" -u "robot:$password" "$url/v1"
curl -sf --cacert "$DIR/certs/ca.crt" -u "robot:$password" -H 'accept: application/json' "$url/v1/actions/process-check-result" \
  -d '{"type":"Service","service":"pay!healthy","exit_status":0,"plugin_output":"fine"}' >/dev/null || fail 'a service could not be set.'
ready "$url" "$pid" "version=$(version_of icinga2-bin)" username=robot "password=$password" "ca=$DIR/certs/ca.crt"
