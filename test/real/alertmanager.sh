#!/bin/bash
# Starts a real Alertmanager from Debian.
#
#   PORT=3250 bash test/real/alertmanager.sh
#   READY http://127.0.0.1:3250 pid=4711 version=0.28.1
. "$(dirname "$0")/server.sh"
prepare 3250
install_packages prometheus-alertmanager prometheus-alertmanager

cat >"$DIR/alertmanager.yml" <<YAML
route:
  receiver: nobody
receivers:
  - name: nobody
YAML
prometheus-alertmanager --config.file="$DIR/alertmanager.yml" --storage.path="$DIR/data" \
  --web.listen-address="127.0.0.1:$PORT" --cluster.listen-address= >"$DIR/server.log" 2>&1 </dev/null &
pid=$!
url=http://127.0.0.1:$PORT
wait_until 60 "$pid" "$DIR/server.log" curl -sf "$url/-/ready"
ready "$url" "$pid" "version=$(version_of prometheus-alertmanager)"
