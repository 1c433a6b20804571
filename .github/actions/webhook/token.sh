# token.sh: prints a token of this job, which is valid for some minutes. Needs AUDIENCE or WEBHOOKS_URL.
curl -sS --fail --max-time 20 --retry 5 -G -H "authorization: bearer $ACTIONS_ID_TOKEN_REQUEST_TOKEN" \
  --data-urlencode "audience=${AUDIENCE:-$WEBHOOKS_URL}" "$ACTIONS_ID_TOKEN_REQUEST_URL" |
  sed 's/.*"value" *: *"\([^"]*\)".*/\1/'
