# Run it in the folder of the project. Saves the connection to k6, and creates a GitHub App that starts the load test for each deployment.
set -e
npx webhooks connect load-testing/k6 --from-file examples/github-gate-k6/connection.json
npx webhooks github manifest k6-gate --url https://webhooks.example.com --action load-testing/start-test --connection k6 \
  --deadline PT1H --organization octo-org --repositories 'octo-org/*'
