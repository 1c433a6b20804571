#!/bin/bash
# Starts a real Locust from Debian with a locustfile of two requests.
#
#   PORT=3211 bash test/real/locust.sh
#   READY http://127.0.0.1:3211 pid=4711 version=2.24.0
. "$(dirname "$0")/server.sh"
prepare 3211
install_packages locust python3-locust
# The package of Debian does not know its version.
version=$(locust --version | grep -oE '^locust [0-9.]+' | cut -d' ' -f2) || version=$(version_of python3-locust)

cat >"$DIR/locustfile.py" <<'PYTHON'
from locust import HttpUser, constant, task


class Shop(HttpUser):
    wait_time = constant(0.2)

    @task(9)
    def catalogue(self):
        self.client.get("/catalogue, all of it", name="/catalogue, all of it")

    @task
    def cart(self):
        self.client.get("/cart")
PYTHON

locust -f "$DIR/locustfile.py" --web-host 127.0.0.1 --web-port "$PORT" >"$DIR/locust.log" 2>&1 </dev/null &
pid=$!
wait_until 30 "$pid" "$DIR/locust.log" port_answers
ready "http://127.0.0.1:$PORT" "$pid" "version=$version"
