#!/bin/bash
# Starts a real Prometheus from Debian that scrapes itself every second, for the user `robot`. Its metrics are available when
# it is ready.
#
#   PORT=3250 bash test/real/prometheus.sh
#   READY http://127.0.0.1:3250 pid=4711 version=2.53.3 password=<password of the user>
. "$(dirname "$0")/server.sh"
prepare 3250
install_packages prometheus prometheus

password=$(random_word)
cat >"$DIR/web.yml" <<YAML
basic_auth_users:
  robot: $(perl -e 'print crypt($ARGV[0], q($2b$05$) . "x" x 21 . "u")' "$password")
YAML
cat >"$DIR/prometheus.yml" <<YAML
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: itself
    basic_auth: {username: robot, password: $password}
    static_configs:
      - targets: ['127.0.0.1:$PORT']
YAML

prometheus --config.file="$DIR/prometheus.yml" --storage.tsdb.path="$DIR/data" \
  --web.config.file="$DIR/web.yml" --web.listen-address="127.0.0.1:$PORT" >"$DIR/prometheus.log" 2>&1 </dev/null &
pid=$!

# A rate takes two samples.
authorization="Basic $(printf 'robot:%s' "$password" | base64 -w0)"
scraped() {
  exec 3<>"/dev/tcp/127.0.0.1/$PORT" || return 1
  printf 'GET /api/v1/query?query=count_over_time(up%%5B1m%%5D)%%3E2 HTTP/1.0\r\nAuthorization: %s\r\n\r\n' \
    "$authorization" >&3
  grep -q '"value"' <&3
}

wait_until 60 "$pid" "$DIR/prometheus.log" scraped
version=$(prometheus --version 2>&1 | grep -oE 'version [0-9.]+' | head -1 | cut -d' ' -f2) || version=unknown
ready "http://127.0.0.1:$PORT" "$pid" "version=$version password=$password"
