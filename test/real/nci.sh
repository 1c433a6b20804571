#!/bin/bash
# Starts a real nci with its REST API, both from npm, and three projects: `quick` passes, `broken` fails, `slow` runs for five minutes.
#
#   PORT=3290 bash test/real/nci.sh
#   READY http://127.0.0.1:3290 pid=4711 version=1.0.27
. "$(dirname "$0")/server.sh"
NCI=1.0.27
prepare 3290
command -v npm >/dev/null || unavailable 'there is no npm to install nci with.'
command -v git >/dev/null || unavailable 'there is no git, which nci builds from.'

cd "$DIR"
echo '{"private":true}' >package.json
timeout 300 npm install --no-audit --no-fund "nci@$NCI" nci-rest-api-server@2.0.1 memdown@1.4.1 >npm.log 2>&1 || {
  tail -5 npm.log >&2
  unavailable "npm could not install nci@$NCI."
}
mkdir -p data/projects source
git -C source init -q
git -C source -c user.name=robot -c user.email=robot@example.com commit -q --allow-empty -m 'Start'
project() {
  mkdir "data/projects/$1"
  cat >"data/projects/$1/config.json" <<JSON
{
  "scm": {"type": "git", "repository": "$DIR/source", "rev": "$(git -C source symbolic-ref --short HEAD)"},
  "steps": [{"type": "shell", "cmd": "$2"}]
}
JSON
}
project quick 'echo done'
project broken 'exit 1'
project slow 'sleep 300'
cat >data/config.json <<JSON
{
  "plugins": ["nci-rest-api-server"],
  "nodes": [{"type": "local", "maxExecutorsCount": 3}],
  "storage": {"backend": "memdown"},
  "http": {"host": "127.0.0.1", "port": $PORT, "url": "http://127.0.0.1:$PORT"}
}
JSON
node node_modules/.bin/nci >server.log 2>&1 </dev/null &
pid=$!
url=http://127.0.0.1:$PORT
wait_until 60 "$pid" server.log curl -sf "$url/api/0.1/projects/slow"
ready "$url" "$pid" "version=$NCI"
