# wait.sh <category/action?query> <body>: starts a task and waits for its end. If the script is stopped, it cancels the task.
# Needs WEBHOOKS_URL, and WEBHOOKS_TOKEN or WEBHOOKS_TOKEN_COMMAND, which prints a new token for each request.
target=$1 body=$2 out=$(mktemp)
token() { if [ "$WEBHOOKS_TOKEN_COMMAND" ]; then eval "$WEBHOOKS_TOKEN_COMMAND"; else echo "$WEBHOOKS_TOKEN"; fi; }
send() { exec curl -sS --fail-with-body -H "authorization: Bearer $(token)" -H 'content-type: application/json' "$@"; }
stop() {
  trap '' INT TERM
  kill $! 2>/dev/null
  (send --max-time 10 -d "$body" "$WEBHOOKS_URL/v1/${target%%\?*}/cancel?${target#*\?}") >&2
  exit 143
}
trap stop INT TERM
trap 'rm -f "$out"' EXIT
call() { # repeats a request that gets no response for ten minutes, and writes the response to $out
  since=$(date +%s)
  until send --max-time 60 --retry 9 --retry-max-time 300 "$@" >"$out" & wait $!; do
    [ $? != 22 ] && [ $(($(date +%s) - since)) -lt 600 ] || { cat "$out" >&2; exit 2; }
    sleep 5 & wait $!
  done
}
first() { grep -oE "\"$1\":\"([^\"\\]|\\\\.)*\"" "$out" | head -n 1 | sed 's/^[^:]*:"//; s/"$//; s/\\"/"/g'; }
call -d "$body" "$WEBHOOKS_URL/v1/$target"
url=$(first statusUrl) verdict=running said= wait=1
echo "task $url" >&2
while [ "$verdict" = running ]; do
  call "$url?wait=$wait"
  verdict=$(first verdict) now="$verdict $(first progress)$(first message)"
  [ "$now" = "$said" ] || printf '%s\n' "$now" >&2
  said=$now wait=25
done
cat "$out"; echo; [ "$verdict" = pass ] || [ "$verdict" = warning ]
