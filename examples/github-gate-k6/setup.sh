# Saves the connection to k6, and creates a GitHub App that starts the load test for each deployment. Run it in the folder of the project.
set -e
: "${WEBHOOKS_URL:?Set it to the output ApiUrl of the stack}"
: "${ORGANIZATION:?Set it to your organization at GitHub}"
npx webhooks connect load-testing/k6 --from-file examples/github-gate-k6/connection.json
npx webhooks github manifest k6-gate --url "$WEBHOOKS_URL" --action load-testing/start-test --connection k6 --deadline PT1H \
  --organization "$ORGANIZATION" --repositories "$ORGANIZATION/*"
