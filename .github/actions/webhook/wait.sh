# wait.sh <category/action?query> <body>: starts a task and waits for its end. Needs WEBHOOKS_URL and WEBHOOKS_TOKEN.
call() { curl -sS --fail-with-body --retry 9 --retry-connrefused -H "authorization: Bearer $WEBHOOKS_TOKEN" "$@"; }
first() { grep -o "\"$1\":\"[^\"]*\"" | head -n 1 | cut -d '"' -f 4; }
accepted=$(call -H 'content-type: application/json' -d "$2" "$WEBHOOKS_URL/v1/$1") || { echo "$accepted" >&2; exit 2; }
url=$(echo "$accepted" | first statusUrl) verdict=running
while [ "$verdict" = running ]; do
  status=$(call "$url?wait=25") || { echo "$status" >&2; exit 2; }
  verdict=$(echo "$status" | first verdict)
  echo "$verdict $(echo "$status" | first progress)" >&2
done
echo "$status"; [ "$verdict" = pass ] || [ "$verdict" = warning ]
