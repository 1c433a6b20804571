#!/bin/bash
# Starts a real VictoriaMetrics from Debian, with the metric `latency_ms{service="shop"}` of the last 20 minutes, which is 120.
#
#   PORT=3260 bash test/real/victoria-metrics.sh
#   READY http://127.0.0.1:3260 pid=4711 version=1.112.0 username=robot password=<its password>
. "$(dirname "$0")/server.sh"
prepare 3260
install_packages victoria-metrics victoria-metrics

password=$(random_word)
victoria-metrics -storageDataPath="$DIR/data" -httpListenAddr="127.0.0.1:$PORT" -httpAuth.username=robot \
  -httpAuth.password="$password" -search.latencyOffset=0s >"$DIR/server.log" 2>&1 </dev/null &
pid=$!
url=http://127.0.0.1:$PORT
wait_until 60 "$pid" "$DIR/server.log" curl -sf -u "robot:$password" "$url/health"
now=$(date +%s)
for second in $(seq $((now - 1200)) 15 "$now"); do
  echo "latency_ms{service=\"shop\"} 120 ${second}000"
done >"$DIR/samples"
curl -sf -u "robot:$password" --data-binary "@$DIR/samples" "$url/api/v1/import/prometheus"
# Samples become searchable a moment after they are taken.
seen() { curl -sf -u "robot:$password" -G "$url/api/v1/query" --data-urlencode 'query=latency_ms' | grep -q '"value"'; }
wait_until 60 "$pid" "$DIR/server.log" seen
ready "$url" "$pid" "version=$(version_of victoria-metrics)" username=robot "password=$password"
