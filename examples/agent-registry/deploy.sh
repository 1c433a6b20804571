# Creates the record of the tools that a caller may use, in AWS Agent Registry. Run it in the folder of the project.
set -e
: "${REGISTRY_ID:?Set it to the id of the registry}"
: "${WEBHOOKS_URL:?Set it to the output ApiUrl of the stack}"
: "${WEBHOOKS_TOKEN:?Set it to the output of: npx webhooks token create agents --agent --categories incident-management,slo}"
record=$(mktemp)
trap 'rm -f "$record"' EXIT
node "$(dirname "$0")/record.mjs" "${WEBHOOKS_URL%/v1}/v1/mcp" > "$record"
aws agent-registry-control create-registry-record --registry-id "$REGISTRY_ID" --cli-input-json "file://$record"
